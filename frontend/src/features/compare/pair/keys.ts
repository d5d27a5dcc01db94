import { onMounted, onUnmounted } from "vue";
import { singleKeys } from "@/features/preview/settings";
import type { PairDesk } from "./desk";

const isTyping = (target: EventTarget | null): boolean => target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
const isElsewhere = (): boolean => document.querySelector('[role="dialog"], [role="menu"], [role="alertdialog"]') !== null;

export type Acts = { neighbour: (by: 1 | -1) => void; find: () => void };

/** Keys of the whole screen: with Ctrl always, single ones where they are on and nothing is typed. */
export function usePairKeys(desk: PairDesk, acts: Acts): void {
  const alone: Record<string, () => unknown> = {
    n: async () => desk.step(1),
    p: async () => desk.step(-1),
    r: desk.review,
    i: async () => desk.ignore(desk.panes.value?.activeColumn?.name),
    t: () => {
      if (desk.panes.value?.active) desk.applying.value = desk.panes.value.selected.size > 0 ? "selection" : "cell";
    },
    v: () => (desk.view.value = desk.view.value === "full" ? "changed" : "full"),
    "[": () => { acts.neighbour(-1); },
    "]": () => { acts.neighbour(1); },
    "?": () => (desk.surface.value = "keys"),
  };

  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.altKey || isElsewhere()) return;
    const ctrl = event.ctrlKey || event.metaKey;
    if (ctrl && event.key.toLowerCase() === "f") {
      event.preventDefault();
      acts.find();
      return;
    }
    const work = ctrl || !singleKeys.value || isTyping(event.target) ? undefined : alone[event.key.toLowerCase()];
    if (!work) return;
    event.preventDefault();
    void work();
  }

  onMounted(() => { addEventListener("keydown", onKey); });
  onUnmounted(() => { removeEventListener("keydown", onKey); });
}
