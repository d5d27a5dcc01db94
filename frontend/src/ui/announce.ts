import { defineStore } from "pinia";
import { ref } from "vue";

export type Toast = { id: number; text: string };

const STAY_MS = 4000;

/** What has been done, said once: on screen for a moment, and in the page's one polite live region.
 *  It only confirms; what went wrong is said where it belongs. */
export const useAnnounce = defineStore("announce", () => {
  const spoken = ref("");
  const toasts = ref<Toast[]>([]);
  let next = 0;

  function say(text: string): void {
    // The same words twice are only read again when the region has changed in between.
    spoken.value = spoken.value === text ? `${text}\u00a0` : text;
  }

  function confirm(text: string): void {
    const toast = { id: next++, text };
    toasts.value = [...toasts.value.slice(-2), toast];
    say(text);
    setTimeout(() => {
      toasts.value = toasts.value.filter((shown) => shown.id !== toast.id);
    }, STAY_MS);
  }

  return { spoken, toasts, say, confirm };
});
