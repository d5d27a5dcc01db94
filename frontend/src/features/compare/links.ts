import type { LocationQueryRaw, RouteLocationRaw } from "vue-router";
import type { SideName } from "./types";

/** A cell of one of the two tables: its row by the number on that side, its column by name. */
export type CellPlace = { pair: string; table: string; row: number; side: SideName; column: string };

export const comparisonLink = (id: string, query: LocationQueryRaw = {}): RouteLocationRaw => ({ path: `/compare/${id}`, query });

export const pairLink = (id: string, pair: string, query: LocationQueryRaw = {}): RouteLocationRaw => ({ path: `/compare/${id}/pairs/${pair}`, query });

/** Both complete tables at one cell, in a window of their own. Without `side` a row is one of A. */
export function fullLink(id: string, { pair, table, row, side, column }: CellPlace): string {
  const query = new URLSearchParams({ pair, table, row: String(row), ...(side === "b" ? { side } : {}), column });
  return `/compare/${encodeURIComponent(id)}/full?${query.toString()}`;
}
