import { createGrid, type Grid, type GridOptions, type Cell, type Column, type FindRequest, type Page, type PageRequest, type Patch, type Row, type Saved, type ServerConflict, StaleVersion, type TablePort, type Value } from "@/grid/model";

type Stored = { row: Row; values: Value[]; inserted: boolean };
type Snapshot = readonly Stored[];

/** Answers that a test lets through one by one. */
export class Gate {
  #waiting: (() => void)[] = [];
  closed = false;

  get waiting(): number {
    return this.#waiting.length;
  }

  async pass(): Promise<void> {
    if (this.closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  open(): void {
    this.closed = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A table as the API keeps it: versions, stable row numbers, conflicts, calls that are done once for a key. */
export class FakeTable implements TablePort {
  readonly columns: Column[];
  readonly pages: PageRequest[] = [];
  readonly patches: Patch[] = [];
  readonly gate = new Gate();
  readonly saveGate = new Gate();
  /** Thrown by the next calls, in their order; undefined lets one through. */
  failures: unknown[] = [];
  /** The save is done and its answer is lost. */
  losesAnswer = false;
  /** Conflicts that fit into one answer. */
  room = Infinity;
  finds = 0;
  #versions: Snapshot[];
  #undone: Snapshot[] = [];
  #done: Snapshot[] = [];
  #highest: number;
  readonly #answers = new Map<string, Saved>();

  constructor(rows: Value[][], names = ["Id", "Word", "Amount"], types: Partial<Record<string, Column["type"]>> = {}) {
    this.columns = names.map((name) => ({ name, path: `/R/${name}`, type: types[name] ?? "text" }));
    this.#versions = [rows.map((values, at) => ({ row: at + 1, values: [...values], inserted: false }))];
    this.#highest = rows.length;
  }

  get version(): number {
    return this.#versions.length;
  }

  get rows(): Snapshot {
    return this.#versions.at(-1) ?? [];
  }

  get start() {
    return { table: this as TablePort, columns: this.columns, version: this.version, totalRows: this.rows.length };
  }

  values(row: Row): Value[] | undefined {
    return this.rows.find((one) => one.row === row)?.values;
  }

  async page(request: PageRequest): Promise<Page> {
    this.pages.push(request);
    const { view, offset, limit, columns } = request;
    const [version, now, base] = [this.version, this.rows, this.#versions[0] ?? []];
    await this.gate.pass();
    request.signal.throwIfAborted();
    this.#fail();
    const indices = columns.map((name) => this.#index(name));
    const matched = now.filter(({ values }) => view.filter.every((one) => !("value" in one) || values[this.#index(one.column)] === one.value));
    const sorted = [...matched];
    for (const { column, descending } of [...view.sort].reverse()) {
      const at = this.#index(column);
      sorted.sort((one, other) => (one.values[at] ?? "").localeCompare(other.values[at] ?? "") * (descending ? -1 : 1));
    }
    const rows = sorted.slice(offset, offset + limit).map(({ row, values, inserted }) => ({
      row,
      values: indices.map((at) => values[at] ?? null),
      edited: indices.flatMap((at, index) => (inserted || base[row - 1]?.values[at] === values[at] ? [] : [index])),
      inserted,
    }));
    return { version, total_rows: now.length, matched_rows: matched.length, rows };
  }

  async save(patch: Patch, key: string): Promise<Saved> {
    this.patches.push(structuredClone(patch));
    await this.saveGate.pass();
    this.#fail();
    const known = this.#answers.get(key);
    if (known) return known;
    if (patch.version !== this.version) {
      const conflicts = this.#conflicts(patch);
      throw new StaleVersion(this.version, conflicts.slice(0, this.room), Math.max(0, conflicts.length - this.room));
    }
    const saved = this.#apply(patch);
    this.#answers.set(key, saved);
    if (this.losesAnswer) {
      this.losesAnswer = false;
      throw new TypeError("the network is gone");
    }
    return saved;
  }

  /** Somebody else saves. */
  byOthers(edits: [Row, string, Value][], deletes: Row[] = [], inserts: { after: Row | null; values: Value[] }[] = []): void {
    this.#apply({ version: this.version, edits: edits.map(([row, column, value]) => ({ row, column, value })), insert_rows: inserts, delete_rows: deletes });
  }

  async undo(): Promise<{ version: number }> {
    this.#fail();
    const before = this.#done.pop();
    if (!before) throw new Error("NOTHING_TO_UNDO");
    this.#undone.push(this.rows);
    this.#versions.push(before);
    return { version: this.version };
  }

  async redo(): Promise<{ version: number }> {
    const after = this.#undone.pop();
    if (!after) throw new Error("NOTHING_TO_REDO");
    this.#done.push(this.rows);
    this.#versions.push(after);
    return { version: this.version };
  }

  async history(offset: number, limit: number) {
    const items = this.#versions.slice(1).map((_, at) => ({ version: at + 2, at: "2026-11-20T20:00:00Z", user: "ann", edits: 1 }));
    return { items: items.reverse().slice(offset, offset + limit), total: items.length };
  }

  async find({ text, from }: FindRequest): Promise<Cell | null> {
    this.finds += 1;
    this.#fail();
    const start = from === null ? 0 : this.rows.findIndex(({ row }) => row === from);
    for (const { row, values } of this.rows.slice(start)) {
      const at = values.findIndex((value) => value?.toLowerCase().includes(text.toLowerCase()));
      if (at >= 0) return { row, column: this.columns[at]?.name ?? "" };
    }
    return null;
  }

  #index(name: string): number {
    return this.columns.findIndex((column) => column.name === name);
  }

  #fail(): void {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }

  #conflicts(patch: Patch): ServerConflict[] {
    const then = this.#versions[patch.version - 1] ?? [];
    const found: ServerConflict[] = [];
    for (const { row, column, value } of patch.edits) {
      const base = then.find((one) => one.row === row)?.values[this.#index(column)] ?? null;
      const now = this.values(row);
      if (!now) found.push({ row, column, base, theirs: null, mine: value, deleted: true });
      else if (now[this.#index(column)] !== base) found.push({ row, column, base, theirs: now[this.#index(column)] ?? null, mine: value });
    }
    for (const { after } of patch.insert_rows) {
      if (after !== null && !this.values(after)) found.push({ row: after, column: null, base: null, theirs: null, mine: null, deleted: true });
    }
    for (const row of patch.delete_rows) {
      const now = this.values(row);
      const base = then.find((one) => one.row === row)?.values;
      if (!now) found.push({ row, column: null, base: null, theirs: null, mine: null, deleted: true });
      else if (JSON.stringify(now) !== JSON.stringify(base)) found.push({ row, column: null, base: null, theirs: null, mine: null });
    }
    return found;
  }

  #apply(patch: Patch): Saved {
    const rows = this.rows.map((one) => ({ ...one, values: [...one.values] }));
    const numbered = new Map(rows.map((one) => [one.row, one]));
    for (const { row, column, value } of patch.edits) {
      const found = numbered.get(row);
      if (!found || this.#index(column) < 0) throw new Error(`no cell ${row}/${column}`);
      found.values[this.#index(column)] = value;
    }
    const inserted: Row[] = [];
    const behind = new Map<Row | null, number>();
    for (const { after, values } of patch.insert_rows) {
      if (values.length !== this.columns.length) throw new Error("values are not as many as columns");
      const anchor = after === null ? -1 : rows.findIndex((one) => one.row === after);
      if (after !== null && anchor < 0) throw new Error(`no row ${after}`);
      const count = behind.get(after) ?? 0;
      this.#highest += 1;
      rows.splice(anchor + 1 + count, 0, { row: this.#highest, values: [...values], inserted: true });
      behind.set(after, count + 1);
      inserted.push(this.#highest);
    }
    this.#done.push(this.rows);
    this.#undone = [];
    this.#versions.push(rows.filter(({ row }) => !patch.delete_rows.includes(row)));
    return { version: this.version, inserted };
  }
}

/** Lets everything that can go on without a gate go on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
}

/** A small table: Id 0001 …, one of three words, an amount. */
export const words = (count: number): Value[][] =>
  Array.from({ length: count }, (_, at) => [String(at + 1).padStart(4, "0"), ["alpha", "beta", "gamma"][at % 3] ?? "", String((at * 37) % 1000)]);

/** A grid in edit mode over a table whose first rows are loaded. */
export async function editing(table: FakeTable, options: Partial<GridOptions> = {}): Promise<Grid> {
  const grid = createGrid({ ...table.start, ...options });
  grid.setEditMode(true);
  grid.look({ top: 0, bottom: 99, columns: table.columns.map((_, at) => at) });
  await settled();
  return grid;
}

/** The drawn values of some lines, in the shown columns. */
export const drawn = (grid: Grid, top = 0, bottom = grid.lines - 1): (Value | undefined)[][] =>
  Array.from({ length: bottom - top + 1 }, (_, at) => grid.columns.shown.map((column) => grid.value(top + at, column)));

/** What a command gives that did something, or that was refused. */
export const done = { done: true };
export const refusal = (why: string) => ({ done: false, why });

/** The second column as it is saved. */
export const words1 = (table: FakeTable) => table.rows.map(({ values }) => values[1]);
