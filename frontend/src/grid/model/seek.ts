import type { PageRow, Place, Row, TablePort, View } from "./types";
import { PLAIN } from "./view";

/** Rows of the table in its own order, from a place on; `total` is how many there are. */
export type Peek = (place: Place) => Promise<{ first: Place; rows: readonly PageRow[]; total: number }>;

const PEEK_ROWS = 50;
const MOST_PEEKS = 32;
/** Rows of a sorted or filtered view that are looked through, a page at a time: as many as the server gathers ahead. */
const SCAN_PAGE = 1000;
const MOST_SCANNED = 20_000;

export const peekInto =
  (table: TablePort, column: string | undefined, signal: AbortSignal): Peek =>
  async (place) => {
    const first = Math.max(0, place - PEEK_ROWS / 2);
    const page = await table.page({ offset: first, limit: PEEK_ROWS, columns: column === undefined ? [] : [column], view: PLAIN, signal });
    return { first, rows: page.rows, total: page.total_rows };
  };

/**
 * Where a row of the converted table stands in the table's own order; null when it is gone. These rows rise with their
 * places, so each look tells how far it is still (interpolation search). Rows that were inserted later are not found so.
 */
export async function placeInTable(row: Row, peek: Peek): Promise<Place | null> {
  let low = 0;
  let high = Infinity;
  let guess = row - 1;
  for (let peeks = 0; peeks < MOST_PEEKS && low < high; peeks += 1) {
    const { first, rows, total } = await peek(Math.max(low, Math.min(guess, high - 1)));
    high = Math.min(high, total);
    const at = rows.findIndex((one) => one.row === row);
    if (at >= 0) return first + at;
    if (rows.length === 0) {
      guess = total - 1;
      if (first < total || total === 0) return null;
      continue;
    }
    const own = rows.flatMap((one) => (one.inserted ? [] : [one.row]));
    const least = own[0];
    const most = own.at(-1);
    if (least !== undefined && most !== undefined && least < row && row < most) return null;
    if (least !== undefined && row < least) {
      high = first;
      guess = first - (least - row);
    } else {
      low = first + rows.length;
      guess = most === undefined ? low : low - 1 + (row - most);
    }
  }
  return null;
}

/** Where a row stands in a sorted or filtered view, as far as it is looked through; null when it is not there. */
export async function placeInView(row: Row, table: TablePort, view: View, column: string | undefined, signal: AbortSignal): Promise<Place | null> {
  for (let offset = 0; offset < MOST_SCANNED; offset += SCAN_PAGE) {
    const page = await table.page({ offset, limit: SCAN_PAGE, columns: column === undefined ? [] : [column], view, signal });
    const at = page.rows.findIndex((one) => one.row === row);
    if (at >= 0) return offset + at;
    if (offset + page.rows.length >= page.matched_rows) return null;
  }
  return null;
}
