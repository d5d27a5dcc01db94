import { toTsv } from "@/grid/model/tsv";
import type { ComparedRow, PaneColumn, SideName } from "../panes/types";

/** Columns that a side has, in the order in which they are drawn. */
const ofSide = (columns: readonly PaneColumn[], order: readonly number[], side: SideName): number[] =>
  order.filter((index) => (side === "a" ? columns[index]?.a_name : columns[index]?.b_name) !== null);

/** Whole rows of one side as a spreadsheet takes them; rows that this side does not have are left out. */
export function rowsText(rows: readonly ComparedRow[], columns: readonly PaneColumn[], order: readonly number[], side: SideName): { text: string; rows: number } {
  const shown = ofSide(columns, order, side);
  const cells = rows.flatMap((row) => {
    const values = row[side];
    return values ? [shown.map((index) => values[index] ?? null)] : [];
  });
  return { text: toTsv(cells), rows: cells.length };
}
