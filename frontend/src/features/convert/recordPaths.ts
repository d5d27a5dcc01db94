import { defineStore } from "pinia";
import { ref, watch } from "vue";
import { useSession } from "@/session/store";

const KEY = "ret.recordPaths";

/** Record paths by collection and document. */
export type Chosen = Record<string, Record<string, string>>;

/** What was kept for a session: nothing of another one's. */
export function keptFor(session: string, kept: string | null): Chosen {
  try {
    const { session: whose, chosen } = JSON.parse(kept ?? "") as { session: string; chosen: Chosen };
    return whose === session ? chosen : {};
  } catch {
    return {};
  }
}

/** A choice changed; an empty path is "automatic". */
export function changed(chosen: Chosen, collectionId: string, documentId: string, path: string): Chosen {
  const others = Object.entries(chosen[collectionId] ?? {}).filter(([id]) => id !== documentId);
  return { ...chosen, [collectionId]: Object.fromEntries(path ? [...others, [documentId, path]] : others) };
}

/** The record paths chosen in this tab: they hold for every further conversion, over a reload, until the session ends. */
export const useRecordPaths = defineStore("recordPaths", () => {
  const who = useSession();
  const chosen = ref<Chosen>({});

  watch(
    () => who.sessionId,
    (session) => {
      chosen.value = session ? keptFor(session, sessionStorage.getItem(KEY)) : {};
      if (Object.keys(chosen.value).length === 0) sessionStorage.removeItem(KEY);
    },
    { immediate: true },
  );

  function choose(collectionId: string, documentId: string, path: string): void {
    chosen.value = changed(chosen.value, collectionId, documentId, path);
    sessionStorage.setItem(KEY, JSON.stringify({ session: who.sessionId, chosen: chosen.value }));
  }

  const of = (collectionId: string): Record<string, string> => chosen.value[collectionId] ?? {};

  return { choose, of };
});
