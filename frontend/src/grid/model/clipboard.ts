import { COMMAND_CELLS, isTooLong } from "./limits";
import { refused, type Refused } from "./outcomes";
import { cellsOf } from "./rects";
import type { Selection } from "./selection";
import type { Sheet } from "./sheet";
import { fromTsv, toTsv } from "./tsv";
import type { PasteChange, PastePlan, PasteRejection, Rect, Value } from "./types";

export type Copied = { readonly text: string; readonly rows: number; readonly columns: number };

/** Cells as text of a spreadsheet and back. Pasting is planned first, so that what is refused is seen before. */
export class Clipboard {
  readonly #sheet: Sheet;
  readonly #selection: Selection;
  /** What was copied here last: its text cannot tell absent from empty, this can. */
  #last: { text: string; values: readonly (readonly Value[])[] } | null = null;

  constructor(sheet: Sheet, selection: Selection) {
    this.#sheet = sheet;
    this.#selection = selection;
  }

  async copy(how: { headers?: boolean } = {}): Promise<Copied | Refused> {
    const { ranges } = this.#selection;
    const range = ranges[0];
    if (!range) return refused("nothing-selected");
    if (ranges.length > 1) return refused("several-ranges");
    if (cellsOf(range) > COMMAND_CELLS) return refused("too-many-cells");
    return this.#with(range, () => {
      const columns = this.#sheet.columns.shown.slice(range.left, range.right + 1);
      const values = lines(range).map((line) => columns.map((column) => this.#sheet.value(line, column) ?? null));
      const names = columns.map((column) => this.#sheet.columns.all[column]?.name ?? "");
      const text = toTsv(how.headers ? [names, ...values] : values);
      this.#last = how.headers ? null : { text, values };
      return { text, rows: values.length, columns: columns.length };
    });
  }

  async plan(text: string): Promise<PastePlan | Refused> {
    const { ranges, last } = this.#selection;
    const given = this.#last?.text === text ? this.#last.values : fromTsv(text);
    const height = given.length;
    const width = Math.max(...given.map((row) => row.length));
    const single = height === 1 && width === 1;
    if (!last) return refused("nothing-selected");
    if (ranges.length > 1 && !single) return refused("several-ranges");
    const targets = single ? ranges : [tiled(last, height, width)];
    if (targets.reduce((sum, rect) => sum + cellsOf(rect), 0) > COMMAND_CELLS) return refused("too-many-cells");
    const plan = (): PastePlan => {
      const changes = new Map<string, PasteChange>();
      const rejected: PasteRejection[] = [];
      let same = 0;
      for (const target of targets) {
        for (const line of lines(target)) {
          for (let at = target.left; at <= target.right; at += 1) {
            const value = given[(line - target.top) % height]?.[(at - target.left) % width];
            // A row of the text that is shorter than the others says nothing about the cells beyond it.
            if (value === undefined) continue;
            const one = this.#one(line, at, value);
            if (one === null) same += 1;
            else if ("why" in one) rejected.push(one);
            else changes.set(`${one.row}/${one.column}`, one);
          }
        }
      }
      const target = this.#within(targets[0] ?? last);
      return { target, changes: [...changes.values()], same, rejected, stamp: this.stamp };
    };
    const inside = targets.map((target) => this.#within(target)).filter((target) => cellsOf(target) > 0);
    return this.#with(inside, plan, plan);
  }

  /** What a plan holds for: the same view, version and draft. */
  get stamp(): number {
    const { blocks, draft } = this.#sheet;
    return blocks.generation * 1e12 + blocks.version * 1e6 + draft.stamp;
  }

  #one(line: number, at: number, value: Value): PasteChange | PasteRejection | null {
    const column = this.#sheet.columns.nameAt(at) ?? null;
    const row = this.#sheet.row(line);
    const before = this.#sheet.value(line, this.#sheet.columns.shown[at] ?? -1);
    const rejected = (why: PasteRejection["why"]): PasteRejection => ({ line, at, column, value: value ?? "", why });
    if (column === null || line >= this.#sheet.lines) return rejected("beyond-table");
    if (row === undefined || before === undefined) return rejected("not-loaded");
    // An empty cell of a text does not make an absent one empty: the text cannot tell them apart.
    if (before === value || (before === null && value === "")) return null;
    if (this.#sheet.columns.isLink(column)) return rejected("read-only-column");
    if (this.#sheet.draft.deletes.has(row)) return rejected("row-deleted");
    if (isTooLong(value)) return rejected("too-long");
    return { row, line, column, before, after: value };
  }

  #within(rect: Rect): Rect {
    return {
      ...rect,
      bottom: Math.min(rect.bottom, this.#sheet.lines - 1),
      right: Math.min(rect.right, this.#sheet.columns.shown.length - 1),
    };
  }

  /** Reads cells once they are there; where they cannot be had, `without` says what to make of it. */
  async #with<T>(rects: Rect | readonly Rect[], read: () => T, without?: () => T): Promise<T | Refused> {
    const { generation } = this.#sheet.blocks;
    const releases: (() => void)[] = [];
    const all = [rects].flat() as Rect[];
    if (this.#sheet.isTooLarge(all)) return refused("too-many-cells");
    try {
      for (const rect of all) releases.push(await this.#sheet.hold(rect));
      return this.#sheet.blocks.generation === generation ? read() : refused("outdated");
    } catch {
      if (this.#sheet.blocks.generation !== generation) return refused("outdated");
      return without ? without() : refused("load-failed");
    } finally {
      for (const release of releases) release();
    }
  }
}

const lines = (rect: Rect): number[] => Array.from({ length: Math.max(0, rect.bottom - rect.top + 1) }, (_, at) => rect.top + at);

/** Where a text falls: the whole range when it fits in a whole number of times, else its own size from the first cell on. */
function tiled(range: Rect, height: number, width: number): Rect {
  const rows = range.bottom - range.top + 1;
  const columns = range.right - range.left + 1;
  if (rows % height === 0 && columns % width === 0) return range;
  return { top: range.top, left: range.left, bottom: range.top + height - 1, right: range.left + width - 1 };
}
