import type { ComparedRow, PaneColumn } from "./types";

export const ROW_HEIGHT = 28;
export const HEADER_HEIGHT = 32;
const NARROWEST = 80;
const WIDEST = 280;
/** Of a column that can be dragged wider. */
const LIMITS = [48, 900] as const;
/** A digit or small letter of the grid's type, and what stands beside the text. */
const LETTER = 7.2;
const AROUND = 36;
/** The mark of a changed cell. */
const MARK = 16;
const TAG = 60;
/** More than this share of a pane is never frozen: nothing would be left to scroll. */
const FROZEN = 0.5;

const widthOf = (text: string): number => Math.min(WIDEST, Math.max(NARROWEST, Math.ceil(text.length * LETTER) + AROUND));

/** One column as it is drawn; `start` is counted among the frozen ones or among those that scroll. */
export type Box = { readonly index: number; readonly start: number; readonly width: number };

/** The same for both panes: which columns stand still and where each begins. Widths are those of the names and first values. */
export class Layout {
  readonly frozen: readonly Box[];
  readonly scrolling: readonly Box[];
  readonly frozenWidth: number;
  readonly scrollingWidth: number;

  constructor(columns: readonly PaneColumn[], widths: readonly number[], head: number, room: number) {
    const keys = columns.flatMap(({ key }, index) => (key ? [index] : []));
    const all = head + keys.reduce((sum, index) => sum + (widths[index] ?? NARROWEST), 0);
    const still = new Set(all > room * FROZEN ? [] : keys);
    const frozen: Box[] = [];
    const scrolling: Box[] = [];
    let left = head;
    let right = 0;
    columns.forEach((_, index) => {
      const width = widths[index] ?? NARROWEST;
      if (still.has(index)) {
        frozen.push({ index, start: left, width });
        left += width;
      } else {
        scrolling.push({ index, start: right, width });
        right += width;
      }
    });
    this.frozen = frozen;
    this.scrolling = scrolling;
    this.frozenWidth = left;
    this.scrollingWidth = right;
  }

  /** The scrolling boxes that touch a stretch, found by halving. */
  within(from: number, to: number): readonly Box[] {
    let low = 0;
    let high = this.scrolling.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const box = this.scrolling[middle];
      if (box && box.start + box.width <= from) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while ((this.scrolling[end]?.start ?? Infinity) < to) end += 1;
    return this.scrolling.slice(low, end);
  }

  box(index: number): { box: Box; frozen: boolean } | null {
    const still = this.frozen.find((one) => one.index === index);
    if (still) return { box: still, frozen: true };
    const box = this.scrolling.find((one) => one.index === index);
    return box ? { box, frozen: false } : null;
  }

  /** Columns as they stand from left to right. */
  get order(): number[] {
    return [...this.frozen, ...this.scrolling].map(({ index }) => index);
  }
}

/** Widths by what the columns are called and what stands in these rows. */
export function fitted(columns: readonly PaneColumn[], rows: readonly ComparedRow[]): number[] {
  const first = Math.max(0, columns.findIndex(({ key }) => key));
  return columns.map(({ a_name, b_name, name, status, key }, index) => {
    // Added and removed rows have their mark in the first column.
    const mark = status === "changed" || status === "renamed" || index === first ? MARK : 0;
    // Beside the name stands the sign of a key, or the word for what became of the column.
    const beside = key ? MARK : ["renamed", "added", "removed", "ignored"].includes(status) ? TAG : 0;
    const header = Math.max(widthOf(`${a_name ?? name} `), widthOf(`${b_name ?? name} `)) + beside;
    const longest = rows.reduce((most, { a, b }) => Math.max(most, (a?.[index] ?? "").length, (b?.[index] ?? "").length), 0);
    return Math.max(header, widthOf("x".repeat(Math.min(longest, 60))) + mark);
  });
}

export const dragged = (width: number): number => Math.max(LIMITS[0], Math.min(LIMITS[1], Math.round(width)));

/** Room for the numbers of the rows, by the largest of them. */
export const headWidth = (rows: number): number => Math.max(48, String(Math.max(1, rows)).length * 8 + 34);
