import type { Grid, Value } from "./model";

/** The grid has two parts side by side: what stands still, with the numbers of the rows first, and what scrolls. */
export type Part = "frozen" | "scrolling";

/** One column as it is drawn. `at` is its position among the shown ones, -1 for the numbers of the rows. */
export type Box = { readonly at: number; readonly name: string; readonly width: number; readonly part: Part };

export const NUMBERS = "\u0000row";
export const ROW_HEIGHT = { compact: 28, comfortable: 34 } as const;
export const HEADER_HEIGHT = 32;
export const MIN_WIDTH = 48;
export const MAX_WIDTH = 640;

// Digits are the widest of the common ones.
const LETTER = 8;
const WIDEST = 320;
const clamped = (width: number, low: number, high: number): number => Math.round(Math.max(low, Math.min(high, width)));

/** The width of a column nobody has set: as its name and a value of it ask for, within reason. */
export function standardWidth(name: string, value: Value | undefined = ""): number {
  const heading = Math.min(240, name.length * LETTER + 52);
  return clamped(Math.max(heading, (value ?? "").length * LETTER + 24), 88, WIDEST);
}

/** Room for the largest number of a row. */
export const numbersWidth = (rows: number): number => clamped(String(rows).length * 9.2 + 26, 52, 120);

/** All columns that are shown, left to right. `sample` has a value of each, to begin with their widths. */
export function boxes(grid: Grid, sample: readonly (Value | undefined)[]): Box[] {
  const { all, shown, state } = grid.columns;
  const drawn = shown.map((index, at): Box => {
    const name = all[index]?.name ?? "";
    return { at, name, width: grid.columns.width(name) ?? standardWidth(name, sample[index]), part: at < state.frozen ? "frozen" : "scrolling" };
  });
  return [{ at: -1, name: NUMBERS, width: numbersWidth(grid.totalRows), part: "frozen" }, ...drawn];
}

/** Where a scrolling column begins and ends, in pixels of the part that scrolls; null for one that stands still. */
export function spanOf(all: readonly Box[], at: number): { start: number; end: number } | null {
  let start = 0;
  for (const box of all) {
    if (box.part !== "scrolling") continue;
    if (box.at === at) return { start, end: start + box.width };
    start += box.width;
  }
  return null;
}

/** How far to scroll so that `start` to `end` is seen whole, or from its start when it is larger; null: it is. */
export function scrolledTo(start: number, end: number, from: number, room: number): number | null {
  if (start < from || end - start > room) return start === from ? null : start;
  if (end > from + room) return end - room;
  return null;
}
