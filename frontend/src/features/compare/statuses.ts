import { CircleCheck, CircleDashed, CircleDot, CircleMinus, CirclePlus, TriangleAlert } from "@lucide/vue";
import type { FunctionalComponent } from "vue";
import type { Pair, PairStatus, Tally } from "./types";

/** Each status has its shape beside its colour. */
export const LOOKS: Record<PairStatus, { icon: FunctionalComponent; colour: string }> = {
  mismatch: { icon: CircleDot, colour: "text-warning" },
  only_in_a: { icon: CircleMinus, colour: "text-was" },
  only_in_b: { icon: CirclePlus, colour: "text-now" },
  failed: { icon: TriangleAlert, colour: "text-danger" },
  identical: { icon: CircleCheck, colour: "text-text-2" },
  pending: { icon: CircleDashed, colour: "text-text-2" },
};

/** Pairs that a tally counts, the identical ones included. */
export const allOf = (tally: Tally): number => tally.only_in_a + tally.only_in_b + tally.mismatch + tally.failed + tally.identical + tally.pending;
/** Those that are not the same on both sides. */
export const differing = (tally: Tally): number => tally.only_in_a + tally.only_in_b + tally.mismatch + tally.failed;

/** What a document is called where one line has to do: as in B, or in A for what is only there. */
export const pathOf = ({ a_path, b_path }: Pick<Pair, "a_path" | "b_path">): string => b_path ?? a_path ?? "";
export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** Whether a pair has tables on both sides that can be looked at side by side. */
export const isComparable = (pair: Pair): boolean => pair.tables.length > 0 && pair.status !== "pending";
