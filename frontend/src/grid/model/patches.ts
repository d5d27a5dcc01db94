import type { Draft, InsertEntry } from "./draft";
import { CALL_BYTES, CALL_EDITS, utf8Bytes } from "./limits";
import type { CellEdit, Column, Patch, Row, RowInsert, Saved, Value } from "./types";

/** What one call saves, with the numbers that its inserted rows have in the draft. */
export type Part = { readonly patch: Patch; readonly inserted: readonly Row[] };

type Item =
  | { kind: "edit"; edit: CellEdit; version: number }
  | { kind: "insert"; row: Row; insert: RowInsert; version: number }
  | { kind: "delete"; row: Row; version: number };

/**
 * The draft as calls, in their order: cells, insertions, deletions. Only what was done up to `stamp`. A part's version
 * is the oldest that any of its changes was made to, so that the server compares with what was really seen.
 */
export function partsOf(draft: Draft, columns: readonly Column[], stamp = Infinity): Part[] {
  const parts: Part[] = [];
  let items: Item[] = [];
  let bytes = 0;
  const close = () => {
    if (items.length > 0) parts.push(partOf(items));
    items = [];
    bytes = 0;
  };
  for (const item of itemsOf(draft, columns, stamp)) {
    const size = sizeOf(item);
    if (items.length >= CALL_EDITS || (items.length > 0 && bytes + size > CALL_BYTES)) close();
    items.push(item);
    bytes += size;
  }
  close();
  return parts;
}

/** The same changes in two calls; null when there is but one. */
export function halves({ patch, inserted }: Part): [Part, Part] | null {
  const { version, edits, insert_rows, delete_rows } = patch;
  const count = edits.length + insert_rows.length + delete_rows.length;
  if (count < 2) return null;
  const cut = (from: number, to: number): Part => {
    const within = <T>(all: readonly T[], before: number) => all.slice(Math.max(0, from - before), Math.max(0, to - before));
    return {
      patch: {
        version,
        edits: within(edits, 0),
        insert_rows: within(insert_rows, edits.length),
        delete_rows: within(delete_rows, edits.length + insert_rows.length),
      },
      inserted: within(inserted, edits.length),
    };
  };
  return [cut(0, count >> 1), cut(count >> 1, count)];
}

function* itemsOf(draft: Draft, columns: readonly Column[], stamp: number): Iterable<Item> {
  for (const [row, entries] of draft.cells) {
    if (draft.deletes.has(row)) continue;
    for (const [column, entry] of entries) {
      if (entry.stamp <= stamp) yield { kind: "edit", edit: { row, column, value: entry.value }, version: entry.version };
    }
  }
  for (const [root, rows] of draft.behind) {
    for (const row of rows) {
      const insert = draft.inserts.get(row);
      if (!insert?.alive) continue;
      // Rows behind one that waits would be put before it: they wait as well.
      if (insert.stamp > stamp) break;
      yield { kind: "insert", row, insert: { after: root, values: valuesOf(insert, columns) }, version: insert.version };
    }
  }
  for (const [row, entry] of draft.deletes) if (entry.stamp <= stamp) yield { kind: "delete", row, version: entry.version };
}

const valuesOf = (insert: InsertEntry, columns: readonly Column[]): Value[] => columns.map(({ name }) => insert.values.get(name) ?? null);

function partOf(items: readonly Item[]): Part {
  const inserts = items.filter((item) => item.kind === "insert");
  return {
    patch: {
      version: Math.min(...items.map(({ version }) => version)),
      edits: items.flatMap((item) => (item.kind === "edit" ? [item.edit] : [])),
      insert_rows: inserts.map(({ insert }) => insert),
      delete_rows: items.flatMap((item) => (item.kind === "delete" ? [item.row] : [])),
    },
    inserted: inserts.map(({ row }) => row),
  };
}

function sizeOf(item: Item): number {
  const length = (value: Value) => (value === null ? 4 : utf8Bytes(value) + 2);
  if (item.kind === "delete") return 12;
  if (item.kind === "insert") return item.insert.values.reduce<number>((sum, value) => sum + length(value) + 1, 32);
  return 40 + utf8Bytes(item.edit.column) + length(item.edit.value);
}

/** Takes what a call has saved out of the draft. What was typed meanwhile stays, as a change of what is saved now. */
export function settle(draft: Draft, columns: readonly Column[], { patch, inserted }: Part, saved: Saved): ReadonlyMap<Row, Row> {
  for (const { row, column, value } of patch.edits) {
    const entry = draft.entry(row, column);
    if (entry?.value === value) draft.drop(row, column);
    else if (entry) Object.assign(entry, { base: value, version: saved.version });
  }
  rebaseSteps(draft, patch.edits, saved.version);
  for (const row of patch.delete_rows) {
    draft.deletes.delete(row);
    draft.cells.delete(row);
  }
  const numbers = new Map(inserted.map((row, at) => [row, saved.inserted[at] ?? row]));
  patch.insert_rows.forEach(({ values }, at) => settleInsert(draft, columns, inserted[at] ?? 0, values, numbers, saved.version));
  moveBehind(draft, numbers);
  followSteps(draft, patch, inserted, numbers, columns, saved.version);
  // Between the version that was saved to and the new one there is nothing but these changes.
  const current = (entry: { version: number }) => {
    if (entry.version === patch.version) entry.version = saved.version;
  };
  for (const entries of draft.cells.values()) for (const entry of entries.values()) current(entry);
  for (const entry of draft.deletes.values()) current(entry);
  for (const entry of draft.inserts.values()) current(entry);
  return numbers;
}

function settleInsert(draft: Draft, columns: readonly Column[], row: Row, sent: readonly Value[], numbers: ReadonlyMap<Row, Row>, version: number): void {
  const insert = draft.inserts.get(row);
  const number = numbers.get(row) ?? row;
  if (!insert) return;
  draft.inserts.delete(row);
  if (!insert.alive) draft.deletes.set(number, { version, stamp: insert.stamp });
  columns.forEach(({ name }, at) => {
    const base = sent[at] ?? null;
    const value = insert.values.get(name) ?? null;
    if (value !== base) draft.put(number, name, { base, value, version, stamp: insert.stamp });
  });
}

/** Rows that are not saved yet and stood behind one that is now, stand behind its number. */
function moveBehind(draft: Draft, numbers: ReadonlyMap<Row, Row>): void {
  for (const [root, rows] of [...draft.behind]) {
    if (!rows.some((row) => numbers.has(row))) continue;
    draft.behind.delete(root);
    let standing: Row | null = root;
    for (const row of rows) {
      const number = numbers.get(row);
      if (number !== undefined) {
        standing = number;
        continue;
      }
      const insert = draft.inserts.get(row);
      if (!insert) continue;
      insert.root = standing;
      draft.behind.set(standing, [...(draft.behind.get(standing) ?? []), row]);
    }
  }
}

/** Steps that were done during the save on cells that are saved now. */
function rebaseSteps(draft: Draft, edits: readonly CellEdit[], version: number): void {
  const key = (row: Row, column: string) => `${row}/${column}`;
  const saved = new Map(draft.steps.length > 0 ? edits.map(({ row, column, value }) => [key(row, column), value]) : []);
  for (const { operations } of draft.steps) {
    for (const operation of operations) {
      const base = operation.kind === "cell" ? saved.get(key(operation.row, operation.column)) : undefined;
      if (base !== undefined) Object.assign(operation, { base, version });
    }
  }
}

/** Steps that were done during the save speak of rows that have another number now. */
function followSteps(draft: Draft, patch: Patch, inserted: readonly Row[], numbers: ReadonlyMap<Row, Row>, columns: readonly Column[], version: number): void {
  if (numbers.size === 0) return;
  const index = new Map(columns.map(({ name }, at) => [name, at]));
  const sent = new Map(inserted.map((row, at) => [row, patch.insert_rows[at]?.values ?? []]));
  for (const step of draft.steps) {
    step.operations = step.operations.map((operation) => {
      const row = numbers.get(operation.row);
      if (row === undefined) return operation;
      if (operation.kind === "alive") return { kind: "deleted", row, to: !operation.to, version };
      if (operation.kind !== "value") return { ...operation, row };
      const base = sent.get(operation.row)?.[index.get(operation.column) ?? -1] ?? null;
      const changed = (value: Value) => (value === base ? undefined : value);
      return { kind: "cell", row, column: operation.column, from: changed(operation.from), to: changed(operation.to), base, version };
    });
  }
}
