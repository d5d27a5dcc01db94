import { onMounted, onUnmounted } from "vue";
import { singleKeys } from "@/features/preview/settings";

export type Acts = Record<"next" | "previous" | "review" | "goTo" | "find" | "copyRow" | "keys", () => unknown>;
type Key = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

const ALONE: Record<string, keyof Acts> = { n: "next", p: "previous", r: "review", "?": "keys" };
const WITH_CTRL: Record<string, keyof Acts> = { g: "goTo", f: "find" };

/** What a key means on the screen, null: nothing. Single keys mean nothing where they are text, or where they are off. */
export function actOf({ key, ctrlKey, metaKey, shiftKey, altKey }: Key, single: boolean): keyof Acts | null {
  if (altKey) return null;
  const name = key.toLowerCase();
  if (!ctrlKey && !metaKey) return single ? (ALONE[name] ?? null) : null;
  if (shiftKey) return name === "c" ? "copyRow" : null;
  return WITH_CTRL[name] ?? null;
}

const isTyping = (target: EventTarget | null): boolean => target instanceof Element && target.closest("input, textarea, select, [contenteditable=true]") !== null;
const isElsewhere = (): boolean => document.querySelector('[role="dialog"], [role="menu"], [role="alertdialog"]') !== null;

/** Keys of the whole screen. */
export function useFullKeys(acts: Acts): void {
  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || isElsewhere()) return;
    const act = actOf(event, singleKeys.value && !isTyping(event.target));
    if (!act) return;
    event.preventDefault();
    acts[act]();
  }
  onMounted(() => {
    addEventListener("keydown", onKey);
  });
  onUnmounted(() => {
    removeEventListener("keydown", onKey);
  });
}
