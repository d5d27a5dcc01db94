import { peekInto, placeInTable, placeInView } from "./seek";
import type { Selection } from "./selection";
import type { Sheet } from "./sheet";
import type { Line, Place, Row, TablePort } from "./types";
import { isPlain } from "./view";

/** Finds rows by their numbers, and keeps the selection on its rows in other views and versions. */
export class Locating {
  readonly #table: TablePort;
  readonly #sheet: Sheet;
  readonly #selection: Selection;
  readonly #signal: AbortSignal;

  constructor(table: TablePort, sheet: Sheet, selection: Selection, signal: AbortSignal) {
    this.#table = table;
    this.#sheet = sheet;
    this.#selection = selection;
    this.#signal = signal;
  }

  /** The line of a row in the view: as it is known, or by asking; null when it is not there. */
  async lineOf(row: Row): Promise<Line | null> {
    const known = this.#sheet.currentLineOf(row);
    if (known !== undefined || row < 0) return known ?? null;
    const place = await this.#placeOf(row);
    return place === null ? null : this.#sheet.lineOfPlace(place);
  }

  /** Puts the selection where its rows are now. Those that are nowhere in what is loaded are looked for. */
  settle(): void {
    // What is in sight comes by itself, and most often has the rows that are looked for.
    const lost = this.#selection.settle().filter(({ line }) => !this.#sheet.isAwaited(line));
    if (lost.length > 0 && this.#sheet.blocks.known) void this.#seek([...new Set(lost.map(({ row }) => row ?? 0))]);
  }

  #placeOf(row: Row): Promise<Place | null> {
    const { view } = this.#sheet.blocks;
    const column = this.#sheet.columns.all[0]?.name;
    if (this.#table.place) return this.#table.place(row, view, this.#signal);
    if (isPlain(view)) return placeInTable(row, peekInto(this.#table, column, this.#signal));
    return placeInView(row, this.#table, view, column, this.#signal);
  }

  async #seek(rows: readonly Row[]): Promise<void> {
    this.#selection.sought(rows);
    const { now } = this.#selection;
    for (const row of rows) {
      const line = await this.lineOf(row).catch(() => null);
      if (now !== this.#selection.now || this.#signal.aborted) return;
      this.#selection.place(row, line);
    }
  }
}
