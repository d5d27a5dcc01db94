import { describe, expect, test } from "vitest";
import { Mark, type Value } from "@/grid/model";
import { CALL_BYTES } from "@/grid/model/limits";
import { done, drawn, editing, FakeTable, refusal, settled, words, words1 } from "./table";

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
