import { describe, expect, test, vi } from "vitest";
import { draftStore, dropDrafts, Mark, SaveRefused, type Value } from "@/grid/model";
import { CALL_BYTES, CALL_EDITS } from "@/grid/model/limits";
import { drawn, editing, FakeTable, settled, words } from "./table";

const done = { done: true };
const refusal = (why: string) => ({ done: false, why });
const words1 = (table: FakeTable) => table.rows.map(({ values }) => values[1]);

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

describe("two who edit the same table", () => {
  test("changes of other cells are both kept, without a question", async () => {
    const table = new FakeTable(words(4));
    const grid = await editing(table);
    grid.set(1, "Word", "mine");
    table.byOthers([[2, "Word", "theirs"]], [4], [{ after: null, values: ["top", "top", "top"] }]);
    expect(await grid.save()).toEqual(done);
    await settled();
    expect(words1(table)).toEqual(["top", "mine", "theirs", "gamma"]);
    expect(drawn(grid).map((row) => row[1])).toEqual(words1(table));
  });

  test("changes of the same cell are shown with base, theirs and mine, and nothing is saved before the choice", async () => {
    const table = new FakeTable(words(4));
    const grid = await editing(table);
    grid.set(1, "Word", "mine");
    grid.set(2, "Word", "mine too");
    grid.set(3, "Word", "untroubled");
    table.byOthers([[1, "Word", "theirs"], [2, "Word", "theirs too"]]);
    expect(await grid.save()).toEqual(refusal("conflicts-open"));
    expect(grid.saving).toMatchObject({
      kind: "conflict",
      open: 2,
      conflicts: [
        { row: 1, column: "Word", base: "alpha", theirs: "theirs", mine: "mine", choices: ["mine", "theirs"] },
        { row: 2, column: "Word", base: "beta", theirs: "theirs too", mine: "mine too" },
      ],
    });
    expect(grid.marks(0, 1) & Mark.conflict).toBeTruthy();
    expect(grid.value(0, 1)).toBe("mine");
    expect(words1(table)[2]).toBe("gamma");
    expect(await grid.save()).toEqual(refusal("conflicts-open"));
    grid.resolve("mine", { row: 1, column: "Word" });
    expect(grid.saving).toMatchObject({ open: 1 });
    grid.resolve("theirs", { row: 2, column: "Word" });
    expect(await grid.save()).toEqual(done);
    expect(words1(table)).toEqual(["mine", "theirs too", "untroubled", "alpha"]);
    await settled();
    expect(drawn(grid).map((row) => row[1])).toEqual(words1(table));
  });

  test("one choice can be made for all", async () => {
    for (const [choice, expected] of [["mine", "m"], ["theirs", "t"]] as const) {
      const table = new FakeTable(words(4));
      const grid = await editing(table);
      for (const row of [1, 2, 3]) grid.set(row, "Word", `m${row}`);
      table.byOthers([1, 2, 3].map((row) => [row, "Word", `t${row}`]));
      await grid.save();
      grid.resolve(choice);
      await grid.save();
      expect(words1(table).slice(0, 3)).toEqual([1, 2, 3].map((row) => `${expected}${row}`));
      expect(grid.hasDraft).toBe(false);
    }
  });

  test("another change while the choice is being made asks again, for that cell only", async () => {
    const table = new FakeTable(words(4));
    const grid = await editing(table);
    grid.set(1, "Word", "mine");
    grid.set(2, "Word", "mine too");
    table.byOthers([[1, "Word", "theirs"], [2, "Word", "theirs too"]]);
    await grid.save();
    grid.resolve("mine");
    table.byOthers([[1, "Word", "theirs again"]]);
    expect(await grid.save()).toEqual(refusal("conflicts-open"));
    expect(grid.saving).toMatchObject({ open: 1, conflicts: [{ row: 1, base: "theirs", theirs: "theirs again", mine: "mine" }] });
    grid.resolve("mine");
    await grid.save();
    expect(words1(table).slice(0, 2)).toEqual(["mine", "mine too"]);
  });

  test("where both wrote the same, or theirs was seen before it was typed over, nobody is asked", async () => {
    const table = new FakeTable(words(4));
    const grid = await editing(table);
    grid.set(1, "Word", "same");
    grid.set(3, "Word", "old draft");
    table.byOthers([[1, "Word", "same"], [2, "Word", "seen"]]);
    grid.refresh();
    await settled();
    grid.set(2, "Word", "typed over it");
    expect(await grid.save()).toEqual(done);
    expect(words1(table).slice(0, 3)).toEqual(["same", "typed over it", "old draft"]);
  });

  test("what others write into a cell while its editor is open is a conflict, not overwritten", async () => {
    for (const seen of [true, false]) {
      const table = new FakeTable(words(4));
      const grid = await editing(table);
      grid.select(0, 1);
      grid.begin();
      const then = grid.seen(1, 1);
      table.byOthers([[1, "Word", "theirs"], [2, "Word", "theirs"]]);
      if (seen) grid.refresh();
      await settled();
      grid.commit("mine");
      grid.set(2, "Word", "mine", then);
      expect(await grid.save()).toEqual(refusal("conflicts-open"));
      expect(grid.saving).toMatchObject({ open: 2, conflicts: [{ base: "alpha", theirs: "theirs" }, { base: "beta", theirs: "theirs" }] });
    }
  });

  test("what is typed while a save is compared with theirs is compared as well, by the next one", async () => {
    const table = new FakeTable(words(4));
    const grid = await editing(table);
    grid.set(1, "Word", "mine");
    table.byOthers([[2, "Word", "theirs"]]);
    table.saveGate.closed = true;
    const saving = grid.save();
    await settled();
    grid.set(2, "Word", "typed");
    table.saveGate.open();
    expect(await saving).toEqual(done);
    expect(words1(table).slice(0, 2)).toEqual(["mine", "theirs"]);
    expect(await grid.save()).toEqual(refusal("conflicts-open"));
    expect(grid.saving).toMatchObject({ conflicts: [{ row: 2, base: "beta", theirs: "theirs", mine: "typed" }] });
  });

  test("conflicts in a later call are found before the first is saved again, however many there are", async () => {
    const table = new FakeTable(words(5));
    table.room = 1;
    const grid = await editing(table);
    const large = (text: string) => text.repeat(CALL_BYTES / 2);
    for (const row of [1, 2, 3, 4]) grid.set(row, "Word", large(String(row)));
    grid.set(1, "Amount", "m");
    grid.set(1, "Id", "m");
    table.byOthers([[1, "Amount", "t"], [1, "Id", "t"], [1, "Word", "t"], [4, "Word", "t"]]);
    expect(await grid.save()).toEqual(refusal("conflicts-open"));
    expect(grid.saving).toMatchObject({ open: 4 });
    expect(table.version).toBe(2);
  });

  test("a row that they changed is deleted or kept, as is chosen", async () => {
    for (const choice of ["mine", "theirs"] as const) {
      const table = new FakeTable(words(4));
      const grid = await editing(table);
      grid.select(1, 0);
      await grid.deleteRows();
      table.byOthers([[2, "Amount", "t"]]);
      await grid.save();
      expect(grid.saving).toMatchObject({ conflicts: [{ row: 2, column: null, deletedBy: "mine" }] });
      grid.resolve(choice);
      expect((await grid.save()).done).toBe(choice === "mine");
      expect(table.values(2) === undefined).toBe(choice === "mine");
      expect(grid.hasDraft).toBe(false);
    }
  });

  test("cells of a row that they deleted can only be given up, and say so; deleted by both it is gone", async () => {
    const table = new FakeTable(words(5));
    const grid = await editing(table);
    grid.set(2, "Word", "mine");
    grid.set(1, "Word", "kept");
    grid.select(3, 0);
    await grid.deleteRows();
    table.byOthers([], [2, 4]);
    await grid.save();
    expect(grid.saving).toMatchObject({ conflicts: [{ row: 2, column: "Word", mine: "mine", deletedBy: "theirs", choices: ["theirs"] }] });
    grid.resolve("mine");
    expect(grid.saving).toMatchObject({ open: 1 });
    grid.resolve("theirs");
    expect(await grid.save()).toEqual(done);
    expect(words1(table)).toEqual(["kept", "gamma", "beta"]);
  });

  test("rows that were inserted behind a row they deleted go where it stood, or are given up", async () => {
    for (const choice of ["mine", "theirs"] as const) {
      const table = new FakeTable(words(5));
      const grid = await editing(table);
      grid.select(2, 0);
      grid.insertRows(1, "below");
      grid.set(-1, "Word", "new");
      table.byOthers([], [3]);
      await grid.save();
      expect(grid.saving).toMatchObject({ conflicts: [{ row: 3, column: null, anchor: true, deletedBy: "theirs" }] });
      await settled();
      grid.resolve(choice);
      await grid.save();
      await settled();
      expect(words1(table)).toEqual(choice === "mine" ? ["alpha", "beta", "new", "alpha", "beta"] : ["alpha", "beta", "alpha", "beta"]);
      expect(drawn(grid).map((row) => row[1])).toEqual(words1(table));
    }
  });

  test("a random pair of editors loses no update: what one was not asked about is there", async () => {
    let state = 99;
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 30; round += 1) {
      const table = new FakeTable(words(8));
      const grid = await editing(table);
      const mine = new Map<string, Value>();
      const theirs = new Map<string, Value>();
      for (let step = 0; step < 12; step += 1) {
        const row = 1 + random(8);
        const column = ["Word", "Amount"][random(2)] ?? "";
        if (random(2) === 0) {
          grid.set(row, column, `m${step}`);
          mine.set(`${row}/${column}`, `m${step}`);
        } else {
          table.byOthers([[row, column, `t${step}`]]);
          theirs.set(`${row}/${column}`, `t${step}`);
        }
      }
      const asked = new Set<string>();
      for (let tries = 0; tries < 5 && grid.hasDraft; tries += 1) {
        await grid.save();
        if (grid.saving.kind !== "conflict") continue;
        for (const { row, column } of grid.saving.conflicts) asked.add(`${row}/${column}`);
        grid.resolve("theirs");
      }
      const both = [...mine.keys()].filter((key) => theirs.has(key));
      expect([...asked].sort()).toEqual(both.sort());
      const expected = new Map([...mine, ...theirs]);
      for (const [key, value] of expected) {
        const [row, column] = key.split("/");
        expect(table.values(Number(row))?.[table.columns.findIndex(({ name }) => name === column)]).toBe(value);
      }
    }
  });

  test("a table that others change without a pause is given up in the end, with the draft kept", async () => {
    const table = new FakeTable(words(4));
    const grid = await editing(table);
    grid.set(1, "Word", "mine");
    const save = table.save.bind(table);
    table.save = (patch, key) => {
      table.byOthers([[4, "Word", String(Math.random())]]);
      return save(patch, key);
    };
    expect(await grid.save()).toEqual(refusal("save-failed"));
    expect(grid.value(0, 1)).toBe("mine");
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

/** A browser's storage with so much room. */
function storage(room = Infinity): Storage {
  const kept = new Map<string, string>();
  return {
    get length() {
      return kept.size;
    },
    key: (at) => [...kept.keys()][at] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem(key, text) {
      if (text.length > room) throw new DOMException("full", "QuotaExceededError");
      kept.set(key, text);
    },
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
  };
}

describe("a kept draft", () => {
  test("survives a reload with cells, inserted and deleted rows, and says so", async () => {
    const table = new FakeTable(words(5));
    const drafts = draftStore(storage(), "s1", "t1");
    const before = await editing(table, { drafts });
    expect(before.restored).toBeNull();
    before.set(1, "Word", "typed");
    before.select(1, 0);
    before.insertRows(2, "below");
    before.set(-2, "Id", "second");
    before.select(4, 0);
    await before.deleteRows();
    const shown = drawn(before);
    const grid = await editing(table, { drafts });
    expect(grid.restored?.dirty).toEqual({ cells: 1, inserted: 2, deleted: 1 });
    expect(drawn(grid)).toEqual(shown);
    grid.dismissRestored();
    expect(grid.restored).toBeNull();
    grid.select(1, 0);
    grid.insertRows(1, "below");
    expect(grid.dirty.inserted).toBe(3);
    await grid.save();
    expect(words1(table)[0]).toBe("typed");
    expect(drafts.read()).toBeNull();
    expect((await editing(table, { drafts })).hasDraft).toBe(false);
  });

  test("of an older version is compared with what others did meanwhile", async () => {
    const table = new FakeTable(words(5));
    const drafts = draftStore(storage(), "s1", "t1");
    (await editing(table, { drafts })).set(1, "Word", "mine");
    table.byOthers([[1, "Word", "theirs"]]);
    const grid = await editing(table, { drafts });
    expect(grid.value(0, 1)).toBe("mine");
    expect(await grid.save()).toEqual(refusal("conflicts-open"));
    expect(grid.saving).toMatchObject({ conflicts: [{ base: "alpha", theirs: "theirs", mine: "mine" }] });
  });

  test("with a save whose answer was lost sends it again under its key after the reload", async () => {
    const table = new FakeTable(words(3));
    const drafts = draftStore(storage(), "s1", "t1");
    const before = await editing(table, { drafts });
    before.select(2, 0);
    before.insertRows(1, "below");
    before.set(-1, "Word", "once");
    table.losesAnswer = true;
    await before.save();
    const grid = await editing(table, { drafts });
    expect(await grid.save()).toEqual(done);
    expect(words1(table)).toEqual(["alpha", "beta", "gamma", "once"]);
  });

  test("is dropped when it is discarded, and with its session", async () => {
    const table = new FakeTable(words(3));
    const kept = storage();
    const drafts = draftStore(kept, "s1", "t1");
    const grid = await editing(table, { drafts });
    grid.set(1, "Word", "x");
    expect(kept.length).toBe(1);
    grid.discard();
    expect(kept.length).toBe(0);
    grid.set(1, "Word", "x");
    kept.setItem("ret.draft.s2.t9", "{}");
    kept.setItem("ret.theme", "dark");
    dropDrafts(kept, "s2");
    expect(drafts.read()).toBeNull();
    expect(kept.length).toBe(2);
    dropDrafts(kept);
    expect([...Array(kept.length).keys()].map((at) => kept.key(at))).toEqual(["ret.theme"]);
  });

  test("that went with its session is not written again when the grid is closed", async () => {
    const kept = storage();
    const grid = await editing(new FakeTable(words(3)), { drafts: draftStore(kept, "s1", "t1") });
    grid.set(1, "Word", "x");
    dropDrafts(kept);
    grid.close();
    expect(kept.length).toBe(0);
  });

  test("that is large and waits is written when the grid is closed", async () => {
    const kept = storage();
    const grid = await editing(new FakeTable(words(900)), { drafts: draftStore(kept, "s1", "t1") });
    grid.select(0, 1, { kind: "columns" });
    await grid.clear();
    grid.close();
    expect(kept.length).toBe(1);
  });

  test("that finds no room says so, and leaves no older one behind", async () => {
    const table = new FakeTable(words(3));
    const drafts = draftStore(storage(2000), "s1", "t1");
    const grid = await editing(table, { drafts });
    grid.set(1, "Word", "x");
    expect(grid.draftKept).toBe(true);
    grid.set(1, "Word", "y".repeat(3000));
    expect(grid.draftKept).toBe(false);
    expect(drafts.read()).toBeNull();
    grid.undo();
    expect(grid.draftKept).toBe(true);
  });

  test("that is large is written a moment later, or when the page goes away", async () => {
    vi.useFakeTimers();
    const table = new FakeTable(words(900));
    const drafts = draftStore(storage(), "s1", "t1");
    const grid = await editing(table, { drafts });
    grid.select(0, 1, { kind: "columns" });
    await grid.clear();
    expect(drafts.read()).toBeNull();
    vi.runAllTimers();
    expect(drafts.read()).not.toBeNull();
    grid.set(1, "Amount", "last keystroke");
    expect(drafts.read()).not.toContain("last keystroke");
    grid.flush();
    expect(drafts.read()).toContain("last keystroke");
    vi.useRealTimers();
  });

  test("that cannot be read is no draft", async () => {
    for (const text of ["no json", "null", "[]", '{"form":99,"cells":[]}', '{"form":1}']) {
      const grid = await editing(new FakeTable(words(3)), { drafts: { read: () => text, write: () => true, drop: () => undefined } });
      expect(grid.hasDraft).toBe(false);
      expect(grid.restored).toBeNull();
    }
  });
});
