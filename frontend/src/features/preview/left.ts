import { defineStore } from "pinia";
import { shallowRef } from "vue";

/** Changes of a table that were not saved when its session ended: text of a spreadsheet, kept on the page only. */
export type Left = { table: string; changes: number; text: string };

export const useLeft = defineStore("left", () => {
  const left = shallowRef<Left | null>(null);
  return { left };
});
