import { describe, expect, test, vi } from "vitest";
import { createGrid, Mark } from "@/grid/model";
import { done, drawn, editing, FakeTable, refusal, settled, words } from "./table";

describe("the edit mode", () => {
  test("is off at first, and nothing can be changed while it is", async () => {
    const table = new FakeTable(words(5));
    const grid = createGrid(table.start);
    grid.look({ top: 0, bottom: 4, columns: [0, 1, 2] });
    await settled();
    grid.select(1, 1);
    const off = refusal("edit-mode-off");
    expect(grid.editing).toEqual({ kind: "off" });
    expect(grid.begin()).toEqual(off);
    expect(grid.set(2, "Word", "x")).toEqual(off);
    expect(await grid.clear()).toEqual(off);
    expect(await grid.fill("down")).toEqual(off);
    expect(await grid.planPaste("x")).toEqual(off);
    expect(grid.insertRows(1, "below")).toEqual(off);
    expect(await grid.deleteRows()).toEqual(off);
    expect(grid.undo()).toEqual(off);
    expect(grid.hasDraft).toBe(false);
  });

  test("switched off again it keeps the draft, which can still be saved", async () => {
    const table = new FakeTable(words(5));
    const grid = await editing(table);
    grid.set(2, "Word", "x");
    expect(grid.setEditMode(false)).toEqual(done);
    expect(grid.value(1, 1)).toBe("x");
    expect(grid.canUndo).toBe(false);
    expect(await grid.save()).toEqual(done);
    expect(table.values(2)?.[1]).toBe("x");
  });
});

describe("a cell's editor", () => {
  test("opens with the value, or with what was typed, and commits into its cell", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.select(1, 1);
    grid.begin();
    expect(grid.editing).toEqual({ kind: "cell", cell: { row: 2, column: "Word" }, initial: "beta", value: "beta" });
    expect(grid.setEditMode(false)).toEqual(refusal("busy"));
    grid.cancel();
    grid.begin("n");
    expect(grid.editing).toMatchObject({ initial: "n" });
    expect(grid.commit("new")).toEqual(done);
    expect(grid.editing).toEqual({ kind: "on" });
    expect(grid.value(1, 1)).toBe("new");
    expect(grid.marks(1, 1) & Mark.dirty).toBeTruthy();
    expect(grid.active).toMatchObject({ line: 2, at: 1 });
    expect(grid.dirty).toEqual({ cells: 1, inserted: 0, deleted: 0 });
  });

  test("that is cancelled, or whose text is as it was, changes nothing", async () => {
    const grid = await editing(new FakeTable([[null, "", "x"]]));
    grid.select(0, 2);
    grid.begin("typed");
    grid.cancel();
    grid.begin();
    grid.commit("x", "stay");
    grid.select(0, 0);
    grid.begin();
    grid.commit("", "right");
    expect(grid.hasDraft).toBe(false);
    expect(grid.value(0, 0)).toBeNull();
    expect(grid.active?.at).toBe(1);
    expect(grid.commit("y")).toEqual(refusal("nothing-to-do"));
  });

  test("stays open on its cell while the table is scrolled away, refreshed and sorted", async () => {
    const table = new FakeTable(words(900));
    const grid = await editing(table);
    grid.select(1, 1);
    grid.begin("t");
    grid.look({ top: 700, bottom: 730, columns: [0, 1, 2] });
    table.byOthers([[700, "Word", "theirs"]]);
    grid.refresh();
    grid.setView({ sort: [{ column: "Amount", descending: true }], filter: [] });
    await settled();
    expect(grid.editing).toMatchObject({ kind: "cell", cell: { row: 2, column: "Word" } });
    expect(grid.commit("typed", "stay")).toEqual(done);
    expect(grid.dirty.cells).toBe(1);
    await grid.save();
    expect(table.values(2)?.[1]).toBe("typed");
  });

  test("does not open in a link between tables, in a row that will be deleted, or in a cell that is not loaded", async () => {
    const table = new FakeTable(words(900), ["_id", "Word", "Amount"], { _id: "link" });
    const grid = await editing(table);
    grid.select(0, 0);
    expect(grid.begin()).toEqual(refusal("read-only-column"));
    expect(grid.marks(0, 0) & Mark.readOnly).toBeTruthy();
    grid.select(0, 1);
    await grid.deleteRows();
    expect(grid.begin()).toEqual(refusal("row-deleted"));
    grid.select(800, 1);
    expect(grid.begin()).toEqual(refusal("not-loaded"));
  });

  test("refuses a value of more than a mebibyte, and stays open", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.select(0, 1);
    grid.begin();
    expect(grid.commit("é".repeat(524_289))).toEqual(refusal("too-long"));
    expect(grid.editing.kind).toBe("cell");
    expect(grid.commit("é".repeat(524_288))).toEqual(done);
  });
});

describe("restless hands", () => {
  test("keys typed one after another are all there", async () => {
    vi.useFakeTimers();
    const grid = await editing(new FakeTable(words(100)));
    grid.select(0, 1);
    for (let at = 0; at < 50; at += 1) {
      grid.begin(String(at));
      grid.commit(String(at));
    }
    expect(drawn(grid, 0, 49).map((row) => row[1])).toEqual(Array.from({ length: 50 }, (_, at) => String(at)));
    vi.useRealTimers();
  });
});
