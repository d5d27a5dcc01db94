import { cellsOf, contains } from "./rects";
import type { Sheet } from "./sheet";
import type { ActiveCell, Direction, Line, RangeKind, Row, SelectedRange } from "./types";

/** A cell that is kept by its row's number and its column's name; the line is where it was drawn last. */
export type Corner = { line: Line; row: Row | undefined; column: string; /** View and version in which the line was right. */ seen: number };
type Range = { kind: RangeKind; anchor: Corner; head: Corner };

/** The active cell and the selected ranges. They stay on their rows whatever is loaded, sorted, inserted or hidden. */
export class Selection {
  readonly #sheet: Sheet;
  #active: Corner | null = null;
  #ranges: Range[] = [];
  /** The column to which Enter goes back after some Tabs. */
  #home: string | null = null;

  constructor(sheet: Sheet) {
    this.#sheet = sheet;
  }

  get active(): ActiveCell | null {
    const corner = this.#active;
    if (!corner || this.#sheet.lines === 0) return null;
    return { line: this.#clamp(corner.line), at: this.#at(corner), row: this.#sheet.row(this.#clamp(corner.line)) ?? corner.row, column: corner.column };
  }

  get ranges(): SelectedRange[] {
    if (this.#sheet.lines === 0) return [];
    return this.#ranges.map((range) => this.#drawn(range));
  }

  /** The range that moves and commands for one range are meant for. */
  get last(): SelectedRange | null {
    return this.ranges.at(-1) ?? null;
  }

  get corners(): Corner[] {
    return [...(this.#active ? [this.#active] : []), ...this.#ranges.flatMap(({ anchor, head }) => [anchor, head])];
  }

  isSelected(line: Line, at: number): boolean {
    return this.#ranges.some((range) => contains(this.#drawn(range), line, at));
  }

  select(line: Line, at: number, how: { extend?: boolean; add?: boolean; kind?: RangeKind } = {}): void {
    const corner = this.#corner(line, at);
    const last = this.#ranges.at(-1);
    if (!corner) return;
    this.#home = null;
    if (how.extend && last) {
      last.head = corner;
      last.kind = how.kind ?? last.kind;
    } else {
      const range: Range = { kind: how.kind ?? "cells", anchor: corner, head: { ...corner } };
      this.#ranges = how.add ? [...this.#ranges, range] : [range];
      this.#active = { ...corner };
    }
    this.#changed();
  }

  /** Selects a rectangle; its first cell is the active one. */
  selectRect(rect: { top: Line; left: number; bottom: Line; right: number }): void {
    this.select(rect.top, rect.left);
    if (rect.bottom !== rect.top || rect.right !== rect.left) this.select(rect.bottom, rect.right, { extend: true });
  }

  selectAll(): void {
    const first = this.#corner(0, 0);
    const last = this.#corner(this.#sheet.lines - 1, this.#width - 1);
    if (!first || !last) return;
    this.#active ??= { ...first };
    this.#ranges = [{ kind: "all", anchor: first, head: last }];
    this.#changed();
  }

  move(direction: Direction, how: { extend?: boolean; edge?: boolean } = {}): void {
    const from = this.#from(how.extend);
    if (!from) return this.select(0, 0);
    const [down, right] = { up: [-1, 0], down: [1, 0], left: [0, -1], right: [0, 1] }[direction] as [number, number];
    const to = how.edge ? this.#edge(from.line, from.at, down, right) : { line: from.line + down, at: from.at + right };
    this.select(to.line, to.at, { extend: how.extend ?? false });
  }

  moveTo(where: "start" | "end", how: { extend?: boolean; whole?: boolean } = {}): void {
    const from = this.#from(how.extend);
    if (!from) return;
    const end = where === "end";
    const line = how.whole ? (end ? this.#sheet.lines - 1 : 0) : from.line;
    this.select(line, end ? this.#width - 1 : 0, { extend: how.extend ?? false });
  }

  movePage(direction: "up" | "down", lines: number, how: { extend?: boolean } = {}): void {
    const from = this.#from(how.extend);
    if (from) this.select(from.line + (direction === "down" ? lines : -lines), from.at, { extend: how.extend ?? false });
  }

  step(key: "tab" | "enter", back = false): void {
    const from = this.active;
    const range = this.#ranges.length > 0 ? this.last : null;
    if (!from) return this.select(0, 0);
    if (range && (this.#ranges.length > 1 || cellsOf(range) > 1)) return this.#stepWithin(from, key, back);
    const by = back ? -1 : 1;
    const home = this.#home ?? from.column;
    if (key === "tab") this.select(from.line, from.at + by);
    else this.select(from.line + by, this.#home === null ? from.at : this.#position(home));
    if (key === "tab") this.#home = home;
  }

  /** Puts the lines right after something was loaded, inserted or sorted; gives the rows whose line is not known. */
  settle(): Corner[] {
    const lost: Corner[] = [];
    for (const corner of this.corners) {
      corner.row ??= this.#sheet.row(corner.line);
      const line = corner.row === undefined ? undefined : this.#sheet.currentLineOf(corner.row);
      if (line !== undefined) Object.assign(corner, { line, seen: this.now });
      else if (corner.row !== undefined && corner.seen !== this.now) lost.push(corner);
    }
    return lost;
  }

  /** These rows are being looked for: once in a view and version. */
  sought(rows: readonly Row[]): void {
    for (const corner of this.corners) if (rows.includes(corner.row ?? 0)) corner.seen = this.now;
  }

  /** Where a row was found; null when it is not in the view: what stands in its line now is selected instead. */
  place(row: Row, line: Line | null): void {
    for (const corner of this.corners) {
      if (corner.row === row) Object.assign(corner, { line: line ?? corner.line, row: line === null ? undefined : row, seen: this.now });
    }
    this.settle();
    this.#changed();
  }

  /** The row of the active line, which is known before it is loaded. */
  claim(row: Row): void {
    for (const corner of this.corners) if (corner.line === this.#active?.line) corner.row = row;
  }

  /** Rows that were not saved have their numbers now. */
  renumber(numbers: ReadonlyMap<Row, Row>): void {
    for (const corner of this.corners) if (corner.row !== undefined) corner.row = numbers.get(corner.row) ?? corner.row;
  }

  /** Counts views and versions: a line holds for one of them. */
  get now(): number {
    const { generation, version } = this.#sheet.blocks;
    return generation * 1e9 + version;
  }

  get #width(): number {
    return this.#sheet.columns.shown.length;
  }

  #clamp(line: Line): Line {
    return Math.max(0, Math.min(line, this.#sheet.lines - 1));
  }

  #at(corner: Corner): number {
    return this.#position(corner.column);
  }

  /** Position of a column; of the nearest one that is shown when it is hidden. */
  #position(name: string): number {
    const { columns } = this.#sheet;
    const at = columns.at(name);
    if (at >= 0) return at;
    const { order } = columns.state;
    const before = order.slice(0, Math.max(0, order.indexOf(name))).filter((one) => columns.at(one) >= 0).length;
    return Math.min(before, Math.max(0, this.#width - 1));
  }

  #corner(line: Line, at: number): Corner | null {
    const position = Math.max(0, Math.min(at, this.#width - 1));
    const column = this.#sheet.columns.nameAt(position);
    if (this.#sheet.lines === 0 || column === undefined) return null;
    const drawn = this.#clamp(line);
    return { line: drawn, row: this.#sheet.row(drawn), column, seen: this.now };
  }

  #drawn({ kind, anchor, head }: Range): SelectedRange {
    const lines = [this.#clamp(anchor.line), this.#clamp(head.line)];
    const across = [this.#at(anchor), this.#at(head)];
    const wholeRows = kind === "rows" || kind === "all";
    const wholeColumns = kind === "columns" || kind === "all";
    return {
      kind,
      top: wholeColumns ? 0 : Math.min(...lines),
      bottom: wholeColumns ? this.#sheet.lines - 1 : Math.max(...lines),
      left: wholeRows ? 0 : Math.min(...across),
      right: wholeRows ? this.#width - 1 : Math.max(...across),
    };
  }

  /** What a move starts from: the active cell, or the moving corner of the range that grows. */
  #from(extend = false): { line: Line; at: number } | null {
    const corner = extend ? (this.#ranges.at(-1)?.head ?? this.#active) : this.#active;
    return corner && this.#sheet.lines > 0 ? { line: this.#clamp(corner.line), at: this.#at(corner) } : null;
  }

  /**
   * As in Excel: to the last filled cell of a run, or over empty ones to the next filled. Where cells are not loaded
   * nobody knows that, and the move goes on to the edge of the table.
   */
  #edge(line: Line, at: number, down: number, right: number): { line: Line; at: number } {
    const filled = (step: number): boolean | undefined => {
      const column = this.#sheet.columns.shown[at + right * step];
      const value = column === undefined ? null : this.#sheet.value(line + down * step, column);
      return value === undefined ? undefined : value !== null && value !== "";
    };
    const most = this.#stepsToEdge(line, at, down, right);
    const inRun = filled(0) === true && filled(1) === true;
    let steps = 1;
    for (; steps < most; steps += 1) {
      const here = filled(inRun ? steps + 1 : steps);
      if (here === undefined) steps = most;
      else if (here !== inRun) break;
    }
    steps = Math.min(steps, most);
    return { line: line + down * steps, at: at + right * steps };
  }

  #stepsToEdge(line: Line, at: number, down: number, right: number): number {
    if (down !== 0) return down > 0 ? this.#sheet.lines - 1 - line : line;
    return right > 0 ? this.#width - 1 - at : at;
  }

  /** Round through all selected ranges, row by row for Tab, column by column for Enter. */
  #stepWithin(from: ActiveCell, key: "tab" | "enter", back: boolean): void {
    const ranges = this.ranges;
    let index = ranges.findIndex((range) => contains(range, from.line, from.at));
    if (index < 0) index = 0;
    const range = ranges[index];
    if (!range) return;
    const inner = key === "tab" ? range.right - range.left + 1 : range.bottom - range.top + 1;
    const place = key === "tab" ? (from.line - range.top) * inner + from.at - range.left : (from.at - range.left) * inner + from.line - range.top;
    const next = place + (back ? -1 : 1);
    const leaves = next < 0 || next >= cellsOf(range);
    const target = leaves ? (ranges[(index + (back ? -1 : 1) + ranges.length) % ranges.length] ?? range) : range;
    const width = key === "tab" ? target.right - target.left + 1 : target.bottom - target.top + 1;
    const wanted = leaves ? (back ? cellsOf(target) - 1 : 0) : next;
    const [major, minor] = [Math.floor(wanted / width), wanted % width];
    const corner = key === "tab" ? this.#corner(target.top + major, target.left + minor) : this.#corner(target.top + minor, target.left + major);
    this.#active = corner ?? this.#active;
    this.#changed();
  }

  #changed(): void {
    this.#sheet.signals.raise("selection", "statistics");
  }
}
