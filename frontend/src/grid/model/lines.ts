import type { Draft } from "./draft";
import type { Line, Place, Row } from "./types";

/** A saved row's line, or an unsaved row's. */
export type Standing = { readonly place: Place; readonly insert: null } | { readonly place: Place; readonly insert: Row };

type Stretch = { /** The line of the first of these rows. */ line: Line; /** Their saved row's place. */ place: Place; rows: readonly Row[] };

/** Where unsaved rows stand between the places of a view. Without any, lines are places. */
export class Lines {
  #stretches: Stretch[] = [];
  #lines = new Map<Row, Line>();
  #inserted = 0;

  get inserted(): number {
    return this.#inserted;
  }

  /** `placeOf` gives the place of a saved row in the view; a row without one has its unsaved rows at the end. */
  arrange(draft: Draft, placeOf: (root: Row, hint: Place) => Place): void {
    const stretches = [...draft.behind].flatMap(([root, all]) => {
      const rows = all.filter((row) => draft.inserts.get(row)?.alive);
      const hint = draft.inserts.get(rows[0] ?? 0)?.place ?? -1;
      return rows.length === 0 ? [] : [{ line: 0, place: root === null ? -1 : placeOf(root, hint), rows }];
    });
    stretches.sort((one, other) => one.place - other.place);
    this.#inserted = 0;
    this.#lines = new Map();
    for (const stretch of stretches) {
      stretch.line = stretch.place + 1 + this.#inserted;
      this.#inserted += stretch.rows.length;
      stretch.rows.forEach((row, at) => this.#lines.set(row, stretch.line + at));
    }
    this.#stretches = stretches;
  }

  at(line: Line): Standing {
    const stretch = this.#last((one) => one.line <= line);
    if (!stretch) return { place: line, insert: null };
    const insert = stretch.rows[line - stretch.line];
    if (insert !== undefined) return { place: stretch.place, insert };
    return { place: stretch.place + 1 + line - stretch.line - stretch.rows.length, insert: null };
  }

  /** The line of a place. */
  of(place: Place): Line {
    const stretch = this.#last((one) => one.place < place);
    return stretch ? stretch.line + stretch.rows.length + place - stretch.place - 1 : place;
  }

  ofInsert(row: Row): Line | undefined {
    return this.#lines.get(row);
  }

  #last(holds: (stretch: Stretch) => boolean): Stretch | undefined {
    let low = 0;
    let high = this.#stretches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const stretch = this.#stretches[middle];
      if (stretch && holds(stretch)) low = middle + 1;
      else high = middle;
    }
    return this.#stretches[low - 1];
  }
}
