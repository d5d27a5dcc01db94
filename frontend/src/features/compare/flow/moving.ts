import type { Spot } from "./spots";

export type Act = { kind: "go"; to: number } | { kind: "choose" } | { kind: "zoom"; by: 1 | -1 } | { kind: "fit" } | { kind: "whole" };

type Key = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;
const FAR = 10;

/** Steps up or down the column in which a node stands: its siblings, then those of the next folder. */
function along(spots: readonly Spot[], at: number, by: number): number {
  const level = spots[at]?.level;
  const column = spots.flatMap((spot, index) => (spot.level === level ? [index] : []));
  const place = column.indexOf(at);
  return column[Math.max(0, Math.min(column.length - 1, place + by))] ?? at;
}

/** What a key does in the picture: arrows go along its lines. Null: nothing; the page may have the key. */
export function actOf({ key, code, ctrlKey, metaKey, altKey, shiftKey }: Key, spots: readonly Spot[], at: number): Act | null {
  const spot = spots[at];
  if (ctrlKey || metaKey || altKey || !spot) return null;
  // By the place of the key: what is written there with Shift is another sign on each keyboard. Digits alone are names of years.
  if (shiftKey && (code === "Digit1" || code === "Digit0")) return { kind: code === "Digit1" ? "fit" : "whole" };
  const go = (to: number): Act => ({ kind: "go", to: to < 0 ? at : to });
  switch (key) {
    case "ArrowUp": return go(along(spots, at, -1));
    case "ArrowDown": return go(along(spots, at, 1));
    case "PageUp": return go(along(spots, at, -FAR));
    case "PageDown": return go(along(spots, at, FAR));
    case "Home": return go(along(spots, at, -Infinity));
    case "End": return go(along(spots, at, Infinity));
    case "ArrowLeft": return go(spots.findIndex(({ id }) => id === spot.parent));
    case "ArrowRight":
      if (spot.isFolder && !spot.open) return { kind: "choose" };
      return go(spots.findIndex(({ parent }) => parent === spot.id));
    case "Enter":
    case " ": return { kind: "choose" };
    case "+": return { kind: "zoom", by: 1 };
    case "-": return { kind: "zoom", by: -1 };
    default: return null;
  }
}

/** The next node whose name begins with what was typed, from one on and around; -1: none. */
export function typedAhead(spots: readonly Spot[], at: number, typed: string): number {
  const wanted = typed.toLowerCase();
  const start = typed.length > 1 ? at : at + 1;
  for (let step = 0; step < spots.length; step += 1) {
    const index = (start + step) % spots.length;
    const spot = spots[index];
    if (spot?.kind === "place" && spot.node.name.toLowerCase().startsWith(wanted)) return index;
  }
  return -1;
}

export type View = { readonly x: number; readonly y: number; readonly zoom: number };
type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
type Size = { readonly width: number; readonly height: number };

/** The view moved as little as it takes to have a box in it, with some room around; null: it is there already. */
export function shownAt(view: View, box: Box, size: Size, room = 24): View | null {
  const shift = (start: number, length: number, extent: number): number => {
    const end = start + length;
    if (start < room) return room - start;
    return end > extent - room ? Math.max(extent - room - end, room - start) : 0;
  };
  const dx = shift(box.x * view.zoom + view.x, box.width * view.zoom, size.width);
  const dy = shift(box.y * view.zoom + view.y, box.height * view.zoom, size.height);
  return dx === 0 && dy === 0 ? null : { x: view.x + dx, y: view.y + dy, zoom: view.zoom };
}

/** Everything, in the middle where there is room; where it could not be read then, its beginning, as small as `least`. */
export function wholeView(boxes: readonly Box[], size: Size, least: number, room = 24): View {
  const right = boxes.reduce((most, { x, width }) => Math.max(most, x + width), 1);
  const bottom = boxes.reduce((most, { y, height }) => Math.max(most, y + height), 1);
  const fitting = Math.min(1, (size.width - 2 * room) / right, (size.height - 2 * room) / bottom);
  const zoom = Math.max(least, fitting);
  const start = (extent: number, length: number): number => Math.max(room, Math.round((extent - length * zoom) / 2));
  return { x: start(size.width, right), y: start(size.height, bottom), zoom };
}

/** The view in which a node stands where it stood before everything was laid out anew. */
export const anchored = (view: View, before: { x: number; y: number }, after: { x: number; y: number }): View => ({
  x: view.x + (before.x - after.x) * view.zoom,
  y: view.y + (before.y - after.y) * view.zoom,
  zoom: view.zoom,
});
