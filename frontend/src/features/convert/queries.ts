import { keepPreviousData, queryOptions, useQueries, useQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { api, ask } from "@/api/client";
import type { Document, Group } from "@/api/types";
import { PAGE, pagesFor, placeOf, type Section } from "./sections";

export const collectionsQuery = queryOptions({
  queryKey: ["collections"],
  queryFn: () => ask(api.GET("/api/v1/collections", { params: { query: { limit: 200 } } })),
});

export function useCollection(id: Ref<string>) {
  return useQuery({
    queryKey: ["collections", id],
    queryFn: () => ask(api.GET("/api/v1/collections/{collection_id}", { params: { path: { collection_id: id.value } } })),
    enabled: () => id.value !== "",
    // The end of a scan is told by the websocket; this is for what it grows by meanwhile.
    refetchInterval: (query) => (query.state.data?.status === "scanning" ? 1500 : false),
    placeholderData: keepPreviousData,
  });
}

export type DocumentFilter = { q: string; status: Document["status"] | "" };

function page(id: string, group: string | null, filter: DocumentFilter, number: number) {
  return queryOptions({
    queryKey: ["documents", id, { group, ...filter }, number],
    queryFn: () =>
      ask(
        api.GET("/api/v1/collections/{collection_id}/documents", {
          params: {
            path: { collection_id: id },
            query: {
              offset: number * PAGE,
              limit: PAGE,
              ...(group === null ? {} : { group }),
              ...(filter.q ? { q: filter.q } : {}),
              ...(filter.status ? { status: filter.status } : {}),
            },
          },
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 15_000,
  });
}

export function useDocument(collectionId: Ref<string>, id: Ref<string>) {
  return useQuery({
    queryKey: ["documents", collectionId, "one", id],
    queryFn: () => ask(api.GET("/api/v1/documents/{document_id}", { params: { path: { document_id: id.value } } })),
    enabled: () => id.value !== "",
  });
}

/** How many documents of a collection have failed, whichever conversion it was. */
export function useFailed(collectionId: Ref<string>) {
  return useQuery({
    queryKey: ["documents", collectionId, "failed"],
    queryFn: async () => {
      const params = { path: { collection_id: collectionId.value }, query: { status: "failed" as const, limit: 1 } };
      return (await ask(api.GET("/api/v1/collections/{collection_id}/documents", { params }))).total;
    },
  });
}

/** How a document was cut into records; asked only of one that is `converted`. */
export function useShape(collectionId: Ref<string>, id: Ref<string>, converted: Ref<boolean>) {
  return useQuery({
    queryKey: ["documents", collectionId, "shape", id],
    queryFn: () => ask(api.GET("/api/v1/documents/{document_id}/shape", { params: { path: { document_id: id.value } } })),
    enabled: () => id.value !== "" && converted.value,
  });
}

/** The documents of the chosen groups, as rows that are fetched when they come into view.
 *  `groups` null: all of them, as one list. */
export function useDocuments(
  id: Ref<string>,
  groups: Ref<readonly Group[] | null>,
  filter: Ref<DocumentFilter>,
  view: Ref<{ from: number; to: number }>,
) {
  const names = computed(() => groups.value?.map((group) => group.name) ?? [null]);
  // How long each section is, only its first page knows: a filter leaves an unknown part of a group.
  const firsts = useQueries({
    queries: computed(() => names.value.map((name) => page(id.value, name, filter.value, 0))),
  });
  const sections = computed<Section[]>(() =>
    names.value.map((group, i) => ({ group, total: firsts.value[i]?.data?.total ?? 0 })),
  );
  const wanted = computed(() => pagesFor(sections.value, view.value.from, view.value.to).filter(({ page: n }) => n > 0));
  const further = useQueries({
    queries: computed(() =>
      wanted.value.map(({ section, page: n }) => page(id.value, sections.value[section]?.group ?? null, filter.value, n)),
    ),
  });

  /** The row's document; undefined while its page is on the way. */
  function at(index: number): Document | undefined {
    const place = placeOf(sections.value, index);
    if (!place) return undefined;
    if (place.page === 0) return firsts.value[place.section]?.data?.items[place.offset];
    const i = wanted.value.findIndex(({ section, page: n }) => section === place.section && n === place.page);
    return further.value[i]?.data?.items[place.offset];
  }

  return {
    at,
    total: computed(() => sections.value.reduce((sum, { total }) => sum + total, 0)),
    busy: computed(() => firsts.value.some((first) => first.isPending)),
    error: computed(() => [...firsts.value, ...further.value].find((query) => query.error)?.error ?? null),
    refetch: () => Promise.all(firsts.value.map((first) => first.refetch())),
  };
}
