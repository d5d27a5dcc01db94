import { Rows } from "./rows";
import type { ComparedRow, Located, PaneColumn, PanesPort, Place, Sight, Sought, Topic } from "./types";

export type Move = "up" | "down" | "left" | "right" | "home" | "end" | "top" | "bottom";

/** Rows that one selection may hold: what is done with them is said row by row. */
export const MOST_SELECTED = 10_000;

/** Two tables side by side in one view, without anything that draws: rows, the active cell, the selection, jumps. */
export class Panes {
  readonly #rows: Rows;
  readonly #port: PanesPort;
  readonly #listeners = new Set<(topic: Topic) => void>();
  #order: readonly number[] = [];
  #active: Place | null = null;
  #selected = new Map<number, ComparedRow>();
  #anchor: number | null = null;
  #sight: Sight = { top: 0, bottom: 0, left: 0, right: 0 };
  #reveal: (place: Place) => void = () => undefined;
  #stepping: Promise<unknown> = Promise.resolve();

  constructor(port: PanesPort) {
    this.#port = port;
    this.#rows = new Rows(port, (what) => {
      this.#tell(what);
      if (what !== "columns") this.#tell("state");
    });
    this.#rows.look(0, 60);
  }

  subscribe(listener: (topic: Topic) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#rows.close();
  }

  // ---- reading

  get state(): { kind: "busy" } | { kind: "ready" } | { kind: "failed"; error: unknown } {
    const error = this.#rows.failed;
    if (error !== undefined) return { kind: "failed", error };
    return this.#rows.total === null ? { kind: "busy" } : { kind: "ready" };
  }

  /** Rows of the view; 0 while it is not known. */
  get total(): number {
    return this.#rows.total ?? 0;
  }

  get columns(): readonly PaneColumn[] {
    return this.#rows.columns;
  }

  /** Undefined: not loaded yet. */
  row(position: number): ComparedRow | undefined {
    return this.#rows.at(position);
  }

  get active(): Place | null {
    return this.#active;
  }

  get activeRow(): ComparedRow | undefined {
    return this.#active ? this.row(this.#active.position) : undefined;
  }

  get activeColumn(): PaneColumn | undefined {
    return this.#active ? this.columns[this.#active.column] : undefined;
  }

  /** Selected rows that differ, by their position. */
  get selected(): ReadonlyMap<number, ComparedRow> {
    return this.#selected;
  }

  /** Positions and columns (by their place from the left) in sight. */
  get sight(): Sight {
    return this.#sight;
  }

  /** The columns, by their indexes, as they stand from the left. */
  get order(): readonly number[] {
    return this.#order;
  }

  // ---- what draws

  /** Whoever draws says how a place is brought into sight, and the order in which the columns stand. */
  drawnBy(reveal: (place: Place) => void): void {
    this.#reveal = reveal;
  }

  ordered(columns: readonly number[]): void {
    this.#order = columns;
  }

  look(sight: Sight): void {
    const before = this.#sight;
    if (before.top === sight.top && before.bottom === sight.bottom && before.left === sight.left && before.right === sight.right) return;
    this.#sight = sight;
    this.#rows.look(sight.top, sight.bottom);
    this.#tell("sight");
  }

  retry(): void {
    this.#rows.retry();
    this.#tell("state");
  }

  // ---- the active cell

  goTo(position: number, column = this.#active?.column ?? this.#order[0] ?? 0): void {
    const last = this.total - 1;
    if (last < 0) return;
    this.#active = { position: Math.max(0, Math.min(last, position)), column };
    this.#tell("active");
    this.#reveal(this.#active);
  }

  move(by: Move, rows = 1): void {
    const { position, column } = this.#active ?? { position: 0, column: this.#order[0] ?? 0 };
    const at = Math.max(0, this.#order.indexOf(column));
    const beside = (to: number): number => this.#order[Math.max(0, Math.min(this.#order.length - 1, to))] ?? column;
    if (by === "up" || by === "down") this.goTo(position + (by === "up" ? -rows : rows), column);
    else if (by === "top" || by === "bottom") this.goTo(by === "top" ? 0 : this.total - 1, column);
    else this.goTo(position, by === "home" ? beside(0) : by === "end" ? beside(Infinity) : beside(at + (by === "left" ? -1 : 1)));
  }

  /** Scrolls somewhere without making a cell active. */
  show(position: number): void {
    this.#reveal({ position, column: this.#active?.column ?? this.#order[0] ?? 0 });
  }

  // ---- jumps

  /** The next or the last changed cell; whole rows that were added or removed count as one. False: there is none. One step
   *  after the other, however fast the key is pressed. */
  async step(by: 1 | -1): Promise<boolean> {
    const turn = this.#stepping.catch(() => undefined).then(async () => this.#step(by));
    this.#stepping = turn;
    return turn;
  }

  async #step(by: 1 | -1): Promise<boolean> {
    const from = this.#active;
    if (from) {
      const here = this.#cellsOf(await this.#rows.load(from.position));
      const at = this.#order.indexOf(from.column);
      const places = here.map((index) => this.#order.indexOf(index)).sort((a, b) => a - b);
      const next = by > 0 ? places.find((place) => place > at) : places.findLast((place) => place < at);
      if (next !== undefined && next >= 0) {
        this.goTo(from.position, this.#order[next]);
        return true;
      }
    }
    const sought = by > 0 ? { next_after: from?.position ?? -1 } : { last_before: from?.position ?? this.total };
    const found = await this.#port.locate(sought);
    if (!found) return false;
    const cells = this.#cellsOf(await this.#rows.load(found.position));
    const first = this.#order.find((index) => cells.includes(index));
    const last = this.#order.findLast((index) => cells.includes(index));
    this.goTo(found.position, (by > 0 ? first : last) ?? this.#order[0] ?? 0);
    return true;
  }

  /** Goes to what is sought; null when it is nowhere in this view. */
  async seek(sought: Sought, column?: string | null): Promise<Located | null> {
    const found = await this.#port.locate(sought);
    if (!found) return null;
    await this.#rows.load(found.position);
    const index = this.index(column ?? found.column ?? "");
    this.goTo(found.position, index >= 0 ? index : undefined);
    return found;
  }

  /** The index of a column by its name on either side; -1: it is not in this view. */
  index(name: string): number {
    const exact = this.columns.findIndex((column) => column.name === name);
    return exact >= 0 ? exact : this.columns.findIndex(({ a_name, b_name }) => a_name === name || b_name === name);
  }

  #cellsOf(row: ComparedRow | undefined): number[] {
    if (!row) return [];
    if (row.status === "changed") return [...row.changed];
    return row.status === "same" ? [] : this.#order.slice(0, 1);
  }

  /** Where something is, without going there; null: nowhere in this view. */
  async place(sought: Sought): Promise<Located | null> {
    return this.#port.locate(sought);
  }

  /** The row at a position, once it is there. */
  async load(position: number): Promise<ComparedRow | undefined> {
    return this.#rows.load(position);
  }

  /** Settles when the first rows, and with them the columns, are there. */
  async loaded(): Promise<void> {
    await this.#rows.load(0);
  }

  // ---- the selection

  /** Takes a row in or out; with `extend`, all from the last one taken in. Rows that are the same have nothing to take over. */
  select(position: number, how: "toggle" | "extend" | "only"): void {
    const before = how === "only" ? new Map<number, ComparedRow>() : new Map(this.#selected);
    if (how === "extend" && this.#anchor !== null) {
      const [from, to] = [Math.min(this.#anchor, position), Math.max(this.#anchor, position)];
      for (let at = from; at <= to && before.size < MOST_SELECTED; at += 1) this.#take(before, at);
    } else if (how === "toggle" && before.has(position)) {
      before.delete(position);
      this.#anchor = null;
    } else {
      this.#take(before, position);
      this.#anchor = position;
    }
    this.#selected = before;
    this.#tell("selection");
  }

  unselect(): void {
    this.#selected = new Map();
    this.#anchor = null;
    this.#tell("selection");
  }

  #take(into: Map<number, ComparedRow>, position: number): void {
    const row = this.row(position);
    if (row && row.status !== "same") into.set(position, row);
  }

  #tell(topic: Topic): void {
    for (const listener of [...this.#listeners]) listener(topic);
  }
}
