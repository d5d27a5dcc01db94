import type { DraftStore } from "@/grid/model";

const PREFIX = "ret.draft.";

/** Where this tab keeps a table's draft over a reload: `sessionStorage`, for two tabs have two drafts. What another
 *  session has left is dropped. */
export function draftStore(sessionId: string, tableId: string, storage: Storage = sessionStorage): DraftStore {
  const mine = `${PREFIX}${sessionId}.`;
  for (const key of Object.keys(storage)) if (key.startsWith(PREFIX) && !key.startsWith(mine)) storage.removeItem(key);
  const key = mine + tableId;
  return {
    read: () => storage.getItem(key),
    write: (text) => {
      try {
        storage.setItem(key, text);
        return true;
      } catch {
        return false;
      }
    },
    drop: () => {
      storage.removeItem(key);
    },
  };
}
