import { type Block, blockOf } from "./block";
import { BLOCK_COLUMNS, BLOCK_ROWS, CACHE_BYTES, REQUESTS } from "./limits";
import type { CellEdit, Column, Page, Place, Row, TablePort, Value, View } from "./types";
import { PLAIN, sameView } from "./view";

export type Span = { readonly top: Place; readonly bottom: Place; readonly columns: readonly number[] };

/** What the cache tells its owner. */
export type BlocksOwner = {
  /** A block has come, or could not be had: what it covers is to be drawn. */
  blockChanged(first: Place, rows: number): void;
  /** Totals or version are others than before. */
  tableChanged(): void;
};

type Request = { readonly controller: AbortController; readonly generation: number; tries: number };
const MOST_TRIES = 5;

/**
 * The loaded part of a table in one view. Blocks are asked for by place and kept as long as there is room, the longest
 * unused go first. Answers for another view are dropped, and so are those of a version that is older than what is known.
 */
export class Blocks {
  readonly #table: TablePort;
  readonly #columns: readonly Column[];
  readonly #owner: BlocksOwner;
  readonly #index: ReadonlyMap<string, number>;
  readonly #chunks: number;
  readonly #ready = new Map<number, Block>();
  readonly #errors = new Map<number, unknown>();
  readonly #requests = new Map<number, Request>();
  readonly #places = new Map<Row, Place>();
  readonly #held = new Map<number, number>();
  readonly #waiting = new Set<() => void>();
  #wanted: number[] = [];
  #ahead: number[] = [];
  #weight = 0;
  #generation = 0;
  #view: View;
  #known = false;
  #closed = false;
  version: number;
  total: number;
  matched: number;

  constructor(table: TablePort, columns: readonly Column[], version: number, total: number, view: View, owner: BlocksOwner) {
    this.#table = table;
    this.#columns = columns;
    this.#owner = owner;
    this.#index = new Map(columns.map(({ name }, index) => [name, index]));
    this.#chunks = Math.max(1, Math.ceil(columns.length / BLOCK_COLUMNS));
    this.#view = view;
    this.version = version;
    this.total = total;
    this.matched = total;
    this.#known = sameView(view, PLAIN);
  }

  get view(): View {
    return this.#view;
  }

  /** Counts views: what was planned in another one holds no more. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether an answer has come in this view, so that its number of rows is known. */
  get known(): boolean {
    return this.#known;
  }

  get failed(): unknown {
    return this.#errors.values().next().value;
  }

  setView(view: View): void {
    this.#generation += 1;
    this.#view = view;
    for (const { controller } of this.#requests.values()) controller.abort();
    this.#requests.clear();
    this.#ready.clear();
    this.#errors.clear();
    this.#places.clear();
    this.#wanted = [];
    this.#ahead = [];
    this.#held.clear();
    this.#weight = 0;
    this.#known = sameView(view, PLAIN);
    if (this.#known) this.matched = this.total;
    this.#wake();
  }

  // ---- reading

  block(place: Place, column: number): Block | undefined {
    return this.#ready.get(this.#key(place, column));
  }

  /** The error in place of a block. */
  error(place: Place, column: number): unknown {
    return this.#errors.get(this.#key(place, column));
  }

  row(place: Place): Row | undefined {
    const block = this.#anyBlock(place);
    return block?.rows[place - block.first];
  }

  /** The version in which a place's row is loaded. */
  versionAt(place: Place): number | undefined {
    return this.#anyBlock(place)?.version;
  }

  value(place: Place, column: number): Value | undefined {
    const block = this.block(place, column);
    return block?.values[place - block.first]?.[column - block.firstColumn];
  }

  placeOf(row: Row): Place | undefined {
    const place = this.#places.get(row);
    return place !== undefined && this.row(place) === row ? place : undefined;
  }

  /** Whether what is loaded of a place's row is of the present version. */
  isCurrent(place: Place): boolean {
    return this.#anyBlock(place)?.stale === false;
  }

  /** Whether a place is in sight and not there yet. */
  awaits(place: Place): boolean {
    const at = Math.floor(place / BLOCK_ROWS);
    const wanted = this.#wanted.filter((key) => Math.floor(key / this.#chunks) === at);
    return wanted.length > 0 && wanted.every((key) => !this.#isFresh(key) && !this.#errors.has(key));
  }

  loaded(): Iterable<Block> {
    return this.#ready.values();
  }

  /** Whether every cell of a span is there, from before or not. */
  has(span: Span): boolean {
    return this.#keys(span).every((key) => this.#ready.has(key));
  }

  /** How many blocks a span takes. */
  count(span: Span): number {
    return this.#keys(span).length;
  }

  // ---- loading

  /** What is in sight, and what should be there next. Whatever else is under way is given up. */
  want(seen: Span, ahead: readonly Span[]): void {
    this.#wanted = this.#keys(seen);
    const near = new Set(this.#wanted);
    this.#ahead = ahead.flatMap((span) => this.#keys(span)).filter((key) => !near.has(key));
    const all = new Set([...this.#wanted, ...this.#ahead]);
    for (const [key, { controller }] of this.#requests) {
      if (all.has(key) || this.#held.has(key)) continue;
      controller.abort();
      this.#requests.delete(key);
    }
    // Failed blocks that went out of sight are tried again when they come back.
    for (const key of this.#errors.keys()) if (!all.has(key) && !this.#held.has(key)) this.#errors.delete(key);
    for (const key of this.#wanted) this.#touch(key);
    this.#pump();
  }

  /** Loads a span and keeps it until the returned function is called. Rejects with the error of a block, or when the view changes. */
  async hold(span: Span): Promise<() => void> {
    const generation = this.#generation;
    const keys = this.#keys(span);
    for (const key of keys) {
      this.#held.set(key, (this.#held.get(key) ?? 0) + 1);
      this.#errors.delete(key);
    }
    const release = () => {
      if (generation !== this.#generation) return;
      for (const key of keys) this.#release(key);
    };
    this.#pump();
    while (!keys.every((key) => this.#isFresh(key))) {
      const broken = keys.find((key) => this.#errors.has(key));
      if (broken !== undefined) {
        const error = this.#errors.get(broken);
        release();
        throw error;
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
      if (generation !== this.#generation || this.#closed) throw new DOMException("another view", "AbortError");
    }
    return release;
  }

  retry(): void {
    this.#errors.clear();
    this.#pump();
  }

  /** What is loaded is of an older version: it is shown until it is replaced. */
  outdate(version = this.version): void {
    this.version = Math.max(this.version, version);
    for (const block of this.#ready.values()) block.stale = true;
    this.#errors.clear();
    this.#pump();
    this.#owner.tableChanged();
  }

  /** Own changes are saved: blocks of the version before have them now and are of the new one, if only cells changed. */
  saved(before: number, version: number, edits: readonly CellEdit[], rowsChanged: number | null): void {
    for (const edit of edits) this.#put(edit);
    for (const block of this.#ready.values()) {
      if (block.version === before && rowsChanged === null) block.version = version;
      else block.stale = true;
    }
    this.version = Math.max(this.version, version);
    if (rowsChanged !== null) {
      this.total += rowsChanged;
      this.matched += rowsChanged;
    }
    // Another sort order or other matches may follow from other values.
    if (!sameView(this.#view, PLAIN)) for (const block of this.#ready.values()) block.stale = true;
    this.#pump();
    this.#owner.tableChanged();
  }

  close(): void {
    this.#closed = true;
    for (const { controller } of this.#requests.values()) controller.abort();
    this.#requests.clear();
    this.#wake();
  }

  #key(place: Place, column: number): number {
    return Math.floor(place / BLOCK_ROWS) * this.#chunks + Math.floor(column / BLOCK_COLUMNS);
  }

  /** Some block of a place's row, a stale one only when there is no other. */
  #anyBlock(place: Place): Block | undefined {
    const start = Math.floor(place / BLOCK_ROWS) * this.#chunks;
    let before: Block | undefined;
    for (let key = start; key < start + this.#chunks; key += 1) {
      const block = this.#ready.get(key);
      if (block && !block.stale) return block;
      before ??= block;
    }
    return before;
  }

  /** Keys from the top to the bottom. Rows without columns still need one block each. */
  #keys(span: Span): number[] {
    const bottom = Math.min(span.bottom, this.matched - 1);
    const chunks = [...new Set(span.columns.map((column) => Math.floor(column / BLOCK_COLUMNS)))];
    const keys: number[] = [];
    const last = this.#known ? Math.floor(bottom / BLOCK_ROWS) : Math.floor(Math.max(0, span.bottom) / BLOCK_ROWS);
    if (this.#known && bottom < 0) return keys;
    for (let at = Math.floor(Math.max(0, span.top) / BLOCK_ROWS); at <= last; at += 1) {
      for (const chunk of chunks) keys.push(at * this.#chunks + chunk);
    }
    return keys;
  }

  #isFresh(key: number): boolean {
    const block = this.#ready.get(key);
    return block !== undefined && !block.stale;
  }

  #release(key: number): void {
    const count = (this.#held.get(key) ?? 1) - 1;
    if (count > 0) this.#held.set(key, count);
    else this.#held.delete(key);
  }

  #touch(key: number): void {
    const block = this.#ready.get(key);
    if (!block) return;
    this.#ready.delete(key);
    this.#ready.set(key, block);
  }

  #pump(): void {
    if (this.#closed) return;
    for (const keys of [this.#wanted, this.#held.keys(), this.#ahead]) {
      for (const key of keys) {
        if (this.#requests.size >= REQUESTS) return;
        if (!this.#requests.has(key) && !this.#errors.has(key) && !this.#isFresh(key)) this.#ask(key, 0);
      }
    }
  }

  #ask(key: number, tries: number): void {
    const request: Request = { controller: new AbortController(), generation: this.#generation, tries };
    this.#requests.set(key, request);
    const firstColumn = (key % this.#chunks) * BLOCK_COLUMNS;
    const names = this.#columns.slice(firstColumn, firstColumn + BLOCK_COLUMNS).map(({ name }) => name);
    const offset = Math.floor(key / this.#chunks) * BLOCK_ROWS;
    // A port that throws at once is a failure like any other.
    const answer = Promise.resolve().then(() =>
      this.#table.page({ offset, limit: BLOCK_ROWS, columns: names, view: this.#view, signal: request.controller.signal }),
    );
    answer.then(
      (page) => {
        if (this.#requests.get(key) === request) this.#arrived(key, request, page);
      },
      (error: unknown) => {
        if (this.#requests.get(key) === request) this.#broke(key, error);
      },
    );
  }

  #broke(key: number, error: unknown): void {
    this.#requests.delete(key);
    this.#errors.set(key, error);
    this.#owner.blockChanged(Math.floor(key / this.#chunks) * BLOCK_ROWS, BLOCK_ROWS);
    this.#wake();
    this.#pump();
  }

  #arrived(key: number, request: Request, page: Page): void {
    this.#requests.delete(key);
    if (page.version < this.version) {
      // An answer from before a save that is known: what was typed and saved must not be seen to vanish.
      if (request.tries < MOST_TRIES) this.#ask(key, request.tries + 1);
      else this.#broke(key, new Error("the table is answered in a version that is older than the one that is known"));
      return;
    }
    const changed = page.version > this.version || page.matched_rows !== this.matched || page.total_rows !== this.total || !this.#known;
    if (page.version > this.version) for (const block of this.#ready.values()) block.stale = true;
    this.version = page.version;
    this.total = page.total_rows;
    this.matched = page.matched_rows;
    this.#known = true;
    this.#store(key, page);
    if (changed) this.#owner.tableChanged();
    this.#owner.blockChanged(Math.floor(key / this.#chunks) * BLOCK_ROWS, Math.max(1, page.rows.length));
    this.#wake();
    this.#pump();
  }

  #store(key: number, page: Page): void {
    for (const row of this.#ready.get(key)?.rows ?? []) this.#places.delete(row);
    this.#drop(key);
    const block = blockOf(page, Math.floor(key / this.#chunks) * BLOCK_ROWS, (key % this.#chunks) * BLOCK_COLUMNS);
    block.rows.forEach((row, at) => this.#places.set(row, block.first + at));
    this.#ready.set(key, block);
    this.#weight += block.weight;
    this.#makeRoom();
  }

  #makeRoom(): void {
    if (this.#weight <= CACHE_BYTES) return;
    const needed = new Set([...this.#wanted, ...this.#held.keys()]);
    for (const key of [...this.#ready.keys()]) {
      if (this.#weight <= CACHE_BYTES) return;
      if (!needed.has(key)) this.#drop(key);
    }
  }

  #drop(key: number): void {
    const block = this.#ready.get(key);
    if (!block) return;
    this.#ready.delete(key);
    this.#weight -= block.weight;
    // The row's other blocks keep it known where it stands.
    if (this.row(block.first) !== undefined) return;
    block.rows.forEach((row, at) => {
      if (this.#places.get(row) === block.first + at) this.#places.delete(row);
    });
  }

  #put({ row, column, value }: CellEdit): void {
    const place = this.#places.get(row);
    const index = this.#index.get(column) ?? -1;
    const block = place === undefined ? undefined : this.block(place, index);
    const values = block?.values[(place ?? 0) - block.first];
    if (!block || !values) return;
    values[index - block.firstColumn] = value;
    block.edited.add(((place ?? 0) - block.first) * BLOCK_COLUMNS + index - block.firstColumn);
    // Another object: whoever remembers something about the values of the block must not find it again.
    this.#ready.set(this.#key(place ?? 0, index), { ...block });
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
