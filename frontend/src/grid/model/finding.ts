import { peekInto, placeInTable } from "./seek";
import type { Selection } from "./selection";
import type { Sheet } from "./sheet";
import type { Cell, FindDirection, FindState, Line, Place, Row, TablePort, Value } from "./types";
import { isPlain, PLAIN } from "./view";

type Hit = { cell: Cell; place: Place | null };
/** Rows that are looked through at first when the search goes backwards; eight times as many with every miss. */
const FIRST_STRETCH = 8;
const WIDER = 8;

/**
 * Find next and previous from the active cell on, in the table's own order, round its ends. The server looks for what
 * is saved; what the draft has instead is seen to here.
 */
export class Finding {
  readonly #table: TablePort;
  readonly #sheet: Sheet;
  readonly #selection: Selection;
  readonly #locate: (row: Row) => Promise<Line | null>;
  #state: FindState = { kind: "idle" };
  #control: AbortController | null = null;

  constructor(table: TablePort, sheet: Sheet, selection: Selection, locate: (row: Row) => Promise<Line | null>) {
    this.#table = table;
    this.#sheet = sheet;
    this.#selection = selection;
    this.#locate = locate;
  }

  get state(): FindState {
    return this.#state;
  }

  stop(): void {
    this.#control?.abort();
    this.#control = null;
    this.#become({ kind: "idle" });
  }

  async find(text: string, direction: FindDirection): Promise<void> {
    this.#control?.abort();
    if (text === "") return this.stop();
    const control = new AbortController();
    this.#control = control;
    this.#become({ kind: "busy", text });
    const search = new Search(this.#table, this.#sheet, text, control.signal);
    try {
      const start = await this.#start();
      const first = await (direction === "next" ? search.after(start) : search.before(start));
      const hit = first ?? (start ? await (direction === "next" ? search.after(null) : search.before(null)) : null);
      if (control.signal.aborted) return;
      if (!hit) return this.#become({ kind: "nothing", text });
      await this.#show(text, hit, first === null, control.signal);
    } catch (error) {
      if (!control.signal.aborted) this.#become({ kind: "failed", text, error });
    }
  }

  /** The active cell; the saved row behind which it stands where it is in an unsaved one. */
  async #start(): Promise<Cell | null> {
    const { active } = this.#selection;
    if (!active) return null;
    const { insert, place } = this.#sheet.at(active.line);
    if (insert === null && active.row !== undefined) return { row: active.row, column: active.column };
    if (place < 0) return null;
    const line = this.#sheet.lineOfPlace(place);
    const release = await this.#sheet.hold({ top: line, bottom: line, left: 0, right: 0 });
    const row = this.#sheet.row(line);
    release();
    const column = insert === null ? active.column : (this.#sheet.columns.all.at(-1)?.name ?? "");
    return row === undefined ? null : { row, column };
  }

  async #show(text: string, { cell, place }: Hit, wrapped: boolean, signal: AbortSignal): Promise<void> {
    const { columns, blocks } = this.#sheet;
    const line = place !== null && isPlain(blocks.view) ? this.#sheet.lineOfPlace(place) : await this.#locate(cell.row);
    if (signal.aborted) return;
    this.#sheet.signals.batch(() => {
      if (line !== null) {
        if (columns.at(cell.column) < 0) columns.show([cell.column]);
        this.#selection.select(line, columns.at(cell.column));
        this.#selection.claim(cell.row);
      }
      this.#become({ kind: "found", text, cell, wrapped, outOfView: line === null });
    });
  }

  #become(state: FindState): void {
    this.#state = state;
    this.#sheet.signals.raise("find");
  }
}

/** One search in the table's own order, whatever the view. */
class Search {
  readonly #table: TablePort;
  readonly #sheet: Sheet;
  readonly #text: string;
  readonly #signal: AbortSignal;

  constructor(table: TablePort, sheet: Sheet, text: string, signal: AbortSignal) {
    this.#table = table;
    this.#sheet = sheet;
    this.#text = text;
    this.#signal = signal;
  }

  /** The first match behind a cell, or in the whole table. */
  async after(start: Cell | null): Promise<Hit | null> {
    let from: Row | null = null;
    if (start) {
      const place = await this.#placeOf(start.row);
      if (place === null) return this.#first(start.row);
      const { matches, next } = await this.#rowAt(place);
      const column = matches.find((index) => index > this.#sheet.columns.index(start.column));
      if (column !== undefined) return this.#hit(start.row, column, place);
      if (next === null) return null;
      from = next;
    }
    return this.#first(from);
  }

  /** The last match before a cell, or in the whole table. */
  async before(start: Cell | null): Promise<Hit | null> {
    let end = this.#sheet.blocks.total;
    if (start) {
      const place = await this.#placeOf(start.row);
      if (place === null) return null;
      const { matches } = await this.#rowAt(place);
      const column = matches.findLast((index) => index < this.#sheet.columns.index(start.column));
      if (column !== undefined) return this.#hit(start.row, column, place);
      end = place;
    }
    for (let width = FIRST_STRETCH; end > 0; width *= WIDER) {
      const low = Math.max(0, end - width);
      const found = await this.#lastWithin(low, end);
      if (found) return found;
      end = low;
    }
    return null;
  }

  /** The first match from a row on; matches that the draft has taken away are passed over. */
  async #first(from: Row | null): Promise<Hit | null> {
    let row = from;
    for (;;) {
      const cell = await this.#table.find({ text: this.#text, from: row, signal: this.#signal });
      if (!cell) return null;
      if (!this.#sheet.draft.cells.has(cell.row)) return { cell, place: await this.#placeOf(cell.row) };
      const place = await this.#placeOf(cell.row);
      if (place === null) return { cell, place };
      const { matches, next } = await this.#rowAt(place);
      if (matches[0] !== undefined) return this.#hit(cell.row, matches[0], place);
      if (next === null) return null;
      row = next;
    }
  }

  /** The last match within places: the first one from further and further on, halving what is left. */
  async #lastWithin(low: Place, end: Place): Promise<Hit | null> {
    let best: Hit | null = null;
    let from = low;
    let until = end;
    let middle = low;
    while (from < until) {
      const hit = await this.#first(await this.#numberAt(middle));
      if (hit && hit.place !== null && hit.place < end) {
        best = hit;
        from = hit.place + 1;
      } else if (!best) return null;
      else until = middle;
      middle = (from + until) >> 1;
    }
    if (!best || best.place === null) return null;
    const { matches } = await this.#rowAt(best.place);
    return this.#hit(best.cell.row, matches.at(-1) ?? this.#sheet.columns.index(best.cell.column), best.place);
  }

  #hit(row: Row, column: number, place: Place): Hit {
    return { cell: { row, column: this.#sheet.columns.all[column]?.name ?? "" }, place };
  }

  async #placeOf(row: Row): Promise<Place | null> {
    if (isPlain(this.#sheet.blocks.view)) {
      const known = this.#sheet.blocks.placeOf(row);
      if (known !== undefined) return known;
    }
    if (this.#table.place) return this.#table.place(row, PLAIN, this.#signal);
    return placeInTable(row, peekInto(this.#table, this.#sheet.columns.all[0]?.name, this.#signal));
  }

  async #numberAt(place: Place): Promise<Row | null> {
    const known = isPlain(this.#sheet.blocks.view) ? this.#sheet.blocks.row(place) : undefined;
    if (known !== undefined) return known;
    const columns = this.#sheet.columns.all.slice(0, 1).map(({ name }) => name);
    const page = await this.#table.page({ offset: place, limit: 1, columns, view: PLAIN, signal: this.#signal });
    return page.rows[0]?.row ?? null;
  }

  /** Indices of the columns that match in a row as it is drawn, and the number of the row behind it. */
  async #rowAt(place: Place): Promise<{ matches: number[]; next: Row | null }> {
    const { columns, draft } = this.#sheet;
    const names = columns.all.map(({ name }) => name);
    const page = await this.#table.page({ offset: place, limit: 2, columns: names, view: PLAIN, signal: this.#signal });
    const [own, next] = page.rows;
    const matches = names.flatMap((name, index) => {
      const drafted = own ? draft.value(own.row, name) : undefined;
      return this.#matches(drafted === undefined ? (own?.values[index] ?? null) : drafted) ? [index] : [];
    });
    return { matches, next: next?.row ?? null };
  }

  #matches(value: Value): boolean {
    return value?.toLowerCase().includes(this.#text.toLowerCase()) ?? false;
  }
}
