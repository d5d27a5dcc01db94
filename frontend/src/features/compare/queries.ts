import { keepPreviousData, useQueries, useQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { lengthOf, PAGE, pagesFor, placeOf, type Section } from "@/features/convert/sections";
import { around } from "@/features/preview/queries";
import { calls } from "./calls";
import type { Comparison, Pair, PairStatus } from "./types";
import type { Shown } from "./view";

/** How often a running comparison is asked for what it has found. */
const FOLLOW_MS = 1200;

export const isRunning = (comparison: Pick<Comparison, "status"> | undefined): boolean => comparison?.status === "queued" || comparison?.status === "running";

export function useComparisons() {
  return useQuery({
    queryKey: ["comparisons"],
    queryFn: calls.list,
    refetchInterval: (query) => (query.state.data?.items.some(isRunning) ? FOLLOW_MS : false),
  });
}

export function useComparison(id: Ref<string>) {
  return useQuery({
    queryKey: ["comparisons", id],
    queryFn: async () => calls.one(id.value),
    refetchInterval: (query) => (isRunning(query.state.data) ? FOLLOW_MS : false),
  });
}

/** Everything below is asked again as long as the comparison runs: `running` says whether it does. */
export function useTree(id: Ref<string>, running: Ref<boolean>) {
  return useQuery({
    queryKey: ["comparisons", id, "tree"],
    queryFn: async () => calls.tree(id.value),
    refetchInterval: () => (running.value ? FOLLOW_MS * 2 : false),
    structuralSharing: false,
  });
}

export function usePair(id: Ref<string>, pair: Ref<string>) {
  return useQuery({
    queryKey: ["comparisons", id, "pair", pair],
    queryFn: async () => calls.pair(id.value, pair.value),
    enabled: () => pair.value !== "",
    refetchInterval: (query) => (query.state.data?.status === "pending" ? FOLLOW_MS : false),
  });
}

export function useFindings(id: Ref<string>, ready: Ref<boolean>) {
  return useQuery({ queryKey: ["comparisons", id, "findings"], queryFn: async () => calls.findings(id.value), enabled: () => ready.value });
}

const MOST = 1000;

/** The ids of the pairs of a group: the tree does not know groups. Undefined: not known yet, or no group is chosen. */
export function useGroupMembers(id: Ref<string>, group: Ref<string>) {
  const query = useQuery({
    queryKey: ["comparisons", id, "members", group],
    queryFn: async () => {
      const ids: string[] = [];
      for (let offset = 0, total = 1; offset < total; offset += MOST) {
        const page = await calls.pairs(id.value, { group: group.value, offset, limit: MOST });
        total = page.total;
        ids.push(...page.items.map((pair) => pair.id));
      }
      return ids;
    },
    enabled: () => group.value !== "",
  });
  return computed(() => (group.value !== "" && query.data.value ? new Set(query.data.value) : undefined));
}

/** The pair before and the one behind, among those of the same status. */
export function usePairNeighbours(id: Ref<string>, pair: Ref<Pair | undefined>) {
  return useQuery({
    queryKey: ["comparisons", id, "neighbours", () => pair.value?.status, () => pair.value?.id],
    queryFn: async () => around(pair.value?.id ?? "", async (offset) => calls.pairs(id.value, { status: pair.value?.status ?? "", offset, limit: MOST })),
    enabled: () => pair.value !== undefined,
  });
}

/** `pair` null: of the whole comparison. */
export function usePatterns(id: Ref<string>, pair: Ref<string | null>, table: Ref<string>, limit: Ref<number>, ready: Ref<boolean>) {
  return useQuery({
    queryKey: ["comparisons", id, "patterns", pair, table, limit],
    queryFn: async () => calls.patterns(id.value, pair.value, { table: table.value, limit: limit.value }),
    enabled: () => ready.value,
    placeholderData: keepPreviousData,
  });
}

export function useRecipes() {
  return useQuery({ queryKey: ["comparison-recipes"], queryFn: calls.recipes });
}

export type Filter = { group: string; status: Shown; q: string };

/** The statuses that a list goes through, one after the other: "" in the answer asks for all of them at once. */
export function statusesOf(shown: Shown, running: boolean): (PairStatus | "")[] {
  if (shown === "all") return [""];
  if (shown !== "") return [shown];
  const open: PairStatus[] = ["mismatch", "only_in_a", "only_in_b", "failed"];
  return running ? [...open, "pending"] : open;
}

/** The pairs that a filter leaves, as rows that are fetched when they come into view. */
export function usePairs(id: Ref<string>, filter: Ref<Filter>, view: Ref<{ from: number; to: number }>, running: Ref<boolean>) {
  const statuses = computed(() => statusesOf(filter.value.status, running.value));
  const page = (status: string, number: number) => ({
    queryKey: ["comparisons", id.value, "pairs", filter.value.group, filter.value.q, status, number],
    queryFn: async () => calls.pairs(id.value, { group: filter.value.group, q: filter.value.q, status, offset: number * PAGE, limit: PAGE }),
    placeholderData: keepPreviousData,
    refetchInterval: () => (running.value ? FOLLOW_MS * 2 : false) as number | false,
  });
  // How long each section is, only its first page knows.
  const firsts = useQueries({ queries: computed(() => statuses.value.map((status) => page(status, 0))) });
  const sections = computed<Section[]>(() => statuses.value.map((group, at) => ({ group, total: firsts.value[at]?.data?.total ?? 0 })));
  const wanted = computed(() => pagesFor(sections.value, view.value.from, view.value.to).filter(({ page: n }) => n > 0));
  const further = useQueries({ queries: computed(() => wanted.value.map(({ section, page: n }) => page(statuses.value[section] ?? "", n))) });

  /** The row's pair; undefined while its page is on the way. */
  function at(index: number): Pair | undefined {
    const place = placeOf(sections.value, index);
    if (!place) return undefined;
    if (place.page === 0) return firsts.value[place.section]?.data?.items[place.offset];
    const found = wanted.value.findIndex(({ section, page: n }) => section === place.section && n === place.page);
    return further.value[found]?.data?.items[place.offset];
  }

  return {
    at,
    total: computed(() => lengthOf(sections.value)),
    busy: computed(() => firsts.value.some((first) => first.isPending)),
    error: computed(() => [...firsts.value, ...further.value].find((query) => query.error)?.error ?? null),
    refetch: async () => Promise.all(firsts.value.map(async (first) => first.refetch())),
  };
}
