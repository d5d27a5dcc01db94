import type { Draft } from "./draft";
import type { Row, Value } from "./types";

/** One change of a draft. `column` null is the whole row: put in when it was not there before, otherwise deleted. */
export type DraftChange = { readonly row: Row; readonly column: string | null; readonly before: Value; readonly after: Value };

/** All that a draft changes, to be written down elsewhere: cells by row, then new rows, then deleted ones. */
export function changesOf(draft: Draft): DraftChange[] {
  const changes: DraftChange[] = [];
  for (const [row, entries] of draft.cells) {
    for (const [column, { base, value }] of entries) changes.push({ row, column, before: base, after: value });
  }
  for (const [row, { alive, values }] of draft.inserts) {
    if (!alive) continue;
    for (const [column, value] of values) changes.push({ row, column, before: null, after: value });
  }
  for (const row of draft.deletes.keys()) changes.push({ row, column: null, before: null, after: null });
  return changes;
}
