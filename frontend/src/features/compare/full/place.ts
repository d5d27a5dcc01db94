import { nextTick, onMounted, onScopeDispose, shallowRef } from "vue";
import type { CellPlace } from "../links";
import type { Panes } from "../panes/model";
import type { ComparedRow, PaneColumn, Sought } from "../panes/types";
import type { useQueryState } from "../view";

const SETTLED_MS = 300;

/** A row's number as somebody types it, with or without separators; null: it is none. */
export function rowNumber(text: string): number | null {
  const number = Number(text.replace(/[\s,.']/g, ""));
  return text.trim() !== "" && Number.isSafeInteger(number) && number >= 1 ? number : null;
}

/** What the address asks for; without a row, the first one is meant. */
export type Asked = Pick<CellPlace, "side" | "column"> & { row: number | null };

export function askedOf(read: (name: string) => string): Asked {
  return { side: read("side") === "b" ? "b" : "a", row: rowNumber(read("row")), column: read("column") };
}

export const soughtOf = ({ side, row }: Asked): Sought | null => (row === null ? null : side === "b" ? { b_row: row } : { a_row: row });

/** What the address says of a place: the row by its number in A, or in B where it is only there. */
export function saidOf(row: ComparedRow, column: PaneColumn): Record<"row" | "side" | "column", string> {
  const inA = row.a_row !== null;
  return { row: String(inA ? row.a_row : row.b_row), side: inA ? "" : "b", column: column.name };
}

/** Goes to the cell that the address names, and keeps the address where one is. `missing`: there is no such row. `arrived`: it was gone there. */
export function useFullPlace(panes: Panes, state: ReturnType<typeof useQueryState>) {
  const asked = askedOf(state.read);
  const missing = shallowRef<Asked | null>(null);
  const arrived = shallowRef(false);
  let timer: ReturnType<typeof setTimeout> | undefined;

  function write(): void {
    const { activeRow: row, activeColumn: column } = panes;
    if (row && column) state.set(saidOf(row, column));
  }
  async function go(): Promise<void> {
    await nextTick();
    const sought = soughtOf(asked);
    if (sought && (await panes.seek(sought, asked.column || null))) return;
    if (sought) missing.value = asked;
    await panes.loaded();
    panes.goTo(0, Math.max(0, panes.index(asked.column)));
  }
  const stop = panes.subscribe((topic) => {
    if (topic !== "active") return;
    clearTimeout(timer);
    timer = setTimeout(write, SETTLED_MS);
  });
  onMounted(() => {
    // That nothing can be read is said by the panes.
    go().catch(() => undefined).finally(() => (arrived.value = true));
  });
  onScopeDispose(() => {
    stop();
    clearTimeout(timer);
  });
  return { asked, missing, arrived };
}
