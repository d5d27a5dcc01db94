import { describe, expect, test } from "vitest";
import type { PaneColumn } from "@/features/compare/panes/types";
import { around, columnMarks, frameOf, positionAt, rowMarks, stepped } from "@/features/compare/strips/mapping";
import type { Strip } from "@/features/compare/strips/strip";

const strip = (given: Partial<Strip>): Strip => ({ total: 0, added: [], removed: [], changed: [], moved: [], columns: [], ...given });
const column = (name: string, status: PaneColumn["status"], cells_changed = 0): PaneColumn => ({ name, a_name: name, b_name: name, status, key: false, cells_changed });
const key = (name: string, held = {}) => ({ key: name, ctrlKey: false, metaKey: false, altKey: false, ...held });

describe("the strip beside the rows", () => {
  test("a stretch with differences is marked where it lies, in the lane of its kind", () => {
    const marks = rowMarks(strip({ total: 1000, added: [0, 0, 0, 100], removed: [0, 1, 0, 0], changed: [250, 0, 0, 0], moved: [0, 0, 0, 0] }));
    expect(marks).toEqual([
      { lane: "removed", from: 0.25, to: 0.5, weight: 1 / 250 },
      { lane: "changed", from: 0, to: 0.25, weight: 1 },
      { lane: "added", from: 0.75, to: 1, weight: 100 / 250 },
    ]);
  });

  test("an empty view has no marks, and a click on it leads to no row below the first", () => {
    expect(rowMarks(strip({}))).toEqual([]);
    expect(frameOf(0, 0, 0, 0.01)).toEqual({ start: 0, size: 1 });
  });

  test("what is said of a row counts its stretch, also in the last one", () => {
    const found = strip({ total: 10, added: [0, 3], removed: [1, 0], changed: [0, 2], moved: [0, 0] });
    expect(around(found, 4)).toEqual({ removed: 1, changed: 0, added: 0, moved: 0 });
    expect(around(found, 9)).toEqual({ removed: 0, changed: 2, added: 3, moved: 0 });
    expect(around(found, 10)).toEqual({ removed: 0, changed: 2, added: 3, moved: 0 });
  });

  test("each end of the strip is an end of the view", () => {
    expect([-0.1, 0, 0.5, 0.999_999_9, 1, 1.2].map((share) => positionAt(share, 1_000_000))).toEqual([0, 0, 500_000, 999_999, 999_999, 999_999]);
  });

  test("the frame shows what is in sight, is never too thin, and stays on the strip", () => {
    expect(frameOf(25, 49, 100, 0.01)).toEqual({ start: 0.25, size: 0.25 });
    expect(frameOf(999_990, 1_000_020, 1_000_000, 0.01)).toEqual({ start: 0.99, size: 0.01 });
    expect(frameOf(0, 40, 3, 0.01)).toEqual({ start: 0, size: 1 });
  });

  test("keys move it as a slider, and stop at its ends", () => {
    expect(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"].map((name) => stepped(key(name), 50, 100, 20))).toEqual([49, 51, 30, 70, 0, 99]);
    expect(stepped(key("PageDown"), 95, 100, 20)).toBe(99);
    expect(stepped(key("ArrowUp"), 0, 100, 20)).toBe(0);
    expect([stepped(key("Home", { ctrlKey: true }), 50, 100, 20), stepped(key("x"), 50, 100, 20), stepped(key("End"), 0, 0, 20)]).toEqual([null, null, null]);
  });
});

describe("the strip of the columns", () => {
  test("columns with changed cells, columns of one side and renamed ones are told apart", () => {
    const marks = columnMarks([column("A", "same"), column("B", "changed", 7), column("C", "added"), column("D", "removed"), column("E", "renamed"), column("F", "ignored", 9)]);
    expect(marks.map(({ lane, from }) => [lane, Math.round(from * 6)])).toEqual([["changed", 1], ["added", 2], ["removed", 3], ["moved", 4]]);
  });

  test("a renamed column of which cells changed says both", () => {
    expect(columnMarks([column("A", "renamed", 3)]).map(({ lane }) => lane)).toEqual(["moved", "changed"]);
  });

  test("very many columns share marks, and one among them is still seen", () => {
    const columns = Array.from({ length: 100_000 }, (_, at) => column(`C${at}`, at === 70_000 ? "changed" : "same", at === 70_000 ? 1 : 0));
    const marks = columnMarks(columns);
    expect(marks).toHaveLength(1);
    expect(marks[0]?.from).toBeCloseTo(0.7, 2);
    expect(columnMarks(columns.map((one) => ({ ...one, status: "changed" as const, cells_changed: 1 }))).length).toBeLessThanOrEqual(400);
  });
});
