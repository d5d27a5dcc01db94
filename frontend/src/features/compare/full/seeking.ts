import { shallowRef } from "vue";
import { asProblem, type Problem } from "@/api/problem";
import type { Panes } from "../panes/model";
import type { Located } from "../panes/types";

export type Finding =
  | { kind: "none" }
  | { kind: "busy"; text: string }
  | { kind: "found"; text: string; at: Located; wrapped: boolean }
  | { kind: "nothing"; text: string }
  | { kind: "failed"; problem: Problem };

/** Looks for a text in both tables, from the row behind the active one and around the end. The latest search counts. */
export function useSeeking(panes: () => Panes | null) {
  const finding = shallowRef<Finding>({ kind: "none" });
  let latest = 0;

  async function seek(text: string): Promise<void> {
    const searched = panes();
    if (!searched || text === "") return;
    const number = (latest += 1);
    const set = (found: Finding): void => {
      if (number === latest) finding.value = found;
    };
    set({ kind: "busy", text });
    try {
      const from = (searched.active?.position ?? -1) + 1;
      const ahead = from < searched.total ? await searched.seek({ text, from }) : null;
      const at = ahead ?? (from > 0 ? await searched.seek({ text, from: 0 }) : null);
      set(at ? { kind: "found", text, at, wrapped: ahead === null } : { kind: "nothing", text });
    } catch (error) {
      set({ kind: "failed", problem: asProblem(error) });
    }
  }

  function stop(): void {
    latest += 1;
    finding.value = { kind: "none" };
  }

  return { finding, seek, stop };
}
