import { computed } from "vue";
import { useRoute, useRouter, type LocationQueryValue } from "vue-router";
import type { Document } from "@/api/types";
import { choiceFromQuery, choiceToQuery, type Choice } from "./choice";
import { FORMATS, type Format } from "./download";
import { LAYOUTS, type Layout } from "./layouts";

export const STATUSES = ["found", "converting", "converted", "failed"] as const;

const one = (value: LocationQueryValue | LocationQueryValue[] | undefined): string | undefined =>
  (Array.isArray(value) ? value[0] : value) ?? undefined;

/** What is looked at, kept in the address: every state of the screen is a link. */
export function useView() {
  const route = useRoute();
  const router = useRouter();

  function set(change: Record<string, string | undefined>): void {
    void router.replace({ query: { ...route.query, ...change } });
  }

  const choice = computed<Choice>({
    get: () => choiceFromQuery(one(route.query["groups"])),
    set: (value) => {
      set({ groups: choiceToQuery(value) });
    },
  });
  const search = computed<string>({
    get: () => one(route.query["q"]) ?? "",
    set: (value) => {
      set({ q: value || undefined });
    },
  });
  const status = computed<Document["status"] | "">({
    get: () => STATUSES.find((known) => known === one(route.query["status"])) ?? "",
    set: (value) => {
      set({ status: value || undefined });
    },
  });
  const format = computed<Format>({
    get: () => FORMATS.find((known) => known === one(route.query["format"])) ?? "xlsx",
    set: (value) => {
      set({ format: value === "xlsx" ? undefined : value });
    },
  });
  /** The layout of the next conversion. */
  const layout = computed<Layout>({
    get: () => LAYOUTS.find((known) => known === one(route.query["layout"])) ?? "auto",
    set: (value) => {
      set({ layout: value === "auto" ? undefined : value });
    },
  });
  /** The document whose details are open; empty: none. */
  const document = computed<string>({
    get: () => one(route.query["document"]) ?? "",
    set: (value) => {
      set({ document: value || undefined });
    },
  });
  return { choice, search, status, format, layout, document };
}
