import { createGrid, type ColumnsState, type Grid, type View } from "@/grid/model";
import type { TablePage } from "@/api/types";
import { session } from "@/session/store";
import { draftStore } from "./drafts";
import { tablePort } from "./port";

/** The columns of a table as the user has arranged them in this tab. */
function arranged(key: string): ColumnsState | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/** The model of a table: its rows from the server, its draft and the order of its columns from this tab. */
export function tableGrid(head: TablePage, view: View): Grid {
  const sessionId = session.state.kind === "active" ? session.state.id : "";
  const key = `ret.columns.${sessionId}.${head.id}`;
  const grid = createGrid({
    table: tablePort(head.id),
    // Plain ones: cells are read too often for columns that Vue watches.
    columns: head.columns.map(({ name, path, type }) => ({ name, path, type })),
    version: head.version,
    totalRows: head.total_rows,
    view,
    columnsState: arranged(key),
    drafts: draftStore(sessionId, head.id),
  });
  grid.subscribe(({ topics }) => {
    if (!topics.has("columns")) return;
    try {
      sessionStorage.setItem(key, JSON.stringify(grid.columns.state));
    } catch {
      // No room: the order of the columns is worth less than the draft.
    }
  });
  return grid;
}
