import type { Direction, Grid } from "./model";

export type Key = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** What a key means in the grid, by itself: the page's part is told by name. */
export type Meaning =
  | { kind: "do"; work: (grid: Grid) => unknown }
  /** Left to the page: it has a surface for it. */
  | { kind: "ask"; what: "open" | "columnMenu" | "cellMenu" | "copyHeaders" | "insertRows" | "deleteRows" }
  | { kind: "page"; direction: "up" | "down"; extend: boolean }
  | { kind: "begin"; typed: string | undefined }
  | { kind: "leave" };

const ARROWS: Record<string, Direction> = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };
const does = (work: (grid: Grid) => unknown): Meaning => ({ kind: "do", work });

function moving({ key, shiftKey: extend }: Key, ctrl: boolean): Meaning | null {
  const arrow = ARROWS[key];
  if (arrow) return does((grid) => { grid.move(arrow, { extend, edge: ctrl }); });
  if (key === "Home" || key === "End") return does((grid) => { grid.moveTo(key === "Home" ? "start" : "end", { extend, whole: ctrl }); });
  if (key === "PageUp" || key === "PageDown") return { kind: "page", direction: key === "PageUp" ? "up" : "down", extend };
  return null;
}

function withCtrl({ key, shiftKey, altKey }: Key, editing: boolean): Meaning | null {
  const small = key.toLowerCase();
  if (altKey) {
    if (editing && key === "=") return { kind: "ask", what: "insertRows" };
    if (editing && key === "-") return { kind: "ask", what: "deleteRows" };
    // Ctrl and Alt together are AltGr, which types: €, @, {.
    return editing && /^[^a-z0-9]$/iu.test(key) ? { kind: "begin", typed: key } : null;
  }
  if (small === "a") return does((grid) => { grid.selectAll(); });
  if (small === "c" && shiftKey) return { kind: "ask", what: "copyHeaders" };
  if (key === " ") return does((grid) => { selectWhole(grid, "columns"); });
  if (!editing) return null;
  if (small === "z") return does((grid) => (shiftKey ? grid.redo() : grid.undo()));
  if (small === "y") return does((grid) => grid.redo());
  if (small === "d" || small === "r") return does((grid) => grid.fill(small === "d" ? "down" : "right"));
  if (key === "Delete") return does((grid) => grid.clear(true));
  return null;
}

function selectWhole(grid: Grid, kind: "rows" | "columns"): void {
  const { active } = grid;
  if (active) grid.select(active.line, active.at, { kind });
}

function alone({ key, shiftKey }: Key, editing: boolean, several: boolean): Meaning | null {
  if (key === " " && shiftKey) return does((grid) => { selectWhole(grid, "rows"); });
  if (key === "F10" && shiftKey) return { kind: "ask", what: "cellMenu" };
  if (key === "ContextMenu") return { kind: "ask", what: "cellMenu" };
  if (key === "Escape") return { kind: "leave" };
  if (key === "Tab") return editing ? does((grid) => { grid.step("tab", shiftKey); }) : null;
  if (key === "Enter" && several) return does((grid) => { grid.step("enter", shiftKey); });
  if (key === "F2" || key === "Enter") return editing ? { kind: "begin", typed: undefined } : { kind: "ask", what: "open" };
  if (!editing) return null;
  if (key === "Delete") return does((grid) => grid.clear());
  if (key === "Backspace") return { kind: "begin", typed: "" };
  // One character, also one outside of the first 65,536; a composed one begins with "Process" or "Dead".
  if ([...key].length === 1) return { kind: "begin", typed: key };
  return key === "Process" || key === "Dead" ? { kind: "begin", typed: "" } : null;
}

/** What a key means while no editor is open; null: nothing, the browser may have it. `several`: more than one cell is
 *  selected. Tab only moves in edit mode, and not right after Escape: nobody is caught in the grid. */
export function meaningOf(key: Key, state: { editing: boolean; several: boolean; leaving: boolean }): Meaning | null {
  const ctrl = key.ctrlKey || key.metaKey;
  if (key.key === "Tab" && (state.leaving || ctrl)) return null;
  if (key.altKey && key.key === "ArrowDown") return { kind: "ask", what: "columnMenu" };
  if (key.altKey && !ctrl) return null;
  return moving(key, ctrl) ?? (ctrl ? withCtrl(key, state.editing) : alone(key, state.editing, state.several));
}

/** What a key means in an open editor. `typing`: it was opened by a character, so arrows leave it as in Excel. */
export type EditorMeaning = { kind: "commit"; then: "down" | "up" | "right" | "left" } | { kind: "cancel" } | { kind: "newline" };

export function editorMeaningOf(key: Key & { isComposing?: boolean }, typing: boolean): EditorMeaning | null {
  // Enter and Escape within a composition are the input method's.
  if (key.isComposing) return null;
  if (key.key === "Escape") return { kind: "cancel" };
  if (key.key === "Enter") return key.altKey ? { kind: "newline" } : { kind: "commit", then: key.shiftKey ? "up" : "down" };
  if (key.key === "Tab") return { kind: "commit", then: key.shiftKey ? "left" : "right" };
  const arrow = ARROWS[key.key];
  return typing && arrow && !key.shiftKey && !key.ctrlKey && !key.altKey && !key.metaKey ? { kind: "commit", then: arrow } : null;
}
