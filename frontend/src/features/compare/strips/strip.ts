import { useQuery } from "@tanstack/vue-query";
import type { Ref } from "vue";
import { ofPair } from "../calls";
import type { PaneColumn } from "../panes/types";

/** A view at a glance: how many rows of each kind lie in each of some equal stretches of it. */
export type Strip = {
  readonly total: number;
  readonly added: readonly number[];
  readonly removed: readonly number[];
  readonly changed: readonly number[];
  readonly moved: readonly number[];
  /** All columns of both tables in their order. */
  readonly columns: readonly PaneColumn[];
};

/** More of them than pixels would say nothing. */
export const STRETCHES = 400;

export type StripView = { pair: string; table: string; view: "changed" | "full"; moves: boolean };

export function useStrip(comparison: Ref<string>, of: Ref<StripView>, ready: Ref<boolean>) {
  return useQuery({
    queryKey: ["comparisons", comparison, "strip", of],
    queryFn: async ({ signal }) => {
      const { pair, ...view } = of.value;
      return ofPair<Strip>(comparison.value, pair, "strip", { ...view, stretches: STRETCHES }, signal);
    },
    enabled: () => ready.value,
  });
}
