import { computed, toValue, type MaybeRefOrGetter, type WritableComputedRef } from "vue";
import { useRoute, useRouter, type LocationQueryRaw } from "vue-router";
import { STATUSES, type PairStatus } from "./types";

/** What is looked at, kept in the address: every state of a screen is a link. */
export function useQueryState() {
  const route = useRoute();
  const router = useRouter();
  const path = route.path;

  const read = (name: string): string => [route.query[name]].flat()[0] ?? "";

  /** What is empty leaves the address. */
  function set(change: Record<string, string>): void {
    if (route.path !== path) return;
    const query: LocationQueryRaw = { ...route.query };
    for (const [name, value] of Object.entries(change)) query[name] = value === "" ? undefined : value;
    void router.replace({ query });
  }

  const text = (name: string): WritableComputedRef<string> => computed({ get: () => read(name), set: (value) => { set({ [name]: value }); } });
  const flag = (name: string): WritableComputedRef<boolean> => computed({ get: () => read(name) === "1", set: (on) => { set({ [name]: on ? "1" : "" }); } });
  /** The first choice is the one that is not written down. */
  const choice = <T extends string>(name: string, choices: MaybeRefOrGetter<readonly [T, ...T[]]>): WritableComputedRef<T> =>
    computed({
      get: () => toValue(choices).find((known) => known === read(name)) ?? toValue(choices)[0],
      set: (value) => { set({ [name]: value === toValue(choices)[0] ? "" : value }); },
    });

  return { read, set, text, flag, choice };
}

export const VIEWS = ["tree", "list", "flow"] as const;
/** What a list may be narrowed to: "" is everything that is not identical. */
export type Shown = PairStatus | "all" | "";

/** The state of a comparison's screen. */
export function useComparisonView() {
  const state = useQueryState();
  const status = computed<Shown>({
    get: () => {
      const given = state.read("status");
      return given === "all" || given === "pending" ? given : (STATUSES.find((known) => known === given) ?? "");
    },
    set: (value) => { state.set({ status: value }); },
  });
  return { view: state.choice("view", VIEWS), status, group: state.text("group"), q: state.text("q"), repair: state.text("repair"), set: state.set };
}
