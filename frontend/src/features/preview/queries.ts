import { useQuery } from "@tanstack/vue-query";
import type { Ref } from "vue";
import { api, ask } from "@/api/client";
import type { Document } from "@/api/types";

/** A table's figures and all its columns. */
export function useHead(id: Ref<string>) {
  return useQuery({
    queryKey: ["tables", id, "head"],
    queryFn: () => ask(api.GET("/api/v1/tables/{table_id}", { params: { path: { table_id: id.value }, query: { limit: 1 } } })),
    // What changes in a table is told by its pages; whether it is there is asked whenever the page is looked at again.
    staleTime: 0,
  });
}

const PAGE = 1000;

/** The documents of a group around one of them, by the order of the list; only those that have a table. */
export function useNeighbours(document: Ref<Document | undefined>, collectionId: Ref<string>) {
  return useQuery({
    queryKey: ["documents", collectionId, "neighbours", () => document.value?.group, () => document.value?.id],
    queryFn: async () => {
      const { id = "", group = "" } = document.value ?? {};
      return around(id, (offset) => page(collectionId.value, group, offset));
    },
    enabled: () => document.value !== undefined,
  });
}

type Page<T> = { items: readonly T[]; total: number };

async function page(collectionId: string, group: string, offset: number): Promise<Page<Document>> {
  const query = { group, offset, limit: PAGE, status: "converted" as const };
  return ask(api.GET("/api/v1/collections/{collection_id}/documents", { params: { path: { collection_id: collectionId }, query } }));
}

export type Neighbours<T> = { before: T | null; after: T | null; index: number; total: number };

/** Looks through a list, page by page, for an entry and those beside it; index -1 when it is not in the list. */
export async function around<T extends { id: string }>(id: string, read: (offset: number) => Promise<Page<T>>): Promise<Neighbours<T>> {
  let before: T | null = null;
  for (let offset = 0, total = 1; offset < total; ) {
    const { items, total: all } = await read(offset);
    const at = items.findIndex((one) => one.id === id);
    if (at >= 0) {
      const after = items[at + 1] ?? (offset + at + 1 < all ? (await read(offset + items.length)).items[0] : undefined);
      return { before: items[at - 1] ?? before, after: after ?? null, index: offset + at, total: all };
    }
    if (items.length === 0) break;
    before = items.at(-1) ?? null;
    offset += items.length;
    total = all;
  }
  return { before: null, after: null, index: -1, total: 0 };
}

/** The table that opening a document opens. */
export const mainTable = (document: Document): string | undefined => (document.tables.find(({ role }) => role === "main") ?? document.tables[0])?.id;
