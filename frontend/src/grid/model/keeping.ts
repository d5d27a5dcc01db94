import type { Draft } from "./draft";
import { SMALL_DRAFT } from "./limits";
import type { Part } from "./patches";
import type { Pending, Saving } from "./saving";
import type { DraftStore, DirtyCount, Row, Value } from "./types";

/** Raised when the form of a stored draft changes: another one is not read. */
const FORM = 1;
const LATER_MS = 300;

type Stored = {
  form: typeof FORM;
  at: string;
  cells: [Row, [column: string, base: Value, value: Value, version: number][]][];
  inserts: [root: Row | null, [row: Row, place: number, version: number, values: [string, Value][]][]][];
  deletes: [Row, version: number][];
  lowest: Row;
  pending: { key: string; part: Part } | null;
};

/** Keeps the draft where a reload does not reach it: with every change, a large one a moment later. */
export class Keeping {
  readonly #store: DraftStore | undefined;
  readonly #draft: Draft;
  readonly #saving: Saving;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #kept = true;
  #restored: { at: string; dirty: DirtyCount } | null = null;

  constructor(store: DraftStore | undefined, draft: Draft, saving: Saving) {
    this.#store = store;
    this.#draft = draft;
    this.#saving = saving;
  }

  get kept(): boolean {
    return this.#kept;
  }

  get restored(): { at: string; dirty: DirtyCount } | null {
    return this.#restored;
  }

  dismiss(): void {
    this.#restored = null;
  }

  /** Takes up a draft of before, if there is one that can be read. */
  restore(): void {
    const stored = readable(this.#store?.read() ?? null);
    if (!stored) return;
    fill(this.#draft, stored);
    this.#saving.pending = stored.pending;
    this.#draft.touched(null);
    this.#restored = { at: stored.at, dirty: this.#draft.count };
  }

  /** Something of the draft or of its save changed. */
  changed(): void {
    if (!this.#store) return;
    const { cells, inserted, deleted } = this.#draft.count;
    if (cells + inserted + deleted <= SMALL_DRAFT) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), LATER_MS);
  }

  /** Writes what waits to be written, and nothing else. */
  close(): void {
    if (this.#timer !== undefined) this.flush();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#store) return;
    if (this.#draft.isEmpty && !this.#saving.pending) {
      this.#store.drop();
      this.#kept = true;
    } else this.#kept = this.#store.write(JSON.stringify(storedOf(this.#draft, this.#saving.pending)));
  }
}

function storedOf(draft: Draft, pending: Pending | null): Stored {
  return {
    form: FORM,
    at: new Date().toISOString(),
    cells: [...draft.cells].map(([row, entries]) => [row, [...entries].map(([column, { base, value, version }]) => [column, base, value, version])]),
    inserts: [...draft.behind].map(([root, rows]) => [root, rows.flatMap((row) => storedInsert(draft, row))]),
    deletes: [...draft.deletes].map(([row, { version }]) => [row, version]),
    lowest: draft.lowest,
    pending,
  };
}

function storedInsert(draft: Draft, row: Row): [Row, number, number, [string, Value][]][] {
  const insert = draft.inserts.get(row);
  return insert?.alive ? [[row, insert.place, insert.version, [...insert.values]]] : [];
}

function readable(text: string | null): Stored | null {
  if (text === null) return null;
  try {
    const given = JSON.parse(text) as Partial<Stored> | null;
    return given?.form === FORM && Array.isArray(given.cells) && Array.isArray(given.inserts) && Array.isArray(given.deletes) ? (given as Stored) : null;
  } catch {
    return null;
  }
}

function fill(draft: Draft, stored: Stored): void {
  const stamp = draft.stamp + 1;
  draft.takeNumbers(stored.lowest);
  for (const [row, entries] of stored.cells) {
    for (const [column, base, value, version] of entries) draft.put(row, column, { base, value, version, stamp });
  }
  for (const [root, rows] of stored.inserts) {
    if (rows.length > 0) draft.behind.set(root, rows.map(([row]) => row));
    for (const [row, place, version, values] of rows) {
      draft.inserts.set(row, { root, place, version, values: new Map(values), alive: true, stamp });
    }
  }
  for (const [row, version] of stored.deletes) draft.deletes.set(row, { version, stamp });
}
