import { describe, expect, test } from "vitest";
import { Mark, SaveRefused } from "@/grid/model";
import { CALL_BYTES, CALL_EDITS } from "@/grid/model/limits";
import { done, drawn, editing, FakeTable, refusal, settled, words, words1 } from "./table";

describe("saving", () => {
  test("sends what is changed with the version that it was changed in, and empties the draft", async () => {
    const table = new FakeTable(words(6));
    const grid = await editing(table);
    grid.set(2, "Word", "x");
    grid.select(3, 0);
    grid.insertRows(1, "below");
    grid.set(-1, "Id", "new");
    grid.select(5, 0);
    await grid.deleteRows();
    expect(await grid.save()).toEqual(done);
    expect(table.patches).toEqual([
      { version: 1, edits: [{ row: 2, column: "Word", value: "x" }], insert_rows: [{ after: 4, values: ["new", null, null] }], delete_rows: [5] },
    ]);
    expect(grid.hasDraft).toBe(false);
    expect(grid.canUndo).toBe(false);
    expect(grid.saving).toEqual({ kind: "idle" });
    expect(await grid.save()).toEqual(refusal("nothing-to-do"));
  });

  test("what was saved is shown at once, without being loaded again, and marked as edited", async () => {
    const table = new FakeTable(words(6));
    const grid = await editing(table);
    const before = table.pages.length;
    grid.set(2, "Word", "x");
    await grid.save();
    expect(grid.value(1, 1)).toBe("x");
    expect(grid.marks(1, 1)).toBe(Mark.edited);
    expect(grid.version).toBe(2);
    await settled();
    expect(table.pages.length).toBe(before);
  });

  test("an inserted row keeps the selection and the open editor when it gets its number", async () => {
    const table = new FakeTable(words(3));
    const grid = await editing(table);
    grid.select(0, 1);
    grid.insertRows(1, "below");
    grid.begin("t");
    await grid.save();
    await settled();
    expect(grid.active?.row).toBe(4);
    expect(grid.editing).toMatchObject({ cell: { row: 4 } });
    grid.commit("typed", "stay");
    expect(grid.value(1, 1)).toBe("typed");
    expect(grid.dirty).toEqual({ cells: 1, inserted: 0, deleted: 0 });
  });

  test("more changes than a call takes go in several, each on the version of the one before", async () => {
    const table = new FakeTable(Array.from({ length: 12_500 }, (_, at) => [String(at)]), ["A"]);
    const grid = await editing(table);
    grid.select(0, 0);
    grid.select(12_499, 0, { extend: true });
    await grid.clear();
    const states = new Set<string>();
    grid.subscribe(() => states.add(JSON.stringify(grid.saving)));
    expect(await grid.save()).toEqual(done);
    expect(table.patches.map(({ version, edits }) => [version, edits.length])).toEqual([[1, CALL_EDITS], [2, 2500]]);
    expect(states).toContain('{"kind":"saving","done":1,"total":2}');
    expect(table.rows.every(({ values }) => values[0] === "")).toBe(true);
  });

  test("large values go in several calls, so that no body is too large", async () => {
    const table = new FakeTable(words(4));
    const grid = await editing(table);
    for (const row of [1, 2, 3]) grid.set(row, "Word", "é".repeat(CALL_BYTES / 4));
    await grid.save();
    expect(table.patches.map(({ edits }) => edits.length)).toEqual([1, 1, 1]);
    expect(grid.hasDraft).toBe(false);
  });

  test("inserted rows stand in their order also when they are saved by several calls", async () => {
    const table = new FakeTable(words(2));
    const grid = await editing(table);
    grid.select(0, 0);
    grid.insertRows(5, "below");
    for (let line = 1; line <= 5; line += 1) grid.set(grid.row(line) ?? 0, "Word", String(line).repeat(CALL_BYTES / 3));
    await grid.save();
    await settled();
    expect(table.patches.length).toBeGreaterThan(1);
    expect(table.rows.map(({ values }) => values[1]?.slice(0, 1))).toEqual(["a", "1", "2", "3", "4", "5", "b"]);
    expect(drawn(grid).map((row) => row[1]?.slice(0, 1))).toEqual(["a", "1", "2", "3", "4", "5", "b"]);
  });

  test("what is typed during a save stays, and goes with the next one", async () => {
    const table = new FakeTable(words(6));
    const grid = await editing(table);
    grid.set(1, "Word", "first");
    table.saveGate.closed = true;
    const saving = grid.save();
    await settled();
    grid.set(1, "Word", "second");
    grid.set(2, "Word", "other");
    expect(await grid.save()).toEqual(refusal("busy"));
    table.saveGate.open();
    expect(await saving).toEqual(done);
    expect([grid.value(0, 1), grid.value(1, 1)]).toEqual(["second", "other"]);
    expect(grid.dirty.cells).toBe(2);
    expect(words1(table).slice(0, 2)).toEqual(["first", "beta"]);
    grid.undo();
    grid.undo();
    expect(grid.value(0, 1)).toBe("first");
    expect(grid.hasDraft).toBe(false);
    grid.redo();
    await grid.save();
    expect(words1(table)[0]).toBe("second");
  });

  test("a row that is inserted, changed or deleted during its save ends as it was left", async () => {
    const table = new FakeTable(words(3));
    const grid = await editing(table);
    grid.select(0, 0);
    grid.insertRows(3, "below");
    grid.set(-1, "Word", "one");
    table.saveGate.closed = true;
    const saving = grid.save();
    await settled();
    grid.set(-1, "Word", "changed");
    grid.select(2, 0);
    await grid.deleteRows();
    grid.select(1, 0);
    grid.insertRows(1, "below");
    grid.set(-4, "Word", "between");
    table.saveGate.open();
    await saving;
    await settled();
    expect(grid.dirty).toEqual({ cells: 1, inserted: 1, deleted: 1 });
    await grid.save();
    await settled();
    expect(words1(table)).toEqual(["alpha", "changed", "between", null, "beta", "gamma"]);
    expect(drawn(grid).map((row) => row[1])).toEqual(words1(table));
  });

  test("steps that are being saved cannot be taken back, those after them can", async () => {
    const table = new FakeTable(words(3));
    const grid = await editing(table);
    grid.set(1, "Word", "x");
    table.saveGate.closed = true;
    const saving = grid.save();
    await settled();
    expect(grid.undo()).toEqual(refusal("nothing-to-do"));
    grid.select(0, 0);
    grid.insertRows(1, "below");
    expect(grid.undo()).toEqual(done);
    table.saveGate.open();
    await saving;
    expect(grid.hasDraft).toBe(false);
  });

  test("a refused save keeps the draft, all of it, and its steps", async () => {
    const table = new FakeTable(words(3));
    const grid = await editing(table);
    grid.set(1, "Word", "x");
    const problem = { status: 422 };
    table.failures = [new SaveRefused(problem)];
    expect(await grid.save()).toEqual(refusal("save-failed"));
    expect(grid.saving).toEqual({ kind: "failed", error: problem });
    expect(grid.value(0, 1)).toBe("x");
    expect(grid.canUndo).toBe(true);
    expect(await grid.save()).toEqual(done);
    expect(words1(table)[0]).toBe("x");
  });

  test("a save whose answer was lost is sent again under its key, and done once", async () => {
    const table = new FakeTable(words(3));
    const grid = await editing(table);
    grid.select(0, 0);
    grid.insertRows(1, "below");
    grid.set(-1, "Word", "once");
    table.losesAnswer = true;
    expect(await grid.save()).toEqual(refusal("save-failed"));
    expect(grid.canUndo).toBe(false);
    grid.set(1, "Word", "after");
    expect(await grid.save()).toEqual(done);
    await settled();
    expect(words1(table)).toEqual(["after", "once", "beta", "gamma"]);
    expect(drawn(grid).map((row) => row[1])).toEqual(words1(table));
  });

  test("a failure in the middle keeps what was not saved, on the right version", async () => {
    const table = new FakeTable(words(4));
    const grid = await editing(table);
    for (const row of [1, 2, 3]) grid.set(row, "Word", `${row}`.repeat(CALL_BYTES / 2 + 1));
    table.failures = [undefined, new SaveRefused({ status: 507 })];
    expect(await grid.save()).toEqual(refusal("save-failed"));
    expect(grid.dirty.cells).toBe(2);
    expect(await grid.save()).toEqual(done);
    expect(words1(table).map((value) => value?.slice(0, 1))).toEqual(["1", "2", "3", "a"]);
    expect(table.version).toBe(4);
  });
});

describe("versions on the server", () => {
  test("are undone and redone when nothing is unsaved, and listed", async () => {
    const table = new FakeTable(words(4));
    const grid = await editing(table);
    grid.set(1, "Word", "x");
    expect(await grid.undoVersion()).toEqual(refusal("unsaved-changes"));
    await grid.save();
    expect(await grid.undoVersion()).toEqual(done);
    await settled();
    expect(grid.value(0, 1)).toBe("alpha");
    expect(await grid.redoVersion()).toEqual(done);
    await settled();
    expect(grid.value(0, 1)).toBe("x");
    expect((await grid.history(0, 10)).items.map(({ version }) => version)).toEqual([4, 3, 2]);
    await grid.undoVersion();
    expect(await grid.undoVersion()).toEqual(refusal("save-failed"));
    expect(String(grid.versionError)).toContain("NOTHING_TO_UNDO");
  });
});
