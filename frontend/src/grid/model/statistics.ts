import type { Block } from "./block";
import { BLOCK_COLUMNS, BLOCK_ROWS, COMMAND_BLOCKS, STATISTICS_CELLS } from "./limits";
import { cellsOf, disjoint } from "./rects";
import type { Sheet } from "./sheet";
import type { Rect, Statistics, Value } from "./types";

/** A number as it stands in a setup file: no thousands separators, no currency, and no leading zeros, which make a code. */
const NUMBER = /^\s*[-+]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*$/;

export const numberIn = (value: Value): number | null => {
  if (value === null || value === "" || value.length > 40 || !NUMBER.test(value)) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
};

/** Figures that can be put together. The sum carries what rounding lost (Neumaier), so that cents add up. */
export class Tally {
  seen = 0;
  filled = 0;
  numbers = 0;
  min = Infinity;
  max = -Infinity;
  #sum = 0;
  #lost = 0;

  get sum(): number {
    return this.#sum + this.#lost;
  }

  add(value: Value): void {
    this.seen += 1;
    if (value === null || value === "") return;
    this.filled += 1;
    const number = numberIn(value);
    if (number === null) return;
    this.numbers += 1;
    this.min = Math.min(this.min, number);
    this.max = Math.max(this.max, number);
    this.#plus(number);
  }

  join(other: Tally): void {
    this.seen += other.seen;
    this.filled += other.filled;
    this.numbers += other.numbers;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.#plus(other.#sum);
    this.#lost += other.#lost;
  }

  #plus(number: number): void {
    const sum = this.#sum + number;
    this.#lost += Math.abs(this.#sum) >= Math.abs(number) ? this.#sum - sum + number : number - sum + this.#sum;
    this.#sum = sum;
  }
}

/** Statistics of selected cells, of those that are loaded. Whole columns of a block are counted once and remembered. */
export class StatisticsOf {
  readonly #sheet: Sheet;
  readonly #columns = new WeakMap<Block, (Tally | undefined)[]>();
  #last: { stamp: number; result: Statistics } | null = null;

  constructor(sheet: Sheet) {
    this.#sheet = sheet;
  }

  of(ranges: readonly Rect[]): Statistics {
    const stamp = this.#sheet.signals.counter("statistics");
    if (this.#last?.stamp === stamp) return this.#last.result;
    const rects = disjoint(ranges);
    const tally = new Tally();
    let count = 0;
    for (const rect of rects) {
      count += cellsOf(rect);
      this.#saved(rect, tally);
      this.#unsaved(rect, tally);
    }
    const some = tally.numbers > 0;
    const result: Statistics = {
      count,
      seen: tally.seen,
      filled: tally.filled,
      numbers: tally.numbers,
      sum: some ? tally.sum : null,
      mean: some ? tally.sum / tally.numbers : null,
      min: some ? tally.min : null,
      max: some ? tally.max : null,
    };
    this.#last = { stamp, result };
    return result;
  }

  /** Loads what of the ranges is not loaded, up to so many cells in all. */
  async complete(ranges: readonly Rect[], signal: AbortSignal, cells = STATISTICS_CELLS): Promise<void> {
    let left = cells;
    for (const range of ranges) {
      const width = range.right - range.left + 1;
      const fitting = Math.floor(left / Math.max(1, width));
      // Blocks are as wide as they are, also where one column of them is wanted.
      const blocks = COMMAND_BLOCKS / Math.ceil(width / BLOCK_COLUMNS);
      const lines = Math.min(range.bottom - range.top + 1, fitting, Math.floor(blocks) * BLOCK_ROWS);
      const part = { ...range, bottom: range.top + lines - 1 };
      if (lines <= 0 || signal.aborted) return;
      left -= cellsOf(part);
      const release = await this.#sheet.hold(part).catch(() => undefined);
      release?.();
    }
  }

  /** Saved rows: by the blocks that are loaded, however many rows are selected. */
  #saved(rect: Rect, tally: Tally): void {
    const span = this.#sheet.span(rect);
    if (!span) return;
    const wanted = new Set(span.columns);
    for (const block of this.#sheet.blocks.loaded()) {
      const from = Math.max(0, span.top - block.first);
      const to = Math.min(block.rows.length - 1, span.bottom - block.first);
      if (from > to) continue;
      const whole = from === 0 && to === block.rows.length - 1 && !this.#isDrafted(block);
      for (let column = block.firstColumn; column < block.firstColumn + BLOCK_COLUMNS; column += 1) {
        if (!wanted.has(column)) continue;
        if (whole) tally.join(this.#column(block, column));
        else this.#part(block, column, from, to, tally);
      }
    }
  }

  #column(block: Block, column: number): Tally {
    const known = this.#columns.get(block) ?? [];
    this.#columns.set(block, known);
    const at = column - block.firstColumn;
    let tally = known[at];
    if (!tally) {
      tally = new Tally();
      for (const values of block.values) tally.add(values[at] ?? null);
      known[at] = tally;
    }
    return tally;
  }

  #part(block: Block, column: number, from: number, to: number, tally: Tally): void {
    const name = this.#sheet.columns.all[column]?.name ?? "";
    for (let at = from; at <= to; at += 1) {
      const drafted = this.#sheet.draft.value(block.rows[at] ?? 0, name);
      tally.add(drafted === undefined ? (block.values[at]?.[column - block.firstColumn] ?? null) : drafted);
    }
  }

  /** Cells of rows that are not saved; there are few of them. */
  #unsaved(rect: Rect, tally: Tally): void {
    const columns = this.#sheet.columns.shown.slice(rect.left, rect.right + 1);
    for (const [row, { alive }] of this.#sheet.draft.inserts) {
      const line = alive ? this.#sheet.lineOf(row) : undefined;
      if (line === undefined || line < rect.top || line > rect.bottom) continue;
      for (const column of columns) tally.add(this.#sheet.value(line, column) ?? null);
    }
  }

  #isDrafted(block: Block): boolean {
    const { cells } = this.#sheet.draft;
    return cells.size > 0 && block.rows.some((row) => cells.has(row));
  }
}
