import { draftStore as storeIn, dropDrafts, type DraftStore } from "@/grid/model";

/** Where this tab keeps a table's draft over a reload: `sessionStorage`, for two tabs have two drafts. What another
 *  session has left is dropped. */
export function draftStore(sessionId: string, tableId: string, storage: Storage = sessionStorage): DraftStore {
  dropDrafts(storage, sessionId);
  return storeIn(storage, sessionId, tableId);
}
