import type { Signals } from "./signals";
import type { DirtyCount, Place, Row, Value } from "./types";

/** A changed cell of a saved row. `version`: of the table as it was seen when `base` was read. */
export type CellEntry = { base: Value; value: Value; version: number; stamp: number };
/** A row that is not saved yet. `root`: the saved row behind whose line it stands (null: the top), with its place as it was seen. */
export type InsertEntry = { root: Row | null; place: Place; values: Map<string, Value>; alive: boolean; version: number; stamp: number };
export type DeleteEntry = { version: number; stamp: number };

/** What one step of undo is made of. Undefined is a cell that is not changed. */
export type Operation =
  | { kind: "cell"; row: Row; column: string; from: Value | undefined; to: Value | undefined; base: Value; version: number }
  | { kind: "value"; row: Row; column: string; from: Value; to: Value }
  | { kind: "alive"; row: Row; to: boolean }
  | { kind: "deleted"; row: Row; to: boolean; version: number };
export type Step = { operations: Operation[]; stamp: number };

/**
 * What is changed and not saved, apart from what is loaded: no answer can overwrite it. Rows are known by number, so it
 * survives scrolling, sorting and new versions. Every change is a step that can be taken back.
 */
export class Draft {
  readonly cells = new Map<Row, Map<string, CellEntry>>();
  readonly inserts = new Map<Row, InsertEntry>();
  /** Unsaved rows by the saved row behind which they stand, in their order; those taken back stay and are not alive. */
  readonly behind = new Map<Row | null, Row[]>();
  readonly deletes = new Map<Row, DeleteEntry>();
  readonly #signals: Signals;
  /** Called with rows whose cells changed; null when lines came or went. */
  readonly #changed: (rows: ReadonlySet<Row> | null) => void;
  #done: Step[] = [];
  #undone: Step[] = [];
  #stamp = 0;
  #lowest = 0;
  #locked = 0;

  constructor(signals: Signals, changed: (rows: ReadonlySet<Row> | null) => void) {
    this.#signals = signals;
    this.#changed = changed;
  }

  /** Rises with every change. */
  get stamp(): number {
    return this.#stamp;
  }

  get count(): DirtyCount {
    let cells = 0;
    for (const entries of this.cells.values()) cells += entries.size;
    let inserted = 0;
    for (const { alive } of this.inserts.values()) if (alive) inserted += 1;
    return { cells, inserted, deleted: this.deletes.size };
  }

  get isEmpty(): boolean {
    if (this.cells.size > 0 || this.deletes.size > 0) return false;
    for (const { alive } of this.inserts.values()) if (alive) return false;
    return true;
  }

  get canUndo(): boolean {
    return (this.#done.at(-1)?.stamp ?? 0) > this.#locked;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /** The value a cell has in the draft; undefined where it has none. */
  value(row: Row, column: string): Value | undefined {
    const insert = this.inserts.get(row);
    return insert ? (insert.values.get(column) ?? null) : this.cells.get(row)?.get(column)?.value;
  }

  entry(row: Row, column: string): CellEntry | undefined {
    return this.cells.get(row)?.get(column);
  }

  /** The operation that sets a cell whose loaded value is `base`; null when it has that value already. */
  setting(row: Row, column: string, value: Value, base: Value, version: number): Operation | null {
    const insert = this.inserts.get(row);
    if (insert) {
      const from = insert.values.get(column) ?? null;
      return from === value ? null : { kind: "value", row, column, from, to: value };
    }
    const entry = this.entry(row, column);
    const known = entry?.base ?? base;
    const from = entry?.value;
    const to = value === known ? undefined : value;
    return from === to ? null : { kind: "cell", row, column, from, to, base: known, version: entry?.version ?? version };
  }

  /** New rows behind a line's row, of which the first stands first; they come alive by the operations. */
  inserting(after: Row | null, place: Place, count: number, version: number): Operation[] {
    const before = after === null ? undefined : this.inserts.get(after);
    const root = before ? before.root : after;
    const siblings = this.behind.get(root) ?? [];
    const rows = Array.from({ length: count }, () => (this.#lowest -= 1));
    siblings.splice(before && after !== null ? siblings.indexOf(after) + 1 : 0, 0, ...rows);
    this.behind.set(root, siblings);
    for (const row of rows) {
      this.inserts.set(row, { root, place: before?.place ?? place, values: new Map(), alive: false, version: before?.version ?? version, stamp: 0 });
    }
    return rows.map((row) => ({ kind: "alive", row, to: true }));
  }

  deleting(row: Row, version: number): Operation | null {
    const insert = this.inserts.get(row);
    if (insert) return insert.alive ? { kind: "alive", row, to: false } : null;
    return this.deletes.has(row) ? null : { kind: "deleted", row, to: true, version };
  }

  /** Does operations as one step; what was undone before cannot be redone any more. */
  do(operations: Operation[]): void {
    if (operations.length === 0) return;
    this.#undone = [];
    this.#apply(operations);
    this.#done.push({ operations, stamp: this.#stamp });
  }

  /** The operations that were taken back; null when there is nothing to take back, or when it is being saved. */
  undo(): readonly Operation[] | null {
    const step = this.canUndo ? this.#done.pop() : undefined;
    if (!step) return null;
    // A step has each cell and row once: their order does not matter.
    const operations = step.operations.map(inverse);
    this.#apply(operations);
    this.#undone.push(step);
    return operations;
  }

  redo(): readonly Operation[] | null {
    const step = this.#undone.pop();
    if (!step) return null;
    this.#apply(step.operations);
    this.#done.push({ operations: step.operations, stamp: this.#stamp });
    return step.operations;
  }

  /** While what was done up to now is under way to the server, it cannot be taken back here. */
  lock(): void {
    this.#locked = this.#stamp;
  }

  unlock(): void {
    this.#locked = 0;
  }

  /** Forgets the steps up to a stamp: what they did is saved. */
  forget(stamp: number): void {
    this.#done = this.#done.filter((step) => step.stamp > stamp);
    this.#undone = [];
  }

  get steps(): readonly Step[] {
    return [...this.#done, ...this.#undone];
  }

  clear(): void {
    this.cells.clear();
    this.inserts.clear();
    this.behind.clear();
    this.deletes.clear();
    this.#done = [];
    this.#undone = [];
    this.#locked = 0;
    this.touched(null);
  }

  /** For who changes the entries otherwise than by steps: saving, and reading a stored draft. */
  touched(rows: ReadonlySet<Row> | null): void {
    this.#stamp += 1;
    this.#signals.batch(() => {
      this.#changed(rows);
      this.#signals.raise("draft");
    });
  }

  /** The lowest number of a row that is not saved; numbers below it are free. */
  get lowest(): Row {
    return this.#lowest;
  }

  takeNumbers(lowest: Row): void {
    this.#lowest = Math.min(this.#lowest, lowest);
  }

  put(row: Row, column: string, entry: CellEntry): void {
    const entries = this.cells.get(row) ?? new Map<string, CellEntry>();
    entries.set(column, entry);
    this.cells.set(row, entries);
  }

  drop(row: Row, column: string): void {
    const entries = this.cells.get(row);
    entries?.delete(column);
    if (entries?.size === 0) this.cells.delete(row);
  }

  #apply(operations: readonly Operation[]): void {
    const rows = new Set<Row>();
    let lines = false;
    const stamp = this.#stamp + 1;
    for (const operation of operations) {
      rows.add(operation.row);
      lines ||= operation.kind === "alive";
      this.#applyOne(operation, stamp);
    }
    this.touched(lines ? null : rows);
  }

  #applyOne(operation: Operation, stamp: number): void {
    const { row } = operation;
    switch (operation.kind) {
      case "cell": {
        const entry = this.entry(row, operation.column);
        const base = entry ? entry.base : operation.base;
        if (operation.to === undefined || operation.to === base) this.drop(row, operation.column);
        else this.put(row, operation.column, { base, value: operation.to, version: entry?.version ?? operation.version, stamp });
        break;
      }
      case "value": {
        const insert = this.inserts.get(row);
        insert?.values.set(operation.column, operation.to);
        if (insert) insert.stamp = stamp;
        break;
      }
      case "alive": {
        const insert = this.inserts.get(row);
        if (insert) Object.assign(insert, { alive: operation.to, stamp });
        break;
      }
      case "deleted":
        if (operation.to) this.deletes.set(row, { version: operation.version, stamp });
        else this.deletes.delete(row);
    }
  }
}

function inverse(operation: Operation): Operation {
  switch (operation.kind) {
    case "cell":
    case "value":
      return { ...operation, from: operation.to, to: operation.from } as Operation;
    case "alive":
    case "deleted":
      return { ...operation, to: !operation.to };
  }
}
