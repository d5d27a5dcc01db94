import type { ComparedRow, PaneColumn } from "../panes/types";
import type { Change, SideName, TablePair } from "../types";

export type Scope = "cell" | "row" | "selection" | "all";

/** What taking over does to the tables of one side. */
export type Effect = { cells: number; inserted: number; deleted: number };

/** A row as the server knows it: its numbers, and where only some of it is meant, its columns. */
export function changeOf(table: string, row: ComparedRow, columns?: readonly string[]): Change {
  return {
    table,
    ...(row.a_row === null ? {} : { a_row: row.a_row }),
    ...(row.b_row === null ? {} : { b_row: row.b_row }),
    ...(columns && row.status === "changed" ? { columns: [...columns] } : {}),
  };
}

/** What becomes of the side that is written into: it gets the other one's cells and rows, and loses rows of its own. */
export function effectOf(rows: Iterable<ComparedRow>, into: SideName, column?: number): Effect {
  const effect: Effect = { cells: 0, inserted: 0, deleted: 0 };
  for (const row of rows) {
    if (row.status === "changed") effect.cells += column === undefined ? row.changed.length : row.changed.includes(column) ? 1 : 0;
    else if (row.status !== "same") effect[(row.status === "added") === (into === "a") ? "inserted" : "deleted"] += 1;
  }
  return effect;
}

/** The same for a whole pair. */
export function wholeEffect(tables: readonly TablePair[], into: SideName): Effect {
  const sum = (name: "cells_changed" | "rows_added" | "rows_removed"): number => tables.reduce((total, table) => total + table[name], 0);
  const [added, removed] = [sum("rows_added"), sum("rows_removed")];
  return { cells: sum("cells_changed"), inserted: into === "a" ? added : removed, deleted: into === "a" ? removed : added };
}

export const isNothing = ({ cells, inserted, deleted }: Effect): boolean => cells + inserted + deleted === 0;

/** Columns that are on one side only: they cannot be written into the other. */
export const onlyOneSide = (columns: readonly PaneColumn[]): string[] => columns.filter(({ status }) => status === "added" || status === "removed").map(({ name }) => name);
