import { BLOCK_COLUMNS } from "./limits";
import type { Page, Place, Row, Value } from "./types";

/** Some rows and columns of the table as one answer gave them. */
export type Block = {
  readonly first: Place;
  readonly firstColumn: number;
  readonly rows: Row[];
  readonly values: Value[][];
  /** Rows that were inserted after the conversion, by their index. */
  readonly inserted: ReadonlySet<number>;
  /** Saved cells that differ from the conversion: index of the row times the block's columns, plus the column's. */
  readonly edited: Set<number>;
  readonly weight: number;
  version: number;
  /** Shown until the newer one is there. */
  stale: boolean;
};

export function blockOf(page: Page, first: Place, firstColumn: number): Block {
  const edited = new Set<number>();
  const inserted = new Set<number>();
  page.rows.forEach((row, at) => {
    if (row.inserted) inserted.add(at);
    for (const column of row.edited ?? []) edited.add(at * BLOCK_COLUMNS + column);
  });
  const values = page.rows.map((row) => [...row.values]);
  const rows = page.rows.map(({ row }) => row);
  return { first, firstColumn, rows, values, inserted, edited, weight: weightOf(values), version: page.version, stale: false };
}

/** Bytes that values may take, as a guess: a reference and a short string's head each, one or two bytes a character. */
function weightOf(values: readonly (readonly Value[])[]): number {
  let weight = 0;
  for (const row of values) for (const value of row) weight += value === null ? 8 : 24 + value.length * 2;
  return weight;
}
