import type { PaneColumn } from "../panes/types";
import { STRETCHES, type Strip } from "./strip";

/** Each kind has a lane of its own across the strip: place says it as well as colour. */
export const LANES = ["removed", "changed", "added", "moved"] as const;
export type Lane = (typeof LANES)[number];

/** A stretch of a strip, as shares of its length, and how much of it is of the kind: 0 to 1. */
export type Mark = { readonly lane: Lane; readonly from: number; readonly to: number; readonly weight: number };

export function rowMarks(strip: Strip): Mark[] {
  return LANES.flatMap((lane) => {
    const counts = strip[lane];
    const rows = Math.max(1, strip.total / Math.max(1, counts.length));
    return counts.flatMap((count, at) =>
      count > 0 ? [{ lane, from: at / counts.length, to: (at + 1) / counts.length, weight: Math.min(1, count / rows) }] : []);
  });
}

/** A column that is only on one side, or one with changed cells; a renamed one stands where moved rows do. */
function laneOf({ status, cells_changed }: PaneColumn): Lane | null {
  if (status === "added" || status === "removed") return status;
  if (status === "renamed") return "moved";
  return status !== "ignored" && (cells_changed ?? 0) > 0 ? "changed" : null;
}

export function columnMarks(columns: readonly PaneColumn[]): Mark[] {
  const bins = Math.min(STRETCHES, columns.length);
  const found = new Map<string, { lane: Lane; bin: number; count: number }>();
  const take = (lane: Lane, bin: number): void => {
    const key = `${lane}-${bin}`;
    const known = found.get(key);
    if (known) known.count += 1;
    else found.set(key, { lane, bin, count: 1 });
  };
  columns.forEach((column, index) => {
    const lane = laneOf(column);
    const bin = Math.floor((index * bins) / columns.length);
    if (lane) take(lane, bin);
    if (lane === "moved" && (column.cells_changed ?? 0) > 0) take("changed", bin);
  });
  const each = columns.length / Math.max(1, bins);
  return [...found.values()].map(({ lane, bin, count }) => ({ lane, from: bin / bins, to: (bin + 1) / bins, weight: Math.min(1, count / each) }));
}

/** Rows of each kind in the stretch that a position is in. */
export function around(strip: Strip, position: number): Record<Lane, number> {
  const found = { removed: 0, changed: 0, added: 0, moved: 0 };
  for (const lane of LANES) {
    const counts = strip[lane];
    found[lane] = counts[Math.min(counts.length - 1, Math.floor((position * counts.length) / Math.max(1, strip.total)))] ?? 0;
  }
  return found;
}

/** The position at a share of the length. */
export const positionAt = (share: number, total: number): number => Math.max(0, Math.min(total - 1, Math.floor(share * total)));

/** Where what is in sight stands, as shares of the length; never too thin to be seen. `least` is a share, too. */
export function frameOf(from: number, to: number, total: number, least: number): { start: number; size: number } {
  if (total <= 0) return { start: 0, size: 1 };
  const start = Math.max(0, Math.min(total, from)) / total;
  const end = Math.max(from, Math.min(total, to + 1)) / total;
  const size = Math.min(1, Math.max(end - start, least));
  return { start: Math.min(start, 1 - size), size };
}

type Key = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;

/** Where a key of a slider leads, null where it leads nowhere. A page is what is in sight. */
export function stepped({ key, ctrlKey, metaKey, altKey }: Key, position: number, total: number, page: number): number | null {
  if (ctrlKey || metaKey || altKey || total <= 0) return null;
  const to: Record<string, number> = {
    ArrowUp: position - 1,
    ArrowLeft: position - 1,
    ArrowDown: position + 1,
    ArrowRight: position + 1,
    PageUp: position - page,
    PageDown: position + page,
    Home: 0,
    End: total - 1,
  };
  const found = to[key];
  return found === undefined ? null : Math.max(0, Math.min(total - 1, found));
}
