import type { Draft } from "./draft";
import type { Choice, Conflict, Row, ServerConflict } from "./types";

const keyOf = (row: Row, column: string | null): string => `${row}/${column ?? ""}`;

/**
 * What is left to choose of what the server reports, the draft being rebased onto `version` for everything else. No
 * choice is due where both did the same, nor where what they wrote is what was seen when it was typed over.
 */
export function conflictsOf(draft: Draft, reported: readonly ServerConflict[], version: number): Conflict[] {
  const found = new Map<string, Conflict>();
  for (const one of reported) {
    const conflict = one.column === null || one.deleted ? ofRow(draft, one) : ofCell(draft, one, version);
    for (const each of conflict) found.set(keyOf(each.row, each.column), each);
  }
  return [...found.values()];
}

function ofCell(draft: Draft, one: ServerConflict, version: number): Conflict[] {
  const { row, column, theirs } = one;
  const entry = column === null ? undefined : draft.entry(row, column);
  if (!entry || column === null) return [];
  if (entry.value === theirs) {
    draft.drop(row, column);
    return [];
  }
  if (entry.base === theirs) {
    entry.version = version;
    return [];
  }
  return [{ row, column, base: entry.base, theirs, mine: entry.value, deletedBy: null, anchor: false, choices: ["mine", "theirs"], choice: null }];
}

function ofRow(draft: Draft, one: ServerConflict): Conflict[] {
  const { row } = one;
  const general = { row, base: null, theirs: null, mine: null, choice: null };
  const found: Conflict[] = [];
  if (one.deleted) {
    // Deleted by both: there is nothing left to do.
    if (draft.deletes.delete(row)) draft.cells.delete(row);
    for (const [column, { base, value }] of draft.cells.get(row) ?? []) {
      found.push({ ...general, column, base, mine: value, deletedBy: "theirs", anchor: false, choices: ["theirs"] });
    }
    if (aliveBehind(draft, row).length > 0) found.push({ ...general, column: null, deletedBy: "theirs", anchor: true, choices: ["mine", "theirs"] });
  } else if (draft.deletes.has(row)) {
    found.push({ ...general, column: null, deletedBy: "mine", anchor: false, choices: ["mine", "theirs"] });
  }
  return found;
}

export const aliveBehind = (draft: Draft, root: Row): Row[] => (draft.behind.get(root) ?? []).filter((row) => draft.inserts.get(row)?.alive);

/** Everything that was compared with `version` and is in no conflict is based on it from now on. */
export function rebase(draft: Draft, version: number, conflicts: readonly Conflict[], stamp: number): void {
  const open = new Set(conflicts.map(({ row, column }) => keyOf(row, column)));
  const move = (entry: { version: number; stamp: number }) => {
    if (entry.stamp <= stamp) entry.version = Math.max(entry.version, version);
  };
  for (const [row, entries] of draft.cells) {
    for (const [column, entry] of entries) if (!open.has(keyOf(row, column))) move(entry);
  }
  for (const [row, entry] of draft.deletes) if (!open.has(keyOf(row, null))) move(entry);
  for (const entry of draft.inserts.values()) if (entry.root === null || !open.has(keyOf(entry.root, null))) move(entry);
}

export function choose(conflicts: readonly Conflict[], choice: Choice, which?: { row: Row; column: string | null }): Conflict[] {
  return conflicts.map((conflict) => {
    const meant = !which || (conflict.row === which.row && conflict.column === which.column);
    return meant && conflict.choices.includes(choice) ? { ...conflict, choice } : conflict;
  });
}

/** Does what was chosen. `anchor` gives the row behind which rows go whose own is gone. */
export function settleChoices(draft: Draft, conflicts: readonly Conflict[], version: number, anchor: (gone: Row) => Row | null): void {
  for (const { row, column, choice, theirs, anchor: isAnchor } of conflicts) {
    if (isAnchor) settleAnchor(draft, row, choice === "mine" ? anchor(row) : undefined, version);
    else if (column === null) settleDeletion(draft, row, choice, version);
    else if (choice === "theirs") draft.drop(row, column);
    else {
      const entry = draft.entry(row, column);
      if (entry) Object.assign(entry, { base: theirs, version });
    }
  }
}

function settleDeletion(draft: Draft, row: Row, choice: Choice | null, version: number): void {
  const entry = draft.deletes.get(row);
  if (choice === "theirs") draft.deletes.delete(row);
  else if (entry) entry.version = version;
}

/** Rows behind one that is gone go behind another, or are given up (undefined). */
function settleAnchor(draft: Draft, gone: Row, to: Row | null | undefined, version: number): void {
  const rows = draft.behind.get(gone) ?? [];
  draft.behind.delete(gone);
  for (const row of rows) {
    const insert = draft.inserts.get(row);
    if (!insert) continue;
    if (to === undefined) insert.alive = false;
    else Object.assign(insert, { root: to, version });
  }
  const root = to ?? null;
  draft.behind.set(root, [...rows, ...(draft.behind.get(root) ?? [])]);
}
