import { onMounted, onUnmounted } from "vue";
import type { Desk } from "./desk";
import { singleKeys, wholeWindow } from "./settings";

type Acts = { neighbour: (by: -1 | 1) => void };

/** Whether keys are typed into something: there they are text. */
const isTyping = (target: EventTarget | null): boolean => target instanceof Element && target.closest("input, textarea, select, [contenteditable=true]") !== null;
const isElsewhere = (): boolean => document.querySelector('[role="dialog"], [role="menu"], [role="alertdialog"]') !== null;

/** Keys of the whole screen: with Ctrl always, single ones where they are on and nothing is typed. */
export function usePageKeys(desk: Desk, acts: Acts): void {
  function withCtrl(event: KeyboardEvent): (() => unknown) | null {
    switch (event.key.toLowerCase()) {
      case "f":
        return () => (desk.finding.value = true);
      case "g":
        return () => (desk.surface.value = "goTo");
      case "s":
        return () => (desk.grid.hasDraft ? desk.save() : undefined);
      case "e":
        return () => {
          desk.setEditMode(desk.grid.editing.kind === "off");
        };
      default:
        return null;
    }
  }

  function alone(event: KeyboardEvent): (() => unknown) | null {
    switch (event.key) {
      case "e":
      case "E":
        return () => {
          desk.setEditMode(desk.grid.editing.kind === "off");
        };
      case "[":
        return () => {
          acts.neighbour(-1);
        };
      case "]":
        return () => {
          acts.neighbour(1);
        };
      case "h":
        return () => (desk.history.value = !desk.history.value);
      case "f":
        return () => (wholeWindow.value = !wholeWindow.value);
      case "?":
        return () => (desk.surface.value = "keys");
      default:
        return null;
    }
  }

  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.altKey || isElsewhere()) return;
    const ctrl = event.ctrlKey || event.metaKey;
    const work = ctrl ? withCtrl(event) : singleKeys.value && !isTyping(event.target) ? alone(event) : null;
    if (!work) return;
    event.preventDefault();
    work();
  }

  onMounted(() => {
    addEventListener("keydown", onKey);
  });
  onUnmounted(() => {
    removeEventListener("keydown", onKey);
  });
}
