import { keepPreviousData, useQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { api, ask } from "@/api/client";
import { COLUMNS, listed } from "./window";

/** A table's figures and all its columns. */
export function useHead(id: Ref<string>) {
  return useQuery({
    queryKey: ["tables", id, "head"],
    queryFn: () => ask(api.GET("/api/v1/tables/{table_id}", { params: { path: { table_id: id.value }, query: { limit: 1 } } })),
    staleTime: Infinity,
  });
}

/** Rows from `first` on; `names` null until the columns are known. */
export function useRows(id: Ref<string>, window: Ref<{ first: number; size: number }>, names: Ref<string[] | null>) {
  return useQuery({
    queryKey: ["tables", id, "rows", computed(() => ({ ...window.value, names: names.value }))],
    queryFn: () =>
      ask(
        api.GET("/api/v1/tables/{table_id}", {
          params: {
            path: { table_id: id.value },
            query: { offset: window.value.first - 1, limit: window.value.size, columns: listed(names.value ?? []) },
          },
        }),
      ),
    enabled: () => names.value !== null,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** The columns that are drawn, from `first` on. */
export const drawn = (names: readonly string[], first: number): string[] => names.slice(first - 1, first - 1 + COLUMNS);
