import { onScopeDispose } from "vue";
import type { Panes } from "../panes/model";
import type { PairDesk } from "./desk";

const SETTLED_MS = 300;

/** Where one is, kept in the address: the row by its number in A, or in B where it is only there, and the column. */
export function usePairPlace(desk: PairDesk, panes: Panes): void {
  const { state } = desk;
  const { last } = desk;
  const table = desk.table.value?.name ?? "";
  // From another view of the same rows one comes with a place that may not be written down yet.
  const begun = last.table === table ? { ...last } : { position: 0, row: state.read("row"), side: state.read("side"), column: state.read("column") };
  let timer: ReturnType<typeof setTimeout> | undefined;

  function note(): void {
    const { active, activeRow, activeColumn } = panes;
    if (!active || !activeRow || !activeColumn) return;
    const inA = activeRow.a_row !== null;
    Object.assign(last, { table, position: active.position, row: String(inA ? activeRow.a_row : activeRow.b_row), side: inA ? "" : "b", column: activeColumn.name });
  }
  function write(): void {
    note();
    if (last.table === table) state.set({ row: last.row, side: last.side, column: last.column });
  }

  async function begin(): Promise<void> {
    await panes.loaded();
    if (panes.active) return;
    const index = Math.max(0, panes.index(begun.column));
    const row = Number(begun.row);
    if (row >= 1) {
      const found = await panes.seek(begun.side === "b" ? { b_row: row } : { a_row: row }, begun.column || null);
      // A row that is no longer in the view, because it is the same now: those around it are.
      if (!found && !panes.active) panes.goTo(begun.position, index);
    } else if (begun.column) panes.goTo(0, index);
  }

  onScopeDispose(
    panes.subscribe((topic) => {
      if (topic !== "active" || !panes.active) return;
      note();
      clearTimeout(timer);
      timer = setTimeout(write, SETTLED_MS);
    }),
  );
  onScopeDispose(() => {
    clearTimeout(timer);
    note();
  });
  // What fails shows in the rows themselves.
  void begin().catch(() => undefined);
}
