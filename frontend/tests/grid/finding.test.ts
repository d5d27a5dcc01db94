import { describe, expect, test, vi } from "vitest";
import { Columns } from "@/grid/model/columns";
import { disjoint } from "@/grid/model/rects";
import { Signals } from "@/grid/model/signals";
import { numberIn } from "@/grid/model/statistics";
import { utf8Bytes } from "@/grid/model/limits";
import { editing, FakeTable, settled, words } from "./table";

const places = async (table: FakeTable, text: string, direction: "next" | "previous", times: number) => {
  const grid = await editing(table);
  grid.select(0, 0);
  const found: string[] = [];
  for (let time = 0; time < times; time += 1) {
    await grid.find(text, direction);
    found.push(grid.finding.kind === "found" ? `${grid.active?.line}/${grid.active?.column}${grid.finding.wrapped ? " wrapped" : ""}` : grid.finding.kind);
  }
  return found;
};

describe("find", () => {
  const cells = () => [["xA", "b", "c"], ["d", "ax", "AX"], ["e", "f", "g"], ["h", "i", "xax"]];

  test("goes from the active cell on, through rows with several matches, and round the end", async () => {
    expect(await places(new FakeTable(cells()), "AX", "next", 4)).toEqual(["1/Word", "1/Amount", "3/Amount", "1/Word wrapped"]);
  });

  test("goes back the same way, and round the beginning", async () => {
    expect(await places(new FakeTable(cells()), "ax", "previous", 4)).toEqual(["3/Amount wrapped", "1/Amount", "1/Word", "3/Amount wrapped"]);
  });

  test("backwards in a large table takes few questions, however rare the matches are", async () => {
    const rows = words(5000);
    for (const row of [3, 70, 71, 4000]) rows[row] = ["needle", "", ""];
    const table = new FakeTable(rows);
    expect(await places(table, "needle", "previous", 5)).toEqual(["4000/Id wrapped", "71/Id", "70/Id", "3/Id", "4000/Id wrapped"]);
    expect(table.finds).toBeLessThan(120);
  });

  test("says when there is nothing, and when it could not be looked for", async () => {
    const table = new FakeTable(cells());
    expect(await places(table, "nowhere", "next", 1)).toEqual(["nothing"]);
    const grid = await editing(table);
    table.failures = [new Error("503")];
    await grid.find("ax", "next");
    expect(grid.finding).toMatchObject({ kind: "failed", text: "ax" });
    grid.stopFinding();
    expect(grid.finding).toEqual({ kind: "idle" });
    await grid.find("", "next");
    expect(grid.finding).toEqual({ kind: "idle" });
  });

  test("does not find what the draft has taken away, and finds what it has instead in a row of matches", async () => {
    const table = new FakeTable(cells());
    const grid = await editing(table);
    grid.set(2, "Word", "gone");
    grid.set(2, "Amount", "gone");
    grid.set(4, "Amount", "no more");
    grid.set(4, "Word", "now ax");
    grid.select(0, 2);
    await grid.find("ax", "next");
    expect(grid.active).toMatchObject({ row: 4, column: "Word" });
  });

  test("a newer search takes the place of one that is under way", async () => {
    const table = new FakeTable(cells());
    const grid = await editing(table);
    grid.select(0, 0);
    const first = grid.find("g", "next");
    await grid.find("h", "next");
    await first;
    expect(grid.finding).toMatchObject({ kind: "found", text: "h" });
  });

  test("shows a hidden column that has the match", async () => {
    const grid = await editing(new FakeTable(cells()));
    grid.columns.hide(["Word"]);
    grid.select(0, 0);
    await grid.find("ax", "next");
    expect(grid.columns.state.hidden).toEqual([]);
    expect(grid.active).toMatchObject({ row: 2, column: "Word" });
  });

  test("begins behind the saved row when the active one is not saved", async () => {
    const grid = await editing(new FakeTable(cells()));
    grid.select(0, 0);
    grid.insertRows(1, "below");
    await grid.find("ax", "next");
    expect(grid.active).toMatchObject({ row: 2, column: "Word" });
    grid.discard();
    grid.select(0, 0);
    grid.insertRows(1, "above");
    await grid.find("xa", "next");
    expect(grid.active).toMatchObject({ row: 1, column: "Id" });
  });

  test("begins at the active cell also where that is not loaded yet", async () => {
    const rows = words(1000);
    for (const row of [2, 900]) rows[row] = ["needle", "", ""];
    const grid = await editing(new FakeTable(rows));
    grid.select(500, 0);
    await grid.find("needle", "next");
    expect(grid.active?.line).toBe(900);
  });

  test("in a filtered view says that a match is outside of it", async () => {
    const table = Object.assign(new FakeTable(cells()), { place: () => Promise.resolve(null) });
    const grid = await editing(table, { view: { sort: [], filter: [{ column: "Id", op: "eq", value: "e" }] } });
    await grid.find("ax", "next");
    expect(grid.finding).toMatchObject({ kind: "found", cell: { row: 2, column: "Word" }, outOfView: true });
  });

  test("in a sorted view goes to where the match is loaded", async () => {
    const grid = await editing(new FakeTable(cells()), { view: { sort: [{ column: "Id", descending: true }], filter: [] } });
    grid.select(0, 0);
    await grid.find("ax", "next");
    expect(grid.finding).toMatchObject({ kind: "found", outOfView: false });
    expect(grid.row(grid.active?.line ?? -1)).toBe(2);
  });
});

describe("statistics of the selection", () => {
  test("count cells, filled ones and numbers, and add up cents to the cent", async () => {
    const grid = await editing(new FakeTable([["0.1", "x", null], ["0.2", "", "-3"], [" 7 ", "1e3", "1,000"]]));
    expect(grid.statistics).toMatchObject({ count: 0, sum: null });
    grid.selectAll();
    expect(grid.statistics).toEqual({ count: 9, seen: 9, filled: 7, numbers: 5, sum: 1004.3, mean: 1004.3 / 5, min: -3, max: 1000 });
    grid.select(0, 0);
    grid.select(1, 0, { extend: true });
    expect(grid.statistics.sum).toBeCloseTo(0.3, 15);
    grid.select(0, 1);
    expect(grid.statistics).toMatchObject({ count: 1, numbers: 0, sum: null, mean: null, min: null, max: null });
  });

  test("count a cell once that is selected twice", async () => {
    const grid = await editing(new FakeTable(words(9)));
    grid.select(0, 0);
    grid.select(4, 1, { extend: true });
    grid.select(2, 1, { add: true });
    grid.select(6, 2, { extend: true });
    expect(grid.statistics.count).toBe(10 + 10 - 3);
  });

  test("take the draft's values, unsaved rows, and what was saved since", async () => {
    const table = new FakeTable(words(4));
    const grid = await editing(table);
    grid.select(0, 2, { kind: "columns" });
    const before = grid.statistics.sum ?? 0;
    grid.set(1, "Amount", "1000");
    expect(grid.statistics.sum).toBe(before + 1000);
    grid.select(0, 2);
    grid.insertRows(1, "below");
    grid.set(-1, "Amount", "5");
    grid.select(0, 2, { kind: "columns" });
    expect(grid.statistics).toMatchObject({ count: 5, seen: 5, sum: before + 1005 });
    await grid.save();
    await settled();
    expect(grid.statistics).toMatchObject({ count: 5, seen: 5, sum: before + 1005 });
    grid.set(2, "Amount", "0");
    await grid.save();
    expect(grid.statistics.sum).toBe(before + 1005 - 37);
  });

  test("say what is not loaded yet, and load as much of it as they are asked to", async () => {
    const grid = await editing(new FakeTable(words(2000)));
    grid.select(0, 2, { kind: "columns" });
    expect(grid.statistics).toMatchObject({ count: 2000 });
    expect(grid.statistics.seen).toBeLessThan(2000);
    await grid.completeStatistics(1000);
    expect(grid.statistics.seen).toBe(1000);
    await grid.completeStatistics();
    expect(grid.statistics).toMatchObject({ seen: 2000, numbers: 2000, max: 999 });
  });

  test("only plain numbers are numbers", () => {
    expect(["1", "-1.5", "+.5", "2.", "1E-3", " 3 "].map(numberIn)).toEqual([1, -1.5, 0.5, 2, 0.001, 3]);
    expect(["", null, "1,5", "1 000", "0x10", "1e999", "Infinity", "12a", "-", ".", "007", "00.5"].map(numberIn)).toEqual(Array(12).fill(null));
  });

  test("rectangles that overlap are parted without a cell lost or doubled", () => {
    const rects = [
      { top: 0, bottom: 4, left: 0, right: 4 },
      { top: 2, bottom: 6, left: 2, right: 6 },
      { top: 1, bottom: 5, left: 3, right: 3 },
      { top: 9, bottom: 9, left: 0, right: 0 },
    ];
    const cells = (all: typeof rects) =>
      all.flatMap(({ top, bottom, left, right }) => {
        const found: string[] = [];
        for (let line = top; line <= bottom; line += 1) for (let at = left; at <= right; at += 1) found.push(`${line}/${at}`);
        return found;
      });
    const parts = cells(disjoint(rects));
    expect(new Set(parts).size).toBe(parts.length);
    expect(new Set(parts)).toEqual(new Set(cells(rects)));
  });
});

describe("the tools for columns", () => {
  const columns = (names = ["A", "B", "C", "D"], kept?: ConstructorParameters<typeof Columns>[2]) =>
    new Columns(names.map((name) => ({ name, path: `/${name}`, type: "text" })), new Signals(), kept);
  const shown = (one: Columns) => one.shown.map((index) => one.all[index]?.name).join("");

  test("move, hide and show columns without touching the table's own order", () => {
    const one = columns();
    one.move("D", 1);
    expect(shown(one)).toBe("ADBC");
    one.hide(["B"]);
    expect(shown(one)).toBe("ADC");
    one.move("A", 9);
    expect(shown(one)).toBe("DCA");
    one.move("nowhere", 0);
    one.show(["B"]);
    expect(shown(one)).toBe("DBCA");
    expect([one.index("B"), one.at("B"), one.at("nowhere"), one.index("nowhere")]).toEqual([1, 1, -1, -1]);
    one.reset();
    expect(shown(one)).toBe("ABCD");
  });

  test("never hide the last column, nor freeze more than there are", () => {
    const one = columns(["A", "B"]);
    expect(one.hide(["A", "B"])).toEqual({ done: false, why: "nothing-to-do" });
    one.freeze(7);
    expect(one.state.frozen).toBe(2);
    one.hide(["A"]);
    expect(one.state.frozen).toBe(1);
    one.freeze(-1);
    expect(one.state.frozen).toBe(0);
  });

  test("keep widths within reason, and give them up again", () => {
    const one = columns();
    one.resize("A", 123.4);
    one.resize("B", 1);
    one.resize("C", 99_999);
    expect([one.width("A"), one.width("B"), one.width("C"), one.width("D")]).toEqual([123, 40, 1200, undefined]);
    one.resize("A", null);
    expect(one.width("A")).toBeUndefined();
    one.setDensity("comfortable");
    expect(one.state.density).toBe("comfortable");
  });

  test("take up what was kept for a table whose columns have changed since", () => {
    const kept = { order: ["C", "Lost", "A", "A"], hidden: ["A", "Lost"], frozen: 3, widths: { A: 50, Lost: 60 }, density: "comfortable" } as const;
    const one = columns(["A", "B", "C"], kept);
    expect(shown(one)).toBe("CB");
    expect(one.state).toEqual({ order: ["C", "A", "B"], hidden: ["A"], frozen: 2, widths: { A: 50 }, density: "comfortable" });
    expect(shown(columns(["A"], { ...kept, hidden: ["A"] }))).toBe("A");
  });
});

describe("small things", () => {
  test("bytes are counted as UTF-8 counts them", () => {
    for (const text of ["", "abc", "é", "€", "😀", "a😀é€"]) expect(utf8Bytes(text)).toBe(new TextEncoder().encode(text).length);
  });

  test("a listener that stops others does not stop them from hearing what has happened", () => {
    const signals = new Signals();
    const second = vi.fn();
    signals.subscribe(() => stop());
    const stop = signals.subscribe(second);
    signals.raise("draft");
    signals.raise("draft");
    expect(second).toHaveBeenCalledTimes(1);
  });
});
