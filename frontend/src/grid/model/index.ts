/**
 * The headless model of `<RetGrid>`: commands change it, getters read it, subscribers are told what to draw again.
 * It knows no framework, no document and no network; ports are passed in. Cells are never made reactive: the view asks
 * for the few that it draws.
 */
import { GridModel } from "./grid";
import type { Refused } from "./outcomes";
import type { DraftChange } from "./changes";
import type {
  ActiveCell,
  Change,
  Choice,
  Column,
  ColumnsState,
  Density,
  Direction,
  DirtyCount,
  DraftStore,
  Editing,
  FindDirection,
  FindState,
  HistoryEntry,
  Line,
  LoadState,
  Outcome,
  PastePlan,
  Rect,
  RangeKind,
  Row,
  SaveState,
  Seen,
  SelectedRange,
  Statistics,
  TablePort,
  Topic,
  Value,
  View,
  Window,
} from "./types";

export { draftStore, dropDrafts, type TextStorage } from "./stores";
export type { DraftChange } from "./changes";
export * from "./types";
export { filterText, isPlain, PLAIN, sameView, sortedBy, sortText, viewFrom } from "./view";

export type GridOptions = {
  readonly table: TablePort;
  /** All columns in table order, from the table's head. */
  readonly columns: readonly Column[];
  readonly version: number;
  readonly totalRows: number;
  readonly view?: View;
  readonly columnsState?: ColumnsState;
  readonly drafts?: DraftStore;
};

/**
 * Columns are named by their name where it must outlast a change of order, by their table index where cells are read
 * (`value`, `marks`), and by their position `at` in `columns.shown` where the selection is meant.
 */
export interface Grid {
  /** Calls `listener` once after each command or answer that changed something; gives the way to stop it. */
  subscribe(listener: (change: Change) => void): () => void;
  /** Rises with every change of a topic: cheap to compare, or to hang a shallow ref on. */
  counter(topic: Topic): number;
  /** Ends requests and listeners. The stored draft stays. */
  close(): void;

  // ---- rows and cells
  readonly state: LoadState;
  readonly version: number;
  readonly totalRows: number;
  readonly matchedRows: number;
  /** How many lines are drawn: matching rows and inserted ones. */
  readonly lines: number;
  row(line: Line): Row | undefined;
  /** Undefined while it is not loaded; the draft's value where there is one. */
  value(line: Line, column: number): Value | undefined;
  /** Bits of `Mark`. */
  marks(line: Line, column: number): number;
  /** The line of a row that is drawn or loaded; undefined when the model has not seen it in this view. */
  lineOf(row: Row): Line | undefined;
  /** What is in sight: loads it, then what comes next in the direction of scrolling; gives up what left the sight. */
  look(window: Window): void;
  /** Loads failed blocks again, those in sight first. */
  retry(): void;
  readonly failed: unknown;
  /** Somebody saved: what is in sight is loaded again, selection and draft stay. Without a version: asks. */
  refresh(version?: number): void;
  /** Fetches one cell whole however it is cached, for the viewer of long text. */
  read(line: Line, column: number): Promise<Value>;

  // ---- columns
  readonly columns: {
    readonly all: readonly Column[];
    /** Table indices of the shown columns in their drawn order. */
    readonly shown: readonly number[];
    readonly state: ColumnsState;
    index(name: string): number;
    /** Position of a column in `shown`; -1 when hidden. */
    at(name: string): number;
    width(name: string): number | undefined;
    resize(name: string, width: number | null): void;
    hide(names: readonly string[]): Outcome;
    show(names: readonly string[]): void;
    /** Puts a column before the one that stands at `at` now. */
    move(name: string, at: number): void;
    freeze(count: number): void;
    setDensity(density: Density): void;
    reset(): void;
  };

  // ---- view
  readonly view: View;
  /** Sorts and filters; unsaved cells stay in the draft, the selection keeps its rows. */
  setView(view: View): void;

  // ---- selection
  readonly active: ActiveCell | null;
  readonly ranges: readonly SelectedRange[];
  isSelected(line: Line, at: number): boolean;
  select(line: Line, at: number, how?: { extend?: boolean; add?: boolean; kind?: RangeKind }): void;
  selectAll(): void;
  move(direction: Direction, how?: { extend?: boolean; edge?: boolean }): void;
  /** Home, End; with `whole` Ctrl+Home, Ctrl+End. */
  moveTo(where: "start" | "end", how?: { extend?: boolean; whole?: boolean }): void;
  movePage(direction: "up" | "down", lines: number, how?: { extend?: boolean }): void;
  /** Tab (across) and Enter (down): round within a range of several cells, otherwise one step. */
  step(key: "tab" | "enter", back?: boolean): void;
  /** Goes to a row by its number; loads what it takes to find it. "not-in-view": filtered out, or too far to be found. */
  goTo(row: Row, column?: string): Promise<Outcome>;
  readonly statistics: Statistics;
  /** Loads selected cells that are missing: at most `cells` of them, and no more than the cache holds. */
  completeStatistics(cells?: number): Promise<void>;

  // ---- editing
  readonly editing: Editing;
  setEditMode(on: boolean): Outcome;
  /** Opens the active cell's editor; a typed character replaces the value. */
  begin(typed?: string): Outcome;
  /** Takes the editor's text. The view calls it on Enter, Tab or its own button, never on a lost focus. */
  commit(text: Value, then?: "down" | "up" | "right" | "left" | "stay"): Outcome;
  cancel(): void;
  /** `seen` is what the new value was typed over, where that was some time ago: others may have changed it since. */
  set(row: Row, column: string, value: Value, seen?: Seen): Outcome;
  /** What is seen in a cell now, for a later `set`; undefined while it is not loaded. */
  seen(line: Line, column: number): Seen | undefined;
  /** Empties the selected cells: `absent` takes the value away altogether (null instead of ""). */
  clear(absent?: boolean): Promise<Outcome>;
  fill(direction: "down" | "right"): Promise<Outcome>;
  /** Dragging the handle: the selected range repeats itself over `target`, which contains it. */
  fillTo(target: Rect): Promise<Outcome>;
  insertRows(count: number, where: "above" | "below"): Outcome;
  deleteRows(): Promise<Outcome>;
  undo(): Outcome;
  redo(): Outcome;
  readonly canUndo: boolean;
  readonly canRedo: boolean;

  // ---- draft
  readonly dirty: DirtyCount;
  readonly hasDraft: boolean;
  /** A draft was found when the grid was made: how much, since when; null once it is seen to. */
  readonly restored: { readonly at: string; readonly dirty: DirtyCount } | null;
  dismissRestored(): void;
  /** Stores what of the draft is not stored yet: for the moment when the page goes away. */
  flush(): void;
  /** False when the store could not keep it. */
  readonly draftKept: boolean;
  /** All that is changed and not saved, also after `close`. */
  changes(): readonly DraftChange[];
  /** Gives the whole draft up. */
  discard(): Outcome;

  // ---- clipboard
  /** The selection as text of a spreadsheet; loads what is missing. Refused where it is too much. */
  copy(how?: { headers?: boolean }): Promise<{ readonly text: string; readonly rows: number; readonly columns: number } | Refused>;
  /** Reads text of a spreadsheet and loads the cells that it falls on. Changes nothing. */
  planPaste(text: string): Promise<PastePlan | Refused>;
  /** Does what the plan says: one step of undo. */
  paste(plan: PastePlan): Outcome;

  // ---- saving
  readonly saving: SaveState;
  save(): Promise<Outcome>;
  resolve(choice: Choice, which?: { readonly row: Row; readonly column: string | null }): void;

  // ---- versions on the server (only without unsaved changes)
  undoVersion(): Promise<Outcome>;
  redoVersion(): Promise<Outcome>;
  readonly versionError: unknown;
  history(offset: number, limit: number): Promise<{ items: readonly HistoryEntry[]; total: number }>;

  // ---- find
  readonly finding: FindState;
  find(text: string, direction: FindDirection): Promise<void>;
  stopFinding(): void;
}

export type { Refused };

/** A grid over one table. A draft of before is taken up at once. */
export const createGrid = (options: GridOptions): Grid => new GridModel(options);
