import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export const STATUSES = ["mismatch", "only_in_a", "only_in_b", "failed", "identical"] as const;
/** The class of a pair of documents. */
export type Status = (typeof STATUSES)[number];
/** The same, or not known yet. */
export type PairStatus = Schemas["Pair"]["status"];

export type SideName = "a" | "b";
export type SideChoice = Schemas["SideChoice"];
export type Version = NonNullable<SideChoice["version"]>;
export type Side = Schemas["ComparedSide"];
export type Counts = Pick<Schemas["Tally"], "rows_added" | "rows_removed" | "rows_changed" | "rows_moved" | "cells_changed" | "cells_format_only">;
export type Tally = Schemas["Tally"];
export type Options = Schemas["UsedOptions"];
export type Recipe = Schemas["Recipe"];
export type Comparison = Schemas["Comparison"];
export type KeyCandidate = Schemas["KeyCandidate"];
export type TablePair = Schemas["TablePair"];
export type Pair = Schemas["Pair"];
export type TreeNode = Schemas["MergedNode"];
export type Value = string | null;
export type Pattern = Schemas["Pattern"];
export type Finding = Schemas["Finding"];
/** A row, or some columns of it, by its numbers in the two tables. */
export type Change = Schemas["RowChoice"];

export type Listed<T> = { items: T[]; total: number };
