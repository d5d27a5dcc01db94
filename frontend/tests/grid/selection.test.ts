import { describe, expect, test } from "vitest";
import type { Grid } from "@/grid/model";
import { editing, FakeTable, settled, words } from "./table";

const at = (grid: Grid) => [grid.active?.line, grid.active?.at];
const range = (grid: Grid, index = 0) => {
  const one = grid.ranges[index];
  return one && [one.top, one.left, one.bottom, one.right];
};

describe("the selection", () => {
  test("arrows move the active cell and stop at the edges", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.move("down");
    expect(at(grid)).toEqual([0, 0]);
    grid.move("down");
    grid.move("right");
    expect(at(grid)).toEqual([1, 1]);
    expect(grid.active).toMatchObject({ row: 2, column: "Word" });
    for (let step = 0; step < 9; step += 1) grid.move("right");
    expect(at(grid)).toEqual([1, 2]);
    grid.move("up");
    grid.move("up");
    expect(at(grid)).toEqual([0, 2]);
  });

  test("with Shift the range grows and shrinks from the active cell, which stays", async () => {
    const grid = await editing(new FakeTable(words(9)));
    grid.select(4, 1);
    grid.move("down", { extend: true });
    grid.move("right", { extend: true });
    expect(at(grid)).toEqual([4, 1]);
    expect(range(grid)).toEqual([4, 1, 5, 2]);
    grid.move("up", { extend: true });
    grid.move("up", { extend: true });
    expect(range(grid)).toEqual([3, 1, 4, 2]);
    expect(grid.isSelected(3, 2)).toBe(true);
    expect(grid.isSelected(5, 2)).toBe(false);
  });

  test("with Ctrl a move goes to the end of a run of filled cells, or over empty ones to the next", async () => {
    const column = ["a", "b", "c", null, "", "d", "e"];
    const grid = await editing(new FakeTable(column.map((value) => [value]), ["V"]));
    const stops: number[] = [];
    grid.select(0, 0);
    for (let step = 0; step < 4; step += 1) {
      grid.move("down", { edge: true });
      stops.push(grid.active?.line ?? -1);
    }
    expect(stops).toEqual([2, 5, 6, 6]);
    grid.move("up", { edge: true });
    expect(grid.active?.line).toBe(5);
    grid.move("up", { edge: true, extend: true });
    expect(range(grid)).toEqual([2, 0, 5, 0]);
  });

  test("with Ctrl, where cells are not loaded, a move goes to the edge of the table", async () => {
    const grid = await editing(new FakeTable(words(1000)));
    grid.select(10, 0);
    grid.move("down", { edge: true });
    expect(grid.active?.line).toBe(999);
    expect(grid.active?.row).toBeUndefined();
    grid.move("right", { edge: true });
    expect(grid.active?.at).toBe(2);
    grid.move("up", { edge: true });
    expect(grid.active?.line).toBe(0);
  });

  test("Home, End and the page keys go where they do in a spreadsheet", async () => {
    const grid = await editing(new FakeTable(words(50)));
    grid.select(10, 1);
    grid.moveTo("end");
    expect(at(grid)).toEqual([10, 2]);
    grid.moveTo("start");
    expect(at(grid)).toEqual([10, 0]);
    grid.movePage("down", 20);
    expect(at(grid)).toEqual([30, 0]);
    grid.movePage("down", 30);
    expect(at(grid)).toEqual([49, 0]);
    grid.movePage("up", 20, { extend: true });
    expect(range(grid)).toEqual([29, 0, 49, 0]);
    grid.moveTo("start", { whole: true });
    expect(at(grid)).toEqual([0, 0]);
    grid.moveTo("end", { whole: true, extend: true });
    expect(range(grid)).toEqual([0, 0, 49, 2]);
  });

  test("Tab and Enter go round within a range, and back with Shift", async () => {
    const grid = await editing(new FakeTable(words(9)));
    grid.select(1, 0);
    grid.select(2, 1, { extend: true });
    const visited: unknown[] = [];
    for (let step = 0; step < 4; step += 1) {
      grid.step("tab");
      visited.push(at(grid));
    }
    expect(visited).toEqual([[1, 1], [2, 0], [2, 1], [1, 0]]);
    grid.step("enter");
    grid.step("enter");
    expect(at(grid)).toEqual([1, 1]);
    grid.step("enter", true);
    expect(at(grid)).toEqual([2, 0]);
    expect(range(grid)).toEqual([1, 0, 2, 1]);
  });

  test("Tab goes on into the next of several ranges", async () => {
    const grid = await editing(new FakeTable(words(9)));
    grid.select(0, 0);
    grid.select(5, 2, { add: true });
    expect(at(grid)).toEqual([5, 2]);
    grid.step("tab");
    expect(at(grid)).toEqual([0, 0]);
    grid.step("tab", true);
    expect(at(grid)).toEqual([5, 2]);
    expect(grid.ranges).toHaveLength(2);
  });

  test("Enter after some Tabs goes back to the column where they began", async () => {
    const grid = await editing(new FakeTable(words(9)));
    grid.select(2, 0);
    grid.step("tab");
    grid.step("tab");
    grid.step("enter");
    expect(at(grid)).toEqual([3, 0]);
    grid.step("enter", true);
    expect(at(grid)).toEqual([2, 0]);
  });

  test("whole rows, whole columns and everything are ranges that grow with the table", async () => {
    const grid = await editing(new FakeTable(words(9)));
    grid.select(2, 0, { kind: "rows" });
    grid.select(3, 0, { extend: true });
    expect(range(grid)).toEqual([2, 0, 3, 2]);
    grid.select(0, 1, { kind: "columns" });
    expect(range(grid)).toEqual([0, 1, 8, 1]);
    grid.insertRows(2, "above");
    expect(range(grid)?.[2]).toBe(grid.ranges[0]?.kind === "columns" ? 10 : 0);
    grid.selectAll();
    expect(range(grid)).toEqual([0, 0, 10, 2]);
    expect(grid.ranges[0]?.kind).toBe("all");
  });

  test("it stays on its row when others insert and delete rows above it", async () => {
    const table = new FakeTable(words(60));
    const grid = await editing(table);
    grid.select(40, 1);
    grid.select(42, 2, { extend: true });
    table.byOthers([], [1, 2, 3], [{ after: 10, values: ["new", null, null] }]);
    grid.refresh();
    await settled();
    expect(grid.active).toMatchObject({ line: 38, row: 41, column: "Word" });
    expect(range(grid)).toEqual([38, 1, 40, 2]);
  });

  test("it stays on its row in another order, and takes what stands there when the row is not in the view", async () => {
    const table = new FakeTable(words(60));
    const grid = await editing(table);
    grid.select(1, 1);
    grid.setView({ sort: [{ column: "Word", descending: true }], filter: [] });
    await settled();
    expect(grid.active?.row).toBe(2);
    expect(grid.active?.line).toBeGreaterThan(1);
    grid.setView({ sort: [], filter: [{ column: "Word", op: "eq", value: "gamma" }] });
    await settled();
    expect(grid.active?.row).toBe(grid.row(grid.active?.line ?? -1));
    expect(grid.lines).toBe(20);
  });

  test("it stays on its row when that is far away and not loaded", async () => {
    const table = new FakeTable(words(2000));
    const grid = await editing(table);
    await grid.goTo(1500, "Amount");
    grid.look({ top: 1490, bottom: 1510, columns: [0, 1, 2] });
    await settled();
    grid.look({ top: 0, bottom: 20, columns: [0, 1, 2] });
    table.byOthers([], Array.from({ length: 900 }, (_, index) => index + 1));
    grid.refresh();
    await settled();
    expect(grid.active?.line).toBe(599);
  });

  test("a hidden column's selection is shown in its neighbour and comes back with it", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.select(2, 1);
    grid.columns.hide(["Word"]);
    expect(at(grid)).toEqual([2, 1]);
    expect(grid.columns.shown).toEqual([0, 2]);
    grid.columns.show(["Word"]);
    expect(grid.active).toMatchObject({ at: 1, column: "Word" });
  });

  test("going to a row finds it in a table with deleted and inserted rows, and says when it is not there", async () => {
    const table = new FakeTable(words(3000));
    table.byOthers([], Array.from({ length: 700 }, (_, index) => index * 2 + 1), Array.from({ length: 150 }, () => ({ after: 2000, values: ["n", "n", "n"] })));
    const grid = await editing(table);
    expect(await grid.goTo(2500)).toEqual({ done: true });
    grid.look({ top: grid.active?.line ?? 0, bottom: (grid.active?.line ?? 0) + 5, columns: [0] });
    await settled();
    expect(grid.active?.row).toBe(2500);
    expect(grid.value(grid.active?.line ?? 0, 0)).toBe("2500");
    expect(await grid.goTo(701)).toEqual({ done: false, why: "no-such-row" });
    expect(await grid.goTo(99_999)).toEqual({ done: false, why: "no-such-row" });
  });

  test("going to a row of a filtered view looks through it, and says when it is not there", async () => {
    const grid = await editing(new FakeTable(words(4000)), { view: { sort: [], filter: [{ column: "Word", op: "eq", value: "beta" }] } });
    expect(await grid.goTo(3500)).toEqual({ done: true });
    expect(grid.active?.line).toBe(1166);
    expect(await grid.goTo(3501)).toEqual({ done: false, why: "not-in-view" });
  });

  test("a row that cannot be looked for is said to be so", async () => {
    const table = new FakeTable(words(900));
    const grid = await editing(table);
    table.failures = [new Error("503")];
    expect(await grid.goTo(800)).toEqual({ done: false, why: "load-failed" });
    expect(await grid.goTo(800)).toEqual({ done: true });
  });

  test("a save in a sorted view asks for no more than what is in sight", async () => {
    const table = new FakeTable(words(900));
    const grid = await editing(table, { view: { sort: [{ column: "Amount", descending: false }], filter: [] } });
    grid.select(3, 1);
    grid.set(grid.row(3) ?? 0, "Amount", "999999");
    const row = grid.row(3);
    const before = table.pages.length;
    grid.look({ top: 0, bottom: 30, columns: [0, 1, 2] });
    await grid.save();
    await settled();
    expect(table.pages.slice(before).filter(({ limit }) => limit === 1000).length).toBeLessThanOrEqual(1);
    expect(grid.active?.row).toBe(row);
  });

  test("going to a row of a sorted view asks the server where it stands", async () => {
    const table = new FakeTable(words(100));
    const placed = Object.assign(table, { place: () => Promise.resolve(77) });
    const grid = await editing(placed, { view: { sort: [{ column: "Amount", descending: false }], filter: [] } });
    expect(await grid.goTo(99_999)).toEqual({ done: true });
    expect(grid.active?.line).toBe(77);
  });
});
