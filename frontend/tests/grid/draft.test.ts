import { describe, expect, test } from "vitest";
import { Mark } from "@/grid/model";
import { done, drawn, editing, FakeTable, refusal, settled, words } from "./table";

describe("the draft", () => {
  test("a value that is put back is no change any more", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.set(1, "Word", "x");
    grid.set(1, "Word", "alpha");
    expect(grid.hasDraft).toBe(false);
    expect(grid.marks(0, 1)).toBe(0);
    expect(grid.canUndo).toBe(true);
  });

  test("absent and empty are different values", async () => {
    const grid = await editing(new FakeTable([["a", null, ""]]));
    grid.select(0, 0);
    await grid.clear();
    expect(grid.value(0, 0)).toBe("");
    await grid.clear(true);
    expect(grid.value(0, 0)).toBeNull();
    grid.select(0, 1);
    expect(await grid.clear()).toEqual(refusal("nothing-to-do"));
    grid.set(1, "Word", "");
    expect(grid.value(0, 1)).toBe("");
    expect(grid.dirty.cells).toBe(2);
  });

  test("every step is taken back and done again, and the selection goes there", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.set(1, "Word", "x");
    grid.set(3, "Amount", "7");
    grid.select(4, 0);
    expect(grid.undo()).toEqual(done);
    expect(grid.value(2, 2)).toBe("74");
    expect(grid.active).toMatchObject({ line: 2, at: 2 });
    expect(grid.canRedo).toBe(true);
    grid.undo();
    expect(grid.hasDraft).toBe(false);
    expect(grid.undo()).toEqual(refusal("nothing-to-do"));
    grid.redo();
    grid.redo();
    expect(drawn(grid, 0, 2).map((row) => row.slice(1))).toEqual([["x", "0"], ["beta", "37"], ["gamma", "7"]]);
    grid.undo();
    grid.set(2, "Word", "other");
    expect(grid.redo()).toEqual(refusal("nothing-to-do"));
  });

  test("fill takes the first row down and the first column right, as one step", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.select(0, 1);
    grid.select(3, 2, { extend: true });
    expect(await grid.fill("down")).toEqual(done);
    expect(drawn(grid, 0, 3).map((row) => row.slice(1))).toEqual(Array(4).fill(["alpha", "0"]));
    grid.undo();
    expect(grid.hasDraft).toBe(false);
    grid.select(0, 0);
    grid.select(1, 2, { extend: true });
    await grid.fill("right");
    expect(drawn(grid, 0, 1)).toEqual([["0001", "0001", "0001"], ["0002", "0002", "0002"]]);
  });

  test("fill of a single cell takes the one above, or before; there is none in the first", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.select(1, 1);
    await grid.fill("down");
    expect(grid.value(1, 1)).toBe("alpha");
    grid.select(2, 1);
    await grid.fill("right");
    expect(grid.value(2, 1)).toBe("0003");
    grid.select(0, 1);
    expect(await grid.fill("down")).toEqual(refusal("nothing-to-do"));
  });

  test("the fill handle repeats the range over what it is dragged to, upwards as well", async () => {
    const grid = await editing(new FakeTable(words(6)));
    grid.select(2, 1);
    grid.select(3, 1, { extend: true });
    await grid.fillTo({ top: 0, bottom: 5, left: 1, right: 1 });
    expect(drawn(grid).map((row) => row[1])).toEqual(["gamma", "alpha", "gamma", "alpha", "gamma", "alpha"]);
  });

  test("a command loads the cells it needs, and is refused where they are too many or cannot be had", async () => {
    const table = new FakeTable(words(1200));
    const grid = await editing(table);
    grid.select(500, 1);
    grid.select(700, 1, { extend: true });
    expect(await grid.clear()).toEqual(done);
    expect(grid.dirty.cells).toBe(201);
    grid.undo();
    grid.select(1100, 1);
    table.failures = [new Error("503")];
    expect(await grid.clear()).toEqual(refusal("load-failed"));
    const big = await editing(new FakeTable(Array.from({ length: 50_001 }, () => ["a", "b"]), ["A", "B"]));
    big.selectAll();
    expect(await big.clear()).toEqual(refusal("too-many-cells"));
    expect(await big.deleteRows()).toEqual(refusal("too-many-cells"));
  });

  test("a command whose cells arrive in another view does nothing", async () => {
    const table = new FakeTable(words(1200));
    const grid = await editing(table);
    grid.select(1100, 1);
    table.gate.closed = true;
    const clearing = grid.clear();
    await settled();
    grid.setView({ sort: [], filter: [{ column: "Word", op: "eq", value: "beta" }] });
    table.gate.open();
    expect((await clearing).done).toBe(false);
    expect(grid.hasDraft).toBe(false);
  });

  test("inserted rows stand where they were put, can be filled in, deleted and taken back", async () => {
    const grid = await editing(new FakeTable(words(4)));
    grid.select(1, 1);
    grid.insertRows(2, "below");
    expect(grid.lines).toBe(6);
    expect(grid.active?.line).toBe(2);
    grid.set(grid.row(2) ?? 0, "Word", "first");
    grid.set(grid.row(3) ?? 0, "Word", "second");
    grid.select(2, 1);
    grid.insertRows(1, "below");
    grid.set(grid.row(3) ?? 0, "Word", "between");
    grid.select(0, 0);
    grid.insertRows(1, "above");
    expect(drawn(grid).map((row) => row[1])).toEqual([null, "alpha", "beta", "first", "between", "second", "gamma", "alpha"]);
    expect(grid.marks(3, 1) & Mark.inserted).toBeTruthy();
    expect(grid.dirty).toEqual({ cells: 0, inserted: 4, deleted: 0 });
    grid.select(4, 0);
    await grid.deleteRows();
    expect(grid.dirty.inserted).toBe(3);
    grid.undo();
    expect(grid.value(4, 1)).toBe("between");
    expect(grid.lineOf(3)).toBe(6);
  });

  test("a row that is inserted later behind the same row stands first, and is saved so", async () => {
    const table = new FakeTable(words(2));
    const grid = await editing(table);
    for (const word of ["second", "first"]) {
      grid.select(0, 1);
      grid.insertRows(1, "below");
      grid.set(grid.row(1) ?? 0, "Word", word);
    }
    const expected = ["alpha", "first", "second", "beta"];
    expect(drawn(grid).map((row) => row[1])).toEqual(expected);
    await grid.save();
    expect(table.rows.map(({ values }) => values[1])).toEqual(expected);
  });

  test("inserted rows go into an empty table, too", async () => {
    const table = new FakeTable([]);
    const grid = await editing(table);
    grid.insertRows(2, "below");
    expect(grid.lines).toBe(2);
    grid.set(grid.row(0) ?? 0, "Id", "1");
    await grid.save();
    expect(table.rows.map(({ values }) => values)).toEqual([["1", null, null], [null, null, null]]);
  });

  test("rows to be deleted stay in sight until they are saved, and cannot be changed", async () => {
    const table = new FakeTable(words(6));
    const grid = await editing(table);
    grid.set(2, "Word", "x");
    grid.select(1, 0, { kind: "rows" });
    grid.select(2, 0, { extend: true });
    await grid.deleteRows();
    expect(grid.lines).toBe(6);
    expect(grid.marks(1, 0) & Mark.deleted).toBeTruthy();
    expect(grid.set(2, "Word", "y")).toEqual(refusal("row-deleted"));
    expect(await grid.deleteRows()).toEqual(refusal("nothing-to-do"));
    await grid.save();
    await settled();
    expect(grid.lines).toBe(4);
    expect(drawn(grid).map((row) => row[0])).toEqual(["0001", "0004", "0005", "0006"]);
    expect(table.patches[0]?.edits).toEqual([]);
  });

  test("it is apart from what is loaded: a refresh, another order and a filter leave it as it is", async () => {
    const table = new FakeTable(words(30));
    const grid = await editing(table);
    grid.set(1, "Word", "mine");
    grid.select(4, 0);
    grid.insertRows(1, "below");
    table.byOthers([[1, "Word", "theirs"]]);
    grid.refresh();
    await settled();
    expect(grid.value(0, 1)).toBe("mine");
    grid.setView({ sort: [{ column: "Id", descending: true }], filter: [] });
    await settled();
    expect(grid.value(grid.lineOf(1) ?? 0, 1)).toBe("mine");
    expect(grid.lines).toBe(31);
    expect(grid.lineOf(-1)).toBe((grid.lineOf(5) ?? 0) + 1);
    grid.setView({ sort: [], filter: [{ column: "Word", op: "eq", value: "gamma" }] });
    await settled();
    expect(grid.row(10)).toBe(-1);
    grid.setView({ sort: [], filter: [] });
    await settled();
    expect(grid.row(5)).toBe(-1);
    expect(grid.dirty).toEqual({ cells: 1, inserted: 1, deleted: 0 });
  });

  test("discarding gives it up at once", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.set(1, "Word", "x");
    grid.select(0, 0);
    grid.insertRows(1, "below");
    await grid.deleteRows();
    grid.begin();
    expect(grid.discard()).toEqual(done);
    expect(grid.editing).toEqual({ kind: "on" });
    expect(drawn(grid)).toEqual(words(5));
    expect(grid.canUndo).toBe(false);
  });

  test("its changes can be listed", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.set(1, "Word", "x");
    grid.select(1, 0);
    await grid.deleteRows();
    grid.insertRows(1, "below");
    grid.set(-1, "Id", "9");
    expect(grid.changes()).toEqual([
      { row: 1, column: "Word", before: "alpha", after: "x" },
      { row: -1, column: "Id", before: null, after: "9" },
      { row: 2, column: null, before: null, after: null },
    ]);
  });

  test("no random order of commands leaves anything that undo does not take back, or redo bring again", async () => {
    const random = seeded(20_261_120);
    for (let round = 0; round < 25; round += 1) {
      const grid = await editing(new FakeTable(words(12)));
      const states = [JSON.stringify(drawn(grid))];
      for (let step = 0; step < 20; step += 1) {
        if (await anyCommand(grid, random)) states.push(look(grid));
      }
      for (let at = states.length - 2; at >= 0; at -= 1) {
        expect(grid.undo()).toEqual(done);
        expect(at === 0 ? JSON.stringify(drawn(grid)) : look(grid)).toBe(states[at]);
      }
      expect(grid.hasDraft).toBe(false);
      for (let at = 1; at < states.length; at += 1) {
        expect(grid.redo()).toEqual(done);
        expect(look(grid)).toBe(states[at]);
      }
    }
  });

  test("what a random draft shows is what the table is after it was saved", async () => {
    const random = seeded(7);
    for (let round = 0; round < 25; round += 1) {
      const table = new FakeTable(words(12));
      const grid = await editing(table);
      for (let step = 0; step < 15; step += 1) await anyCommand(grid, random);
      const expected = drawn(grid).filter((_, line) => !(grid.marks(line, 0) & Mark.deleted));
      await grid.save();
      await settled();
      expect(table.rows.map(({ values }) => values)).toEqual(expected);
      expect(drawn(grid)).toEqual(expected);
      expect(grid.hasDraft).toBe(false);
    }
  });
});

type Random = (below: number) => number;

function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const look = (grid: Awaited<ReturnType<typeof editing>>) =>
  JSON.stringify([drawn(grid), Array.from({ length: grid.lines }, (_, line) => grid.marks(line, 0))]).replace(/^\[(.*),\[0(,0)*\]\]$/, "$1");

/** Some command somewhere; whether it changed anything. */
async function anyCommand(grid: Awaited<ReturnType<typeof editing>>, random: Random): Promise<boolean> {
  const before = grid.counter("draft");
  grid.select(random(grid.lines), random(3));
  grid.select(random(grid.lines), random(3), { extend: random(2) === 0 });
  const commands = [
    () => grid.set(grid.active?.row ?? 0, grid.active?.column ?? "", ["x", "y", "", null][random(4)] ?? null),
    () => grid.clear(random(2) === 0),
    () => grid.fill(random(2) === 0 ? "down" : "right"),
    () => grid.insertRows(1 + random(3), random(2) === 0 ? "above" : "below"),
    () => grid.deleteRows(),
    async () => {
      const plan = await grid.planPaste("1\t2\n3\t\n");
      return "done" in plan ? plan : grid.paste(plan);
    },
  ];
  await commands[random(commands.length)]?.();
  return grid.counter("draft") > before;
}
