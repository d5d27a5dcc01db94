import { nextTick, onScopeDispose, watch } from "vue";
import type { Panes } from "../panes/model";
import type { PairDesk } from "./desk";

const SETTLED_MS = 300;

/** Where one is, kept in the address: the row by its number in A, or in B where it is only there, and the column. */
export function usePairPlace(desk: PairDesk): void {
  const { state } = desk;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop = (): void => undefined;

  async function follow(panes: Panes): Promise<void> {
    const row = Number(state.read("row"));
    const column = state.read("column");
    stop = panes.subscribe((topic) => {
      if (topic !== "active") return;
      clearTimeout(timer);
      timer = setTimeout(write, SETTLED_MS);
    });
    if (row >= 1) {
      await nextTick();
      await panes.seek(state.read("side") === "b" ? { b_row: row } : { a_row: row }, column || null).catch(() => null);
    } else if (column) await panes.loaded().then(() => { panes.goTo(0, Math.max(0, panes.index(column))); }).catch(() => undefined);
  }

  function write(): void {
    const row = desk.panes.value?.activeRow;
    const column = desk.panes.value?.activeColumn;
    if (!row || !column) return;
    const inA = row.a_row !== null;
    state.set({ row: String(inA ? row.a_row : row.b_row), side: inA ? "" : "b", column: column.name });
  }

  watch(desk.panes, (panes) => {
    stop();
    if (panes) void follow(panes);
  }, { immediate: true });
  onScopeDispose(() => {
    stop();
    clearTimeout(timer);
  });
}
