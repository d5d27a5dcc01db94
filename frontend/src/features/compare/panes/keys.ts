import type { Move } from "./model";

type Key = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** What a key means in the panes. */
export type Meaning =
  | { kind: "move"; by: Move; page: boolean; extend: boolean }
  | { kind: "select" | "unselect" | "open" | "menu" | "copy" }
  | { kind: "widen"; by: number };

const ARROWS: Record<string, Move> = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };
const WIDER = 24;

const move = (by: Move, given: { page?: boolean; extend?: boolean } = {}): Meaning => ({ kind: "move", by, page: false, extend: false, ...given });

function withCtrl({ key }: Key): Meaning | null {
  if (key === "Home" || key === "ArrowUp") return move("top");
  if (key === "End" || key === "ArrowDown") return move("bottom");
  if (key === "ArrowLeft" || key === "ArrowRight") return move(key === "ArrowLeft" ? "home" : "end");
  return key.toLowerCase() === "c" ? { kind: "copy" } : null;
}

/** Null: nothing; the page or the browser may have the key. */
export function meaningOf(event: Key): Meaning | null {
  const { key, shiftKey, altKey } = event;
  if (altKey) return null;
  if (event.ctrlKey || event.metaKey) return shiftKey ? null : withCtrl(event);
  const arrow = ARROWS[key];
  if (arrow === "left" || arrow === "right") return shiftKey ? { kind: "widen", by: arrow === "left" ? -WIDER : WIDER } : move(arrow);
  if (arrow) return move(arrow, { extend: shiftKey });
  if (key === "Home" || key === "End") return move(key === "Home" ? "home" : "end");
  if (key === "PageUp" || key === "PageDown") return move(key === "PageUp" ? "up" : "down", { page: true, extend: shiftKey });
  if (key === "Enter") return { kind: "open" };
  if (key === " ") return { kind: "select" };
  if (key === "Escape") return { kind: "unselect" };
  return key === "ContextMenu" || (key === "F10" && shiftKey) ? { kind: "menu" } : null;
}
