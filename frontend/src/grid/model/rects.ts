import type { Rect } from "./types";

export const cellsOf = (rect: Rect): number => Math.max(0, rect.bottom - rect.top + 1) * Math.max(0, rect.right - rect.left + 1);

export const contains = (rect: Rect, line: number, at: number): boolean =>
  line >= rect.top && line <= rect.bottom && at >= rect.left && at <= rect.right;

/** What is left of `rect` without `hole`, as rectangles that do not overlap. */
function without(rect: Rect, hole: Rect): Rect[] {
  const top = Math.max(rect.top, hole.top);
  const bottom = Math.min(rect.bottom, hole.bottom);
  if (top > bottom || hole.left > rect.right || hole.right < rect.left) return [rect];
  return [
    { ...rect, bottom: top - 1 },
    { ...rect, top: bottom + 1 },
    { top, bottom, left: rect.left, right: hole.left - 1 },
    { top, bottom, left: hole.right + 1, right: rect.right },
  ].filter((part) => cellsOf(part) > 0);
}

/** The same cells in rectangles that do not overlap: a cell that is selected twice is one cell. */
export function disjoint(rects: readonly Rect[]): Rect[] {
  const parts: Rect[] = [];
  for (const rect of rects) {
    let left = [rect];
    for (const part of parts.slice()) left = left.flatMap((one) => without(one, part));
    parts.push(...left.filter((one) => cellsOf(one) > 0));
  }
  return parts;
}
