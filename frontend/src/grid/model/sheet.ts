import { Blocks, type Span } from "./blocks";
import type { Columns } from "./columns";
import { Draft } from "./draft";
import { BLOCK_COLUMNS, COMMAND_BLOCKS } from "./limits";
import { Lines, type Standing } from "./lines";
import type { Signals } from "./signals";
import { type Line, Mark, type Place, type Rect, type Row, type Seen, type TablePort, type Value, type View } from "./types";
import { isPlain } from "./view";

/** What is drawn: the loaded table with the draft over it. It only reads; commands are elsewhere. */
export class Sheet {
  readonly blocks: Blocks;
  readonly draft: Draft;
  readonly #lines = new Lines();
  readonly #anchors = new Map<Row, Place>();
  /** Cells whose conflict waits for a choice: "row/column". */
  conflicts: ReadonlySet<string> = new Set();

  constructor(
    table: TablePort,
    readonly columns: Columns,
    readonly signals: Signals,
    start: { version: number; totalRows: number; view: View },
  ) {
    this.draft = new Draft(signals, (rows) => this.#drafted(rows));
    this.blocks = new Blocks(table, columns.all, start.version, start.totalRows, start.view, {
      blockChanged: (first, rows) => this.#blockChanged(first, rows),
      tableChanged: () => this.#tableChanged(),
    });
  }

  get lines(): number {
    return this.blocks.matched + this.#lines.inserted;
  }

  get inserted(): number {
    return this.#lines.inserted;
  }

  at(line: Line): Standing {
    return this.#lines.at(line);
  }

  lineOfPlace(place: Place): Line {
    return this.#lines.of(place);
  }

  row(line: Line): Row | undefined {
    if (line < 0 || line >= this.lines) return undefined;
    const { place, insert } = this.#lines.at(line);
    return insert ?? this.blocks.row(place);
  }

  lineOf(row: Row): Line | undefined {
    if (row < 0) return this.#lines.ofInsert(row);
    const place = this.blocks.placeOf(row);
    return place === undefined ? undefined : this.#lines.of(place);
  }

  /** The line of a row as it is in the present version, where that is known. */
  currentLineOf(row: Row): Line | undefined {
    const place = row < 0 ? undefined : this.blocks.placeOf(row);
    return place !== undefined && !this.blocks.isCurrent(place) ? undefined : this.lineOf(row);
  }

  value(line: Line, column: number): Value | undefined {
    if (line < 0 || line >= this.lines) return undefined;
    const { place, insert } = this.#lines.at(line);
    const name = this.columns.all[column]?.name;
    if (name === undefined) return undefined;
    if (insert !== null) return this.draft.value(insert, name);
    const loaded = this.blocks.value(place, column);
    if (loaded === undefined || this.draft.cells.size === 0) return loaded;
    const entry = this.draft.entry(this.#rowIn(place, column), name);
    return entry ? entry.value : loaded;
  }

  /** Whether a line is in sight and its row on the way. */
  isAwaited(line: Line): boolean {
    return this.blocks.awaits(this.#lines.at(line).place);
  }

  /** What a cell shows, and the version that is from. What is drafted already keeps what it was typed over. */
  seen(line: Line, column: number): Seen | undefined {
    const value = this.value(line, column);
    if (value === undefined) return undefined;
    const { place, insert } = this.#lines.at(line);
    const saved = insert === null ? this.saved(place, column) : undefined;
    return { value: saved ? saved.value : value, version: saved?.version ?? this.blocks.version };
  }

  /** The value as it is loaded, with the version it was loaded in. */
  saved(place: Place, column: number): { row: Row; value: Value; version: number } | undefined {
    const block = this.blocks.block(place, column);
    const value = block?.values[place - block.first]?.[column - block.firstColumn];
    return block && value !== undefined ? { row: this.#rowIn(place, column), value, version: block.version } : undefined;
  }

  marks(line: Line, column: number): number {
    const { place, insert } = this.#lines.at(line);
    const { name, type } = this.columns.all[column] ?? { name: "", type: "text" };
    const link = type === "link" ? Mark.readOnly : 0;
    if (insert !== null) return link | Mark.inserted;
    const block = this.blocks.block(place, column);
    if (!block) return link | (this.blocks.error(place, column) === undefined ? Mark.loading : Mark.failed);
    const at = place - block.first;
    const row = block.rows[at] ?? 0;
    let marks = link | (block.stale ? Mark.stale : 0);
    if (block.inserted.has(at) || block.edited.has(at * BLOCK_COLUMNS + column - block.firstColumn)) marks |= Mark.edited;
    if (this.draft.entry(row, name)) marks |= Mark.dirty;
    if (this.draft.deletes.has(row)) marks |= Mark.deleted;
    if (this.conflicts.size > 0 && (this.conflicts.has(`${row}/${name}`) || this.conflicts.has(`${row}/`))) marks |= Mark.conflict;
    return marks;
  }

  setView(view: View): void {
    this.blocks.setView(view);
    this.#anchors.clear();
    this.arrange();
  }

  /** Positions of a rectangle as places and table indices; null where it has no saved rows. */
  span(rect: Rect): Span | null {
    const columns = this.columns.shown.slice(rect.left, rect.right + 1);
    const top = this.#lines.at(rect.top);
    const bottom = this.#lines.at(rect.bottom);
    const first = top.insert === null ? top.place : top.place + 1;
    return bottom.place < first ? null : { top: first, bottom: bottom.place, columns };
  }

  isLoaded(rect: Rect): boolean {
    const span = this.span(rect);
    return span === null || this.blocks.has(span);
  }

  /** Whether rectangles are more than one command may load. */
  isTooLarge(rects: readonly Rect[]): boolean {
    const blocks = rects.map((rect) => {
      const span = this.span(rect);
      return span === null ? 0 : this.blocks.count(span);
    });
    return blocks.reduce((sum, count) => sum + count, 0) > COMMAND_BLOCKS;
  }

  /** Loads a rectangle, and keeps it loaded until the returned function is called. */
  async hold(rect: Rect): Promise<() => void> {
    const span = this.span(rect);
    return span === null ? () => undefined : this.blocks.hold(span);
  }

  /** Puts unsaved rows where they belong. */
  arrange(): void {
    this.#lines.arrange(this.draft, (root, hint) => {
      const place = this.blocks.placeOf(root) ?? this.#anchors.get(root) ?? (isPlain(this.blocks.view) ? hint : undefined);
      const last = this.blocks.matched - 1;
      if (place === undefined) return last;
      this.#anchors.set(root, place);
      return Math.min(place, last);
    });
  }

  #rowIn(place: Place, column: number): Row {
    const block = this.blocks.block(place, column);
    return block?.rows[place - block.first] ?? 0;
  }

  #drafted(rows: ReadonlySet<Row> | null): void {
    if (rows === null) {
      this.arrange();
      this.signals.raise("lines", "cells", "selection", "statistics");
      return;
    }
    this.signals.raiseLines([...rows].flatMap((row) => this.lineOf(row) ?? []));
    this.signals.raise("statistics");
  }

  #blockChanged(first: Place, rows: number): void {
    this.signals.batch(() => {
      if (this.#lines.inserted > 0) {
        this.arrange();
        this.signals.raise("lines", "cells");
      } else this.signals.raiseLines([first, first + rows - 1]);
      this.signals.raise("state", "statistics", "selection");
    });
  }

  #tableChanged(): void {
    this.arrange();
    this.signals.raise("state", "lines", "cells", "selection", "statistics");
  }
}
