import { defineStore } from "pinia";
import { computed, ref, watchEffect } from "vue";

export const THEMES = ["light", "dark", "system"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "ret.theme";

const isTheme = (value: string | null): value is Theme => THEMES.includes(value as Theme);

export const useTheme = defineStore("theme", () => {
  const stored = localStorage.getItem(KEY);
  const theme = ref<Theme>(isTheme(stored) ? stored : "system");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const systemDark = ref(system.matches);
  system.addEventListener("change", (event) => (systemDark.value = event.matches));

  const dark = computed(() => theme.value === "dark" || (theme.value === "system" && systemDark.value));
  watchEffect(() => {
    document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
  });

  /** Kept in this browser. A logout clears the browser's storage, so it is written again afterwards. */
  function keep(): void {
    localStorage.setItem(KEY, theme.value);
  }

  // The answer that clears may come after the end was heard, and after it was written again.
  addEventListener("pagehide", () => {
    if (localStorage.getItem(KEY) === null) keep();
  });

  function choose(next: Theme): void {
    theme.value = next;
    keep();
  }

  return { theme, dark, choose, keep };
});
