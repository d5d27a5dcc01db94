import { asProblem } from "@/api/problem";
import type { ComparedRow, PaneColumn, PanesPort, RowsPage } from "./types";

/** Rows of one request, requests under way at once, and rows that are kept. */
const BLOCK_ROWS = 200;
const REQUESTS = 3;
const KEPT_CELLS = 2_000_000;
/** Cells of one side in one request, where columns are many: more of them would be read in one go, and scrolling would stop for it. */
const BLOCK_CELLS = 25_000;
const SIZES = [BLOCK_ROWS, 100, 50, 25] as const;
/** How long a jump waits for the next one: dragging the scroll bar must not ask for every place it passes. */
const SETTLE_MS = 50;

/** The loaded rows of one view, block by block; the longest unused go first. `changed` is told of everything that came. */
export class Rows {
  readonly #port: PanesPort;
  readonly #changed: (what: "total" | "columns" | "rows") => void;
  readonly #blocks = new Map<number, readonly ComparedRow[]>();
  readonly #requests = new Map<number, AbortController>();
  readonly #errors = new Map<number, unknown>();
  readonly #waiting = new Set<() => void>();
  #wanted: number[] = [];
  #held: number[] = [];
  #size = BLOCK_ROWS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = { top: 0, bottom: 0 };
  #closed = false;
  /** Null: not known yet. */
  total: number | null = null;
  columns: readonly PaneColumn[] = [];

  constructor(port: PanesPort, changed: (what: "total" | "columns" | "rows") => void) {
    this.#port = port;
    this.#changed = changed;
  }

  at(position: number): ComparedRow | undefined {
    return this.#blocks.get(Math.floor(position / this.#size))?.[position % this.#size];
  }

  /** What keeps a row, or the first rows, from being there. */
  get failed(): unknown {
    return this.#errors.values().next().value;
  }

  /** Loads what is in sight first, then what is next in the direction one goes. */
  look(top: number, bottom: number): void {
    const before = this.#last;
    this.#last = { top, bottom };
    clearTimeout(this.#timer);
    const jump = this.total !== null && (top > before.bottom + this.#size || bottom < before.top - this.#size);
    const load = (): void => {
      const near = this.#keys(top, bottom);
      const ahead = top < before.top ? this.#keys(top - this.#size, top - 1) : this.#keys(bottom + 1, bottom + this.#size);
      this.#want([...new Set([...near, ...ahead])], near);
    };
    if (jump) this.#timer = setTimeout(load, SETTLE_MS);
    else load();
  }

  /** The row at a position, loaded if it has to be; undefined past the end. Rejects with what went wrong. */
  async load(position: number): Promise<ComparedRow | undefined> {
    for (;;) {
      const key = Math.floor(position / this.#size);
      if (this.#closed || (this.total !== null && position >= this.total) || this.#blocks.has(key)) return this.at(position);
      if (this.#errors.has(key)) throw this.#errors.get(key);
      this.#held = [...this.#held, key];
      this.#pump();
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
      this.#held = this.#held.filter((held) => held !== key);
    }
  }

  retry(): void {
    this.#errors.clear();
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const controller of this.#requests.values()) controller.abort();
    this.#wake();
  }

  #keys(top: number, bottom: number): number[] {
    const end = this.total === null ? bottom : Math.min(bottom, this.total - 1);
    const first = Math.floor(Math.max(0, top) / this.#size);
    return Array.from({ length: Math.max(0, Math.floor(end / this.#size) - first + 1) }, (_, at) => first + at);
  }

  #want(keys: number[], near: readonly number[]): void {
    this.#wanted = keys;
    for (const [key, controller] of this.#requests) {
      if (keys.includes(key) || this.#held.includes(key)) continue;
      controller.abort();
      this.#requests.delete(key);
    }
    for (const key of this.#errors.keys()) if (!keys.includes(key)) this.#errors.delete(key);
    for (const key of near) {
      const block = this.#blocks.get(key);
      if (!block) continue;
      this.#blocks.delete(key);
      this.#blocks.set(key, block);
    }
    this.#pump();
  }

  #pump(): void {
    if (this.#closed) return;
    for (const key of [...this.#held, ...this.#wanted]) {
      if (this.#requests.size >= REQUESTS) return;
      // Before the first answer nobody knows how many rows a request may have.
      if (this.total === null && this.#requests.size > 0) return;
      if (!this.#blocks.has(key) && !this.#requests.has(key) && !this.#errors.has(key)) this.#ask(key);
    }
  }

  #ask(key: number): void {
    const controller = new AbortController();
    this.#requests.set(key, controller);
    this.#port.page({ offset: key * this.#size, limit: this.#size, signal: controller.signal }).then(
      (page) => {
        if (this.#requests.get(key) === controller) this.#arrived(key, page);
      },
      (error: unknown) => {
        if (this.#requests.get(key) === controller) this.#broke(key, error);
      },
    );
  }

  #arrived(key: number, page: RowsPage): void {
    this.#requests.delete(key);
    const known = this.total;
    if (this.columns.length === 0) {
      this.columns = page.columns;
      this.#changed("columns");
    }
    this.total = page.total;
    if (known === null) this.#divide(key, page);
    else this.#blocks.set(key, page.rows);
    const most = Math.max(this.#wanted.length + 2, Math.ceil(KEPT_CELLS / (this.#size * Math.max(1, this.columns.length) * 2)));
    for (const old of this.#blocks.keys()) {
      if (this.#blocks.size <= most) break;
      if (!this.#wanted.includes(old) && !this.#held.includes(old)) this.#blocks.delete(old);
    }
    if (known !== page.total) this.#changed("total");
    this.#changed("rows");
    this.#wake();
    this.#pump();
  }

  /** The first page tells how many columns there are, and so how many rows the next ones may have. It is kept in parts of that size. */
  #divide(key: number, { columns, rows }: RowsPage): void {
    const first = key * this.#size;
    const size = SIZES.find((rowsOf) => rowsOf * columns.length <= BLOCK_CELLS) ?? SIZES[SIZES.length - 1] ?? this.#size;
    if (size < this.#size) {
      this.#size = size;
      this.#wanted = this.#keys(this.#last.top, this.#last.bottom);
      this.#held = [];
    }
    const parts = Math.max(1, Math.ceil(rows.length / this.#size));
    for (let at = 0; at < parts; at += 1) this.#blocks.set(first / this.#size + at, rows.slice(at * this.#size, (at + 1) * this.#size));
  }

  #broke(key: number, error: unknown): void {
    this.#requests.delete(key);
    if (asProblem(error).code === "PAGE_TOO_LARGE" && this.#size > 1) {
      this.#smaller();
      return;
    }
    this.#errors.set(key, error);
    this.#changed("rows");
    this.#wake();
    this.#pump();
  }

  /** Rows of very many columns come a few at a time. */
  #smaller(): void {
    for (const controller of this.#requests.values()) controller.abort();
    this.#requests.clear();
    this.#blocks.clear();
    this.#size = Math.max(1, Math.floor(this.#size / 4));
    this.#wanted = this.#keys(this.#last.top, this.#last.bottom);
    this.#held = [];
    this.#wake();
    this.#pump();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
