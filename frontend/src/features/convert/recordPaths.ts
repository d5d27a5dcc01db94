import { defineStore } from "pinia";
import { ref } from "vue";

/** The record paths chosen in this tab, by collection and document: they hold for every further conversion. */
export const useRecordPaths = defineStore("recordPaths", () => {
  const chosen = ref<Record<string, Record<string, string>>>({});

  const of = (collectionId: string): Record<string, string> => chosen.value[collectionId] ?? {};

  /** Empty is "automatic". */
  function choose(collectionId: string, documentId: string, path: string): void {
    const others = Object.entries(of(collectionId)).filter(([id]) => id !== documentId);
    chosen.value = { ...chosen.value, [collectionId]: Object.fromEntries(path ? [...others, [documentId, path]] : others) };
  }

  return { choose, of };
});
