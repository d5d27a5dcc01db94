import type { Panes } from "../panes/model";
import type { ComparedRow } from "../panes/types";
import type { Pattern } from "../types";

/** Rows that are looked at for one jump: a text may stand in other columns, too. */
const TRIES = 60;

export const holds = (row: ComparedRow | undefined, column: number, { old, new: now }: Pick<Pattern, "old" | "new">): boolean =>
  row?.status === "changed" && row.changed.includes(column) && row.a?.[column] === old && row.b?.[column] === now;

/** Goes to the next row that changed in this way, from the active one on and around once. False: none was found. */
export async function jumpTo(panes: Panes, pattern: Pattern): Promise<boolean> {
  const column = panes.index(pattern.column);
  // The longer text is in fewer rows.
  const text = [pattern.old ?? "", pattern.new ?? ""].sort((one, other) => other.length - one.length)[0] ?? "";
  let from = (panes.active?.position ?? -1) + 1;
  let around = from === 0;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const found = await panes.place({ text, from });
    if (!found) {
      if (around) return false;
      around = true;
      from = 0;
      continue;
    }
    if (holds(await panes.load(found.position), column, pattern)) {
      panes.goTo(found.position, column);
      return true;
    }
    from = found.position + 1;
  }
  return false;
}
