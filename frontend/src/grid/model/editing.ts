import type { Operation } from "./draft";
import { COMMAND_CELLS, COMMAND_ROWS, isTooLong } from "./limits";
import { DONE, refused } from "./outcomes";
import { cellsOf, disjoint } from "./rects";
import type { Selection } from "./selection";
import type { Sheet } from "./sheet";
import type { Editing, Line, Outcome, PastePlan, Rect, Refusal, Row, Seen, Value } from "./types";

type Then = "down" | "up" | "right" | "left" | "stay";

/** Commands that change the draft. Each is one step of undo, and none does anything while the edit mode is off. */
export class Editor {
  readonly #sheet: Sheet;
  readonly #selection: Selection;
  #state: Editing = { kind: "off" };
  /** What the open editor was opened on. */
  #seen: Seen | undefined;

  constructor(sheet: Sheet, selection: Selection) {
    this.#sheet = sheet;
    this.#selection = selection;
  }

  get state(): Editing {
    return this.#state;
  }

  setMode(on: boolean): Outcome {
    if (this.#state.kind === "cell") return refused("busy");
    this.#become({ kind: on ? "on" : "off" });
    return DONE;
  }

  begin(typed?: string): Outcome {
    const active = this.#selection.active;
    if (!active) return refused("nothing-selected");
    if (this.#state.kind === "cell") return refused("busy");
    const value = this.#sheet.value(active.line, this.#sheet.columns.index(active.column));
    const row = this.#sheet.row(active.line);
    const why = this.#refusal(row, active.column, null);
    if (why) return refused(why);
    if (value === undefined || row === undefined) return refused("not-loaded");
    this.#seen = this.#sheet.seen(active.line, this.#sheet.columns.index(active.column));
    this.#become({ kind: "cell", cell: { row, column: active.column }, initial: typed ?? value ?? "", value });
    return DONE;
  }

  commit(text: Value, then: Then = "down"): Outcome {
    if (this.#state.kind !== "cell") return refused("nothing-to-do");
    const { cell, value } = this.#state;
    // An absent cell whose editor was left empty stays absent.
    if (!(value === null && text === "") && text !== value) {
      const outcome = this.set(cell.row, cell.column, text, this.#seen);
      if (!outcome.done) return outcome;
    }
    this.#sheet.signals.batch(() => {
      this.#become({ kind: "on" });
      if (then === "down" || then === "up") this.#selection.step("enter", then === "up");
      else if (then !== "stay") this.#selection.step("tab", then === "left");
    });
    return DONE;
  }

  cancel(): void {
    if (this.#state.kind === "cell") this.#become({ kind: "on" });
  }

  set(row: Row, column: string, value: Value, seen?: Seen): Outcome {
    const why = this.#refusal(row, column, value);
    if (why) return refused(why);
    const operation = this.#setting(row, column, value, seen);
    if (operation === undefined) return refused("not-loaded");
    this.#sheet.draft.do(operation ? [operation] : []);
    return DONE;
  }

  clear(absent = false): Promise<Outcome> {
    return this.#change(this.#selection.ranges, (line, at) => {
      const value = this.#sheet.value(line, this.#column(at));
      return absent || value === null ? null : "";
    });
  }

  /** The first row (or column) of each range goes into the others; of a single one, the row above (the column before). */
  fill(direction: "down" | "right"): Promise<Outcome> {
    const down = direction === "down";
    const ranges = this.#selection.ranges.map((range) => {
      if (down ? range.top === range.bottom : range.left === range.right) return range;
      return down ? { ...range, top: range.top + 1 } : { ...range, left: range.left + 1 };
    });
    if (ranges.some((range) => (down ? range.top : range.left) === 0)) return Promise.resolve(refused("nothing-to-do"));
    const origins = ranges.map((range) => (down ? { ...range, top: range.top - 1 } : { ...range, left: range.left - 1 }));
    return this.#change(
      ranges,
      (line, at) => {
        const index = ranges.findIndex((one) => line >= one.top && line <= one.bottom && at >= one.left && at <= one.right);
        const range = ranges[index];
        if (!range) return undefined;
        return down ? this.#sheet.value(range.top - 1, this.#column(at)) : this.#sheet.value(line, this.#column(range.left - 1));
      },
      origins,
    );
  }

  fillTo(target: Rect): Promise<Outcome> {
    const source = this.#selection.last;
    if (!source) return Promise.resolve(refused("nothing-selected"));
    const height = source.bottom - source.top + 1;
    const width = source.right - source.left + 1;
    const from = (wanted: number, start: number, size: number) => start + ((((wanted - start) % size) + size) % size);
    return this.#change([target], (line, at) =>
      this.#sheet.value(from(line, source.top, height), this.#column(from(at, source.left, width))),
    );
  }

  insert(count: number, where: "above" | "below"): Outcome {
    const range = this.#selection.last;
    const { lines, draft } = this.#sheet;
    const why = this.#off();
    if (why) return refused(why);
    if (count < 1) return refused("nothing-to-do");
    if (count > COMMAND_ROWS) return refused("too-many-cells");
    const after = lines === 0 || !range ? lines - 1 : where === "above" ? range.top - 1 : range.bottom;
    const row = after < 0 ? null : this.#sheet.row(after);
    if (row === undefined) return refused("not-loaded");
    const { place } = after < 0 ? { place: -1 } : this.#sheet.at(after);
    this.#sheet.signals.batch(() => {
      draft.do(draft.inserting(row, place, count, this.#versionOf(row)));
      this.#selection.select(after + 1, this.#selection.active?.at ?? 0);
    });
    return DONE;
  }

  async remove(): Promise<Outcome> {
    const rects = disjoint(this.#selection.ranges.map((range) => ({ ...range, left: 0, right: 0 })));
    const why = this.#off();
    if (why) return refused(why);
    if (rects.length === 0) return refused("nothing-selected");
    if (rects.reduce((sum, rect) => sum + cellsOf(rect), 0) > COMMAND_ROWS) return refused("too-many-cells");
    return this.#loaded(rects, () => {
      const rows = rects.flatMap((rect) => Array.from({ length: rect.bottom - rect.top + 1 }, (_, at) => this.#sheet.row(rect.top + at) ?? 0));
      const operations = rows.flatMap((row) => this.#sheet.draft.deleting(row, this.#versionOf(row)) ?? []);
      if (operations.length === 0) return refused("nothing-to-do");
      this.#sheet.draft.do(operations);
      return DONE;
    });
  }

  paste(plan: PastePlan): Outcome {
    const why = this.#off();
    if (why) return refused(why);
    const { version } = this.#sheet.blocks;
    const operations = plan.changes.flatMap(({ row, column, before, after }) => this.#setting(row, column, after, { value: before, version }) ?? []);
    if (operations.length === 0) return refused("nothing-to-do");
    this.#sheet.signals.batch(() => {
      this.#sheet.draft.do(operations);
      if (this.#selection.ranges.length < 2) this.#selection.selectRect(plan.target);
    });
    return DONE;
  }

  undo(): Outcome {
    return this.#back(() => this.#sheet.draft.undo());
  }

  redo(): Outcome {
    return this.#back(() => this.#sheet.draft.redo());
  }

  renumber(numbers: ReadonlyMap<Row, Row>): void {
    if (this.#state.kind !== "cell") return;
    const { cell } = this.#state;
    this.#state = { ...this.#state, cell: { ...cell, row: numbers.get(cell.row) ?? cell.row } };
  }

  #back(take: () => readonly Operation[] | null): Outcome {
    const why = this.#off();
    if (why) return refused(why);
    return this.#sheet.signals.batch(() => {
      const operations = take();
      if (!operations) return refused("nothing-to-do");
      // Steps are taken back from their end on: the beginning of what changed is at one of both ends.
      const lineAt = (one: Operation | undefined): Line => (one ? this.#sheet.lineOf(one.row) : undefined) ?? Infinity;
      const first = lineAt(operations[0]) < lineAt(operations.at(-1)) ? operations[0] : operations.at(-1);
      const line = first ? this.#sheet.lineOf(first.row) : undefined;
      const at = first && "column" in first ? this.#sheet.columns.at(first.column) : (this.#selection.active?.at ?? 0);
      if (line !== undefined) this.#selection.select(line, Math.max(0, at));
      return DONE;
    });
  }

  /** Sets the cells of ranges to what `value` gives; cells that cannot be changed are left out, unless that is all of them. */
  async #change(ranges: readonly Rect[], value: (line: Line, at: number) => Value | undefined, alsoRead: readonly Rect[] = []): Promise<Outcome> {
    const why = this.#off();
    if (why) return refused(why);
    const rects = disjoint(ranges);
    if (rects.length === 0) return refused("nothing-selected");
    if (rects.reduce((sum, rect) => sum + cellsOf(rect), 0) > COMMAND_CELLS) return refused("too-many-cells");
    return this.#loaded([...rects, ...alsoRead], () => {
      const operations: Operation[] = [];
      let first: Refusal | null = null;
      for (const [line, at] of cells(rects)) {
        const column = this.#sheet.columns.nameAt(at) ?? "";
        const row = this.#sheet.row(line);
        const wanted = value(line, at);
        const reason = wanted === undefined ? "not-loaded" : this.#refusal(row, column, wanted);
        first ??= reason;
        const operation = reason || row === undefined || wanted === undefined ? null : this.#setting(row, column, wanted);
        if (operation) operations.push(operation);
      }
      if (operations.length === 0) return refused(first ?? "nothing-to-do");
      this.#sheet.draft.do(operations);
      return DONE;
    });
  }

  /** Does something on cells that must be there: at once when they are. */
  async #loaded(rects: readonly Rect[], work: () => Outcome): Promise<Outcome> {
    if (rects.every((rect) => this.#sheet.isLoaded(rect))) return work();
    if (this.#sheet.isTooLarge(rects)) return refused("too-many-cells");
    const { generation } = this.#sheet.blocks;
    const { inserted } = this.#sheet;
    const releases: (() => void)[] = [];
    try {
      for (const rect of rects) releases.push(await this.#sheet.hold(rect));
      if (this.#sheet.blocks.generation !== generation || this.#sheet.inserted !== inserted) return refused("outdated");
      return this.#off() ? refused("edit-mode-off") : work();
    } catch {
      return refused("load-failed");
    } finally {
      for (const release of releases) release();
    }
  }

  /**
   * Null when the cell has that value already; undefined when nobody knows what it has. What was seen comes before what
   * is loaded by now: a value that others put there meanwhile was not what was typed over.
   */
  #setting(row: Row, column: string, value: Value, seen?: Seen): Operation | null | undefined {
    const { draft, blocks, columns } = this.#sheet;
    if (row < 0) return draft.setting(row, column, value, null, blocks.version);
    const entry = draft.entry(row, column);
    if (entry) return draft.setting(row, column, value, entry.base, entry.version);
    const place = blocks.placeOf(row);
    const known = seen ?? (place === undefined ? undefined : this.#sheet.saved(place, columns.index(column)));
    return known && draft.setting(row, column, value, known.value, known.version);
  }

  #refusal(row: Row | undefined, column: string, value: Value): Refusal | null {
    const off = this.#off();
    if (off) return off;
    if (this.#sheet.columns.index(column) < 0) return "beyond-table";
    if (this.#sheet.columns.isLink(column)) return "read-only-column";
    if (row === undefined) return "not-loaded";
    if (row < 0 && !this.#sheet.draft.inserts.get(row)?.alive) return "no-such-row";
    if (this.#sheet.draft.deletes.has(row)) return "row-deleted";
    return isTooLong(value) ? "too-long" : null;
  }

  /** The version in which a row is seen. */
  #versionOf(row: Row | null): number {
    const { blocks } = this.#sheet;
    const place = row === null ? undefined : blocks.placeOf(row);
    return (place === undefined ? undefined : blocks.versionAt(place)) ?? blocks.version;
  }

  #off(): Refusal | null {
    return this.#state.kind === "off" ? "edit-mode-off" : null;
  }

  #column(at: number): number {
    return this.#sheet.columns.shown[at] ?? -1;
  }

  #become(state: Editing): void {
    this.#state = state;
    this.#sheet.signals.raise("editing");
  }
}

function* cells(rects: readonly Rect[]): Iterable<[Line, number]> {
  for (const rect of rects) {
    for (let line = rect.top; line <= rect.bottom; line += 1) {
      for (let at = rect.left; at <= rect.right; at += 1) yield [line, at];
    }
  }
}
