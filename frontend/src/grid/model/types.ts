/** The words of the grid: what its parts and its view hand one another. */

/** A cell's value; null is absent, "" is empty. */
export type Value = string | null;

/** A row's number in the table, the same in every version and view. Rows that are not saved yet count from -1 down. */
export type Row = number;

/** Where a row is drawn, from 0. Rows that are inserted and not saved yet have their lines. */
export type Line = number;

/** Where a row stands in the view as the server knows it, from 0: a page's offset plus the index in the page. */
export type Place = number;

/** As the API says it. A link between tables is never changed by the grid. */
export type Column = { readonly name: string; readonly path: string | null; readonly type: "text" | "number" | "xml" | "link" };

export type Cell = { readonly row: Row; readonly column: string };

/** Lines and table-order column indices, both ends included. */
export type Window = { readonly top: Line; readonly bottom: Line; readonly columns: readonly number[] };

/** Positions in the drawn order of columns (`columns.shown`) and lines, both ends included. */
export type Rect = { readonly top: Line; readonly bottom: Line; readonly left: number; readonly right: number };

// ---- what is looked at -------------------------------------------------------------------------------------------

export type Operator = "eq" | "ne" | "contains" | "starts" | "ends" | "lt" | "le" | "gt" | "ge" | "in" | "empty" | "not_empty" | "regex";
export type Condition =
  | { readonly column: string; readonly op: "empty" | "not_empty" }
  | { readonly column: string; readonly op: "in"; readonly value: readonly string[] }
  | { readonly column: string; readonly op: Exclude<Operator, "empty" | "not_empty" | "in">; readonly value: string };
export type SortKey = { readonly column: string; readonly descending: boolean };
export type View = { readonly sort: readonly SortKey[]; readonly filter: readonly Condition[] };

// ---- ports: what the page lends the model ------------------------------------------------------------------------

export type PageRequest = {
  readonly offset: Place;
  readonly limit: number;
  readonly columns: readonly string[];
  readonly view: View;
  /** Aborted when the answer is not wanted any more. */
  readonly signal: AbortSignal;
};
/** `edited`: indices into the columns asked for. As the API answers. */
export type PageRow = { readonly row: Row; readonly values: readonly Value[]; readonly edited?: readonly number[]; readonly inserted?: boolean };
export type Page = { readonly version: number; readonly total_rows: number; readonly matched_rows: number; readonly rows: readonly PageRow[] };

export type CellEdit = { readonly row: Row; readonly column: string; readonly value: Value };
export type RowInsert = { readonly after: Row | null; readonly values: readonly Value[] };
/** The body of a PATCH. */
export type Patch = { readonly version: number; readonly edits: readonly CellEdit[]; readonly insert_rows: readonly RowInsert[]; readonly delete_rows: readonly Row[] };
export type Saved = { readonly version: number; readonly inserted: readonly Row[] };
/** As the API says it; `column` null is the row itself, `deleted` a row that is gone. */
export type ServerConflict = { readonly row: Row; readonly column: string | null; readonly base: Value; readonly theirs: Value; readonly mine: Value; readonly deleted?: boolean };
export type HistoryEntry = { readonly version: number; readonly at: string; readonly user: string; readonly edits: number; readonly kind?: string; readonly of?: number | null };

/** What `save` rejects with on 409 STALE_VERSION; `more` conflicts are not listed. */
export class StaleVersion extends Error {
  constructor(
    readonly currentVersion: number,
    readonly conflicts: readonly ServerConflict[],
    readonly more = 0,
  ) {
    super(`the table is at version ${currentVersion}`);
    this.name = "StaleVersion";
  }
}

/** What `save` rejects with when the server has answered that it will not: nothing was changed. */
export class SaveRefused extends Error {
  constructor(override readonly cause: unknown) {
    super("the table was not changed");
    this.name = "SaveRefused";
  }
}

export type FindDirection = "next" | "previous";
/** `from`: the first row that is looked into, in table order; null is the first one. */
export type FindRequest = { readonly text: string; readonly from: Row | null; readonly signal: AbortSignal };

/** The server's table. Rejections are kept as they are and handed to the view. */
export interface TablePort {
  page(request: PageRequest): Promise<Page>;
  /**
   * Rejects with `StaleVersion` or `SaveRefused` where the server has answered. After any other rejection it is open
   * whether it was done: the same patch is sent again with the same `key`, which must not do it twice.
   */
  save(patch: Patch, key: string): Promise<Saved>;
  undo(): Promise<{ version: number }>;
  redo(): Promise<{ version: number }>;
  history(offset: number, limit: number): Promise<{ items: readonly HistoryEntry[]; total: number }>;
  /** The first match from a row on, in table order over all rows, whatever the view; null when there is none. */
  find(request: FindRequest): Promise<Cell | null>;
  /** Where a row stands in a view; null when it is not in it. Without this the model looks for it in pages. */
  place?(row: Row, view: View, signal: AbortSignal): Promise<Place | null>;
}

/** Where one table's draft outlives a reload; the page binds it to the session and drops it with the session. */
export interface DraftStore {
  read(): string | null;
  /** False when it could not be kept (no space): the view says so. */
  write(text: string): boolean;
  drop(): void;
}

// ---- answers to commands -----------------------------------------------------------------------------------------

/** Why a command was not done. */
export type Refusal =
  | "edit-mode-off"
  | "read-only-column"
  | "too-long"
  | "not-loaded"
  | "beyond-table"
  | "row-deleted"
  | "too-many-cells"
  | "nothing-selected"
  | "nothing-to-do"
  | "busy"
  | "no-such-row"
  | "not-in-view"
  | "unsaved-changes"
  | "several-ranges"
  | "outdated"
  | "load-failed"
  | "save-failed"
  | "conflicts-open";
export type Outcome = { readonly done: true } | { readonly done: false; readonly why: Refusal };

// ---- states the view draws ---------------------------------------------------------------------------------------

/** What is so of a cell, as bits: `marks & Mark.dirty`. */
export const Mark = {
  /** Not loaded yet: a skeleton. */
  loading: 1,
  /** Its block failed: `grid.retry()`. */
  failed: 2,
  /** Shown from before; the newer one is on its way. */
  stale: 4,
  /** Changed in the draft. */
  dirty: 8,
  /** Differs from the table as it was converted, and saved. */
  edited: 16,
  /** In a row that is inserted and not saved. */
  inserted: 32,
  /** In a row that will be deleted by the next save. */
  deleted: 64,
  /** Theirs and mine differ: a choice is due. */
  conflict: 128,
  /** A link between tables. */
  readOnly: 256,
} as const;

export type LoadState =
  | { readonly kind: "loading" }
  | { readonly kind: "ready" }
  /** The first page failed: nothing can be drawn. */
  | { readonly kind: "failed"; readonly error: unknown };

export type Editing =
  | { readonly kind: "off" }
  | { readonly kind: "on" }
  /** A cell's editor is open. `initial`: what it opens with (a typed character replaces the value). */
  | { readonly kind: "cell"; readonly cell: Cell; readonly initial: string; readonly value: Value };

export type Choice = "mine" | "theirs";
/** `column` null: the whole row was deleted on one side and changed on the other. */
export type Conflict = {
  readonly row: Row;
  readonly column: string | null;
  readonly base: Value;
  readonly theirs: Value;
  readonly mine: Value;
  /** Who deleted the row, when one did. */
  readonly deletedBy: "mine" | "theirs" | null;
  /** Rows that are inserted behind this row, which is gone: "mine" puts them where it was, "theirs" drops them. */
  readonly anchor: boolean;
  /** What there is to choose: a cell of a row that is gone cannot be saved. */
  readonly choices: readonly Choice[];
  readonly choice: Choice | null;
};
export type SaveState =
  | { readonly kind: "idle" }
  | { readonly kind: "saving"; readonly done: number; readonly total: number }
  /** Something could not be saved; the draft is as it was. */
  | { readonly kind: "failed"; readonly error: unknown }
  /** Choose for each, then `save()` again. */
  | { readonly kind: "conflict"; readonly conflicts: readonly Conflict[]; readonly open: number };

/** What a draft changes: `cells` of rows that are there, rows put in, rows taken out. */
export type DirtyCount = { readonly cells: number; readonly inserted: number; readonly deleted: number };

export type Statistics = {
  /** Cells that are selected, rows that will be deleted included. */
  readonly count: number;
  /** How many of them are counted below: less than `count` while some are not loaded. */
  readonly seen: number;
  readonly filled: number;
  readonly numbers: number;
  /** Null when there are no numbers. */
  readonly sum: number | null;
  readonly mean: number | null;
  readonly min: number | null;
  readonly max: number | null;
};

export type FindState =
  | { readonly kind: "idle" }
  | { readonly kind: "busy"; readonly text: string }
  /** `wrapped`: the search went on at the other end of the table. */
  | { readonly kind: "found"; readonly text: string; readonly cell: Cell; readonly wrapped: boolean; readonly outOfView: boolean }
  | { readonly kind: "nothing"; readonly text: string }
  | { readonly kind: "failed"; readonly text: string; readonly error: unknown };

export type PasteChange = { readonly row: Row; readonly line: Line; readonly column: string; readonly before: Value; readonly after: Value };
export type PasteRejection = {
  readonly line: Line;
  /** Position in the drawn order; may be beyond the last column. */
  readonly at: number;
  readonly column: string | null;
  readonly value: string;
  readonly why: "beyond-table" | "read-only-column" | "too-long" | "row-deleted" | "not-loaded";
};
/** What a paste would do. Nothing is changed before `paste(plan)`. */
export type PastePlan = {
  readonly target: Rect;
  readonly changes: readonly PasteChange[];
  /** Cells that already have the pasted value. */
  readonly same: number;
  readonly rejected: readonly PasteRejection[];
  /** The draft and table it was planned on; a plan of another state is refused. */
  readonly stamp: number;
};

export type Density = "compact" | "comfortable";
export type ColumnsState = {
  readonly order: readonly string[];
  readonly hidden: readonly string[];
  /** How many of the shown columns stand still at the left. */
  readonly frozen: number;
  readonly widths: Readonly<Record<string, number>>;
  readonly density: Density;
};

/** A cell as somebody has looked at it: what they type over. */
export type Seen = { readonly value: Value; readonly version: number };

export type Direction = "up" | "down" | "left" | "right";
export type RangeKind = "cells" | "rows" | "columns" | "all";
/** A selected range as it is drawn now. */
export type SelectedRange = Rect & { readonly kind: RangeKind };
export type ActiveCell = { readonly line: Line; readonly at: number; readonly row: Row | undefined; readonly column: string };

/** What has changed since the last call of a listener. */
export type Topic = "state" | "lines" | "cells" | "columns" | "view" | "selection" | "editing" | "draft" | "save" | "statistics" | "find" | "history";
export type Change = {
  readonly topics: ReadonlySet<Topic>;
  /** Lines whose cells must be drawn again (with topic "cells"), both ends included; null is all that are drawn. */
  readonly lines: { readonly top: Line; readonly bottom: Line } | null;
};
