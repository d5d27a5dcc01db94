import { useQueryClient } from "@tanstack/vue-query";
import { api, ask } from "@/api/client";
import type { Collection, Document, Grouping } from "@/api/types";
import { useJobs } from "@/live/jobs";
import type { Layout } from "./layouts";
import { useRecordPaths } from "./recordPaths";

const MOST = 1000;

/** What can be done to a collection. Each throws its problem; the caller says it where it belongs. */
export function useCommands() {
  const queries = useQueryClient();
  const jobs = useJobs();
  const recordPaths = useRecordPaths();

  async function changed(id: string, collection?: Collection): Promise<void> {
    if (collection) queries.setQueryData(["collections", id], collection);
    await Promise.all([
      queries.invalidateQueries({ queryKey: ["collections"] }),
      queries.invalidateQueries({ queryKey: ["documents", id] }),
    ]);
  }

  async function update(id: string, body: { name?: string; grouping?: Grouping }): Promise<void> {
    await changed(id, await ask(api.PATCH("/api/v1/collections/{collection_id}", { params: { path: { collection_id: id } }, body })));
  }

  async function remove(id: string): Promise<void> {
    await ask(api.DELETE("/api/v1/collections/{collection_id}", { params: { path: { collection_id: id } } }));
    queries.removeQueries({ queryKey: ["collections", id] });
    queries.removeQueries({ queryKey: ["documents", id] });
    await queries.invalidateQueries({ queryKey: ["collections"] });
  }

  /** Renames groups, or merges them where the name is taken: one, or several into one. */
  async function renameGroups(id: string, from: readonly string[], to: string): Promise<void> {
    for (const name of from.filter((given) => given !== to)) {
      await ask(
        api.PATCH("/api/v1/collections/{collection_id}/groups/{name}", { params: { path: { collection_id: id, name } }, body: { name: to } }),
      );
    }
    await changed(id);
  }

  async function move(id: string, documentId: string, group: string): Promise<void> {
    await ask(api.PATCH("/api/v1/documents/{document_id}", { params: { path: { document_id: documentId } }, body: { group } }));
    await changed(id);
  }

  async function convert(id: string, scope: { groups?: string[]; documents?: string[] }, layout: Layout): Promise<void> {
    const body = { ...scope, layout, discard_edits: false, record_paths: recordPaths.of(id) };
    const { job } = await ask(api.POST("/api/v1/collections/{collection_id}/conversions", { params: { path: { collection_id: id } }, body }));
    jobs.own(job, id);
    await changed(id);
  }

  async function failedIds(id: string): Promise<string[]> {
    const ids: string[] = [];
    for (let offset = 0, total = 1; offset < total; offset += MOST) {
      const listed = await ask(
        api.GET("/api/v1/collections/{collection_id}/documents", {
          params: { path: { collection_id: id }, query: { status: "failed", offset, limit: MOST } },
        }),
      );
      total = listed.total;
      ids.push(...listed.items.map((document: Document) => document.id));
    }
    return ids;
  }

  async function retryFailed(id: string, layout: Layout): Promise<void> {
    const documents = await failedIds(id);
    if (documents.length > 0) await convert(id, { documents }, layout);
  }

  return { update, remove, renameGroups, move, convert, retryFailed };
}
