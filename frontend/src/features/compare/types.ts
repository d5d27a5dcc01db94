/** What the comparison routes say, in the words of the REST contract. */
export const STATUSES = ["mismatch", "only_in_a", "only_in_b", "failed", "identical"] as const;
/** The class of a pair of documents. */
export type Status = (typeof STATUSES)[number];
/** The same, or not known yet. */
export type PairStatus = Status | "pending";

export type SideName = "a" | "b";
export type Version = "edited" | "original";
export type SideChoice = { collection_id?: string | null; document_id?: string | null; version?: Version };
export type Side = SideChoice & { name: string; gone: boolean; sha256?: string | null };

export type Counts = {
  rows_added: number;
  rows_removed: number;
  rows_changed: number;
  rows_moved: number;
  cells_changed: number;
  cells_format_only: number;
};
export type Tally = Counts & { only_in_a: number; only_in_b: number; mismatch: number; identical: number; failed: number; pending: number };
export type Summary = Tally & { groups: Record<string, Tally> };

export type Options = {
  keys: string[];
  ignore_columns: string[];
  ignore_case: boolean;
  ignore_space: boolean;
  numeric_tolerance: number;
};
export type Recipe = { name: string; options: Options };
export type Note = { code: string; detail: string };

export type Comparison = {
  id: string;
  status: "queued" | "running" | "ready" | "failed" | "cancelled";
  a: Side;
  b: Side;
  groups: string[];
  options: Options;
  summary: Summary;
  job_id: string;
  created_at: string | null;
  notes: Note[];
};

export type Rename = { from: string; to: string };
export type KeyCandidate = { columns: string[]; confidence: number };

export type TablePair = Counts & {
  name: string;
  status: PairStatus;
  a_table_id: string | null;
  b_table_id: string | null;
  a_rows: number;
  b_rows: number;
  key_columns: string[];
  key_confidence: number;
  key_given: boolean;
  runner_ups: KeyCandidate[];
  columns_added: string[];
  columns_removed: string[];
  columns_renamed: Rename[];
  notes: Note[];
  changed_rows: number;
  full_rows: number;
};

export type Match = "path" | "content" | "name" | "manual";

export type Pair = Counts & {
  id: string;
  status: PairStatus;
  group: string;
  a_path: string | null;
  b_path: string | null;
  a_document_ids: string[];
  b_document_ids: string[];
  match: Match | null;
  confidence: number;
  runner_up: string | null;
  runner_up_confidence: number;
  key_columns: string[];
  columns_added: string[];
  columns_removed: string[];
  columns_renamed: Rename[];
  tables: TablePair[];
  notes: Note[];
  failure: Note | null;
  reviewed: boolean;
  note: string;
  options: Options | null;
};

export type TreeNode = {
  name: string;
  path: string;
  type: "zip" | "folder" | "document";
  status: PairStatus;
  pair_id?: string | null;
  summary: Tally;
  children?: TreeNode[];
};

export type Value = string | null;
export type Pattern = { table: string; column: string; old: Value; new: Value; count: number; format_only: boolean; pairs: number };
export type FindingPlace = { pair_id: string; table: string; column: string; cells: number };
export type Finding = { code: string; detail: string; cells: number; values: number; places: FindingPlace[]; examples: Pattern[] };

/** A row, or some columns of it, by its numbers in the two tables. */
export type Change = { table?: string; a_row?: number; b_row?: number; columns?: string[] };

export type Listed<T> = { items: T[]; total: number };
