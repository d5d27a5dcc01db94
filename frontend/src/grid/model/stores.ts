import type { DraftStore } from "./types";

/** What of a browser's storage is used; `sessionStorage` is one tab's, so that two tabs keep two drafts. */
export type TextStorage = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;
const PREFIX = "ret.draft.";

/** One table's place in a storage. Whoever logs in later in the same tab cannot come to it. */
export function draftStore(storage: TextStorage, session: string, table: string): DraftStore {
  const key = `${PREFIX}${session}.${table}`;
  return {
    read: () => storage.getItem(key),
    write(text) {
      try {
        storage.setItem(key, text);
        return true;
      } catch {
        // No room: an older draft in its place would be taken for this one.
        storage.removeItem(key);
        return false;
      }
    },
    drop: () => storage.removeItem(key),
  };
}

/** Drops every draft, at logout or when the session has ended; with `except`, those of other sessions only. */
export function dropDrafts(storage: TextStorage, except?: string): void {
  const keys = Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? "");
  for (const key of keys) {
    if (key.startsWith(PREFIX) && !(except !== undefined && key.startsWith(`${PREFIX}${except}.`))) storage.removeItem(key);
  }
}
