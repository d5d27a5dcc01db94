import { onScopeDispose } from "vue";
import { useRoute, useRouter, type LocationQueryRaw } from "vue-router";
import { filterText, sortText, viewFrom, type View } from "@/grid/model";
import type { Desk } from "./desk";

const SETTLED_MS = 300;
/** Where one is in a table, as the address says it: row, column, order, filter. A link opens the same place. */
export function usePlace() {
  const route = useRoute();
  const router = useRouter();
  const path = route.path;
  const asked = (name: string): string => [route.query[name]].flat()[0] ?? "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => {
    clearTimeout(timer);
  });

  const view = (): View => viewFrom(asked("sort"), asked("filter"));

  function follow({ grid }: Desk): void {
    const row = Number(asked("row"));
    const column = asked("column");
    // Before, a column was named by its number.
    const named = grid.columns.index(column) >= 0 ? column : (grid.columns.all[Number(column) - 1]?.name ?? undefined);
    grid.select(0, 0);
    if (row >= 1 || named !== undefined) void grid.goTo(Math.max(1, row || 1), named);
    const stop = grid.subscribe(({ topics }) => {
      if (!topics.has("selection") && !topics.has("view")) return;
      clearTimeout(timer);
      timer = setTimeout(write, SETTLED_MS);
    });
    onScopeDispose(stop);

    function write(): void {
      if (route.path !== path) return;
      const { sort, filter } = grid.view;
      const at = grid.active;
      const first = at?.line === 0 && at.at === 0;
      const query: LocationQueryRaw = {
        ...route.query,
        row: at?.row && at.row > 0 && !first ? String(at.row) : undefined,
        column: at && !first ? at.column : undefined,
        sort: sortText(sort),
        filter: filterText(filter),
      };
      void router.replace({ query });
    }
  }

  return { view, follow };
}
