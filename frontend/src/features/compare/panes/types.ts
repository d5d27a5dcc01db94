import type { SideName, Value } from "../types";

export type { SideName, Value };
export type RowStatus = "added" | "removed" | "changed" | "same";
export type ColumnStatus = "same" | "changed" | "renamed" | "added" | "removed" | "ignored";

/** One column of both tables, under one name. */
export type PaneColumn = {
  readonly name: string;
  readonly a_name: string | null;
  readonly b_name: string | null;
  readonly status: ColumnStatus;
  readonly key?: boolean;
  readonly cells_changed?: number;
};

/** A row of A beside its row of B. `changed` and `format_only` are indexes of columns; what is in the second is in the first. */
export type ComparedRow = {
  readonly status: RowStatus;
  readonly moved: boolean;
  readonly a_row: number | null;
  readonly b_row: number | null;
  readonly a: readonly Value[] | null;
  readonly b: readonly Value[] | null;
  readonly changed: readonly number[];
  readonly format_only: readonly number[];
};

export type RowsPage = { total: number; columns: PaneColumn[]; rows: ComparedRow[] };

/** A place in the view, from 0, and the column that it is about. */
export type Located = { position: number; a_row: number | null; b_row: number | null; column: string | null };
export type Sought = { a_row: number } | { b_row: number } | { next_after: number } | { last_before: number } | { text: string; from: number };

/** Where the rows of one view come from. */
export type PanesPort = {
  page(asked: { offset: number; limit: number; signal: AbortSignal }): Promise<RowsPage>;
  /** Null: there is no such place. */
  locate(sought: Sought): Promise<Located | null>;
};

/** Where one is: a position in the view and the index of a column. */
export type Place = { readonly position: number; readonly column: number };
export type Topic = "rows" | "columns" | "total" | "active" | "selection" | "state" | "sight";
export type Sight = { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
