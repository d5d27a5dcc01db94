import { describe, expect, test } from "vitest";
import { type Grid, isPlain, sortedBy, sortText, filterText, viewFrom, type PastePlan, type Value } from "@/grid/model";
import { fromTsv, toTsv } from "@/grid/model/tsv";
import { drawn, editing, FakeTable, settled, words } from "./table";

const copied = async (grid: Grid, headers = false): Promise<string> => {
  const answer = await grid.copy({ headers });
  if ("done" in answer) throw new Error(answer.why);
  return answer.text;
};
const planned = async (grid: Grid, text: string): Promise<PastePlan> => {
  const plan = await grid.planPaste(text);
  if ("done" in plan) throw new Error(plan.why);
  return plan;
};

describe("text of a spreadsheet", () => {
  test("cells with tabs, line ends or quotes are quoted, and come back as they were", () => {
    const rows: Value[][] = [["a\tb", 'say "hi"', "two\nlines"], ["", "plain", "\r\n"], ['"', "end", ""]];
    expect(toTsv(rows)).toBe('"a\tb"\t"say ""hi"""\t"two\nlines"\r\n\tplain\t"\r\n"\r\n""""\tend\t');
    expect(fromTsv(toTsv(rows))).toEqual(rows);
  });

  test("rows of nothing but empty cells are not lost", () => {
    for (const rows of [[[""]], [["a"], [""]], [[""], [""], [""]], [["", ""]], [["a", ""], ["", ""]]]) expect(fromTsv(toTsv(rows))).toEqual(rows);
  });

  test("the line's end after the last row opens no row, whichever program wrote it", () => {
    expect(fromTsv("a\tb\r\n1\t2\r\n")).toEqual([["a", "b"], ["1", "2"]]);
    expect(fromTsv("a\n1\n")).toEqual([["a"], ["1"]]);
    expect(fromTsv("a\r1")).toEqual([["a"], ["1"]]);
    expect(fromTsv("")).toEqual([[""]]);
  });

  test("quotes that enclose no whole cell are text", () => {
    expect(fromTsv('"a" b\tc')).toEqual([['"a" b', "c"]]);
    expect(fromTsv('"never closed\tb\nc')).toEqual([['"never closed', "b"], ["c"]]);
    expect(fromTsv('5" pipe')).toEqual([['5" pipe']]);
    expect(fromTsv('""')).toEqual([[""]]);
    expect(fromTsv('"a""b"')).toEqual([['a"b']]);
  });
});

describe("copying", () => {
  test("gives the range in the drawn order of columns, with or without their names", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.columns.move("Amount", 0);
    grid.select(0, 0);
    grid.select(1, 1, { extend: true });
    expect(await copied(grid)).toBe("0\t0001\r\n37\t0002");
    expect(await copied(grid, true)).toBe("Amount\tId\r\n0\t0001\r\n37\t0002");
  });

  test("takes what is typed and not saved, and loads what is missing", async () => {
    const grid = await editing(new FakeTable(words(900)));
    grid.set(1, "Word", "typed");
    grid.select(0, 1, { kind: "columns" });
    const lines = (await copied(grid)).split("\r\n");
    expect(lines).toHaveLength(900);
    expect([lines[0], lines[899]]).toEqual(["typed", "gamma"]);
  });

  test("is refused for several ranges, for too much, and where cells cannot be had", async () => {
    const table = new FakeTable(words(900));
    const grid = await editing(table);
    expect(await grid.copy()).toEqual({ done: false, why: "nothing-selected" });
    grid.select(0, 0);
    grid.select(4, 0, { add: true });
    expect(await grid.copy()).toEqual({ done: false, why: "several-ranges" });
    grid.select(800, 0);
    table.failures = [new Error("503")];
    expect(await grid.copy()).toEqual({ done: false, why: "load-failed" });
    const big = await editing(new FakeTable(Array.from({ length: 50_001 }, () => ["a", "b"]), ["A", "B"]));
    big.selectAll();
    expect(await big.copy()).toEqual({ done: false, why: "too-many-cells" });
    big.select(0, 0, { kind: "columns" });
    expect(await big.copy()).toEqual({ done: false, why: "too-many-cells" });
    expect(await big.clear()).toEqual({ done: false, why: "too-many-cells" });
  });
});

describe("pasting", () => {
  test("is planned first: nothing changes before the plan is done, and then it is one step of undo", async () => {
    const grid = await editing(new FakeTable(words(5)));
    grid.select(1, 1);
    const plan = await planned(grid, "x\t37\r\ny\t8\r\n");
    expect(plan.changes).toEqual([
      { row: 2, line: 1, column: "Word", before: "beta", after: "x" },
      { row: 3, line: 2, column: "Word", before: "gamma", after: "y" },
      { row: 3, line: 2, column: "Amount", before: "74", after: "8" },
    ]);
    expect([plan.same, plan.rejected, plan.target]).toEqual([1, [], { top: 1, bottom: 2, left: 1, right: 2 }]);
    expect(grid.hasDraft).toBe(false);
    expect(grid.paste(plan)).toEqual({ done: true });
    expect(drawn(grid, 1, 2)).toEqual([["0002", "x", "37"], ["0003", "y", "8"]]);
    expect(grid.ranges[0]).toMatchObject({ top: 1, bottom: 2, left: 1, right: 2 });
    grid.undo();
    expect(grid.hasDraft).toBe(false);
  });

  test("cells that would fall beyond the table are named, the others are pasted", async () => {
    const grid = await editing(new FakeTable(words(3)));
    grid.select(2, 2);
    const plan = await planned(grid, "1\t2\n3\t4");
    expect(plan.changes.map(({ after }) => after)).toEqual(["1"]);
    expect(plan.rejected.map(({ line, at, column, value, why }) => [line, at, column, value, why])).toEqual([
      [2, 3, null, "2", "beyond-table"],
      [3, 2, "Amount", "3", "beyond-table"],
      [3, 3, null, "4", "beyond-table"],
    ]);
    expect(plan.target).toEqual({ top: 2, bottom: 2, left: 2, right: 2 });
  });

  test("links, rows to be deleted and values that are too long are rejected, each with its reason", async () => {
    const grid = await editing(new FakeTable(words(3), ["_id", "Word", "Amount"], { _id: "link" }));
    grid.select(2, 0);
    await grid.deleteRows();
    grid.select(0, 0);
    const plan = await planned(grid, `x\t${"z".repeat(1024 * 1024 + 1)}\ty\n0002\tb\tc\nn\tn\tn`);
    expect(plan.rejected.map(({ line, column, why }) => [line, column, why])).toEqual([
      [0, "_id", "read-only-column"],
      [0, "Word", "too-long"],
      [2, "_id", "read-only-column"],
      [2, "Word", "row-deleted"],
      [2, "Amount", "row-deleted"],
    ]);
    expect(plan.same).toBe(1);
    expect(plan.changes).toHaveLength(3);
  });

  test("a single value fills all selected ranges; more than one is repeated where it fits whole times", async () => {
    const grid = await editing(new FakeTable(words(8)));
    grid.select(0, 1);
    grid.select(1, 1, { extend: true });
    grid.select(4, 2, { add: true });
    grid.paste(await planned(grid, "v"));
    expect(drawn(grid).flat().filter((value) => value === "v")).toHaveLength(3);
    expect(await grid.planPaste("a\tb")).toEqual({ done: false, why: "several-ranges" });
    grid.select(0, 1);
    grid.select(3, 2, { extend: true });
    grid.paste(await planned(grid, "a\tb\nc\td"));
    expect(drawn(grid, 0, 3).map((row) => row.slice(1))).toEqual([["a", "b"], ["c", "d"], ["a", "b"], ["c", "d"]]);
  });

  test("into rows that are not loaded it loads them first, and says where that failed", async () => {
    const table = new FakeTable(words(900));
    const grid = await editing(table);
    grid.select(500, 1);
    expect((await planned(grid, "x\ny")).changes.map(({ row }) => row)).toEqual([501, 502]);
    grid.select(800, 1);
    table.failures = [new Error("503")];
    const plan = await planned(grid, "x\ny");
    expect(plan.changes).toEqual([]);
    expect(plan.rejected.map(({ why }) => why)).toEqual(["not-loaded", "not-loaded"]);
    expect(grid.paste(plan)).toEqual({ done: false, why: "nothing-to-do" });
  });

  test("a plan of another state is not done", async () => {
    const table = new FakeTable(words(9));
    const grid = await editing(table);
    grid.select(0, 1);
    const plan = await planned(grid, "x");
    grid.set(4, "Word", "typed meanwhile");
    expect(grid.paste(plan)).toEqual({ done: false, why: "outdated" });
    const second = await planned(grid, "x");
    table.byOthers([[1, "Word", "theirs"]]);
    grid.refresh();
    await settled();
    expect(grid.paste(second)).toEqual({ done: false, why: "outdated" });
  });

  test("what was copied here keeps its absent cells; text from elsewhere does not make absent cells empty", async () => {
    const grid = await editing(new FakeTable([[null, "b", "c"], ["d", "e", null]]));
    grid.select(0, 0);
    grid.select(0, 1, { extend: true });
    const text = await copied(grid);
    grid.select(1, 0);
    grid.paste(await planned(grid, text));
    expect(drawn(grid)[1]).toEqual([null, "b", null]);
    grid.select(1, 1);
    grid.paste(await planned(grid, "\t"));
    expect(drawn(grid)[1]).toEqual([null, "", null]);
  });

  test("a range of 50 by 20 is pasted and saved", async () => {
    const names = Array.from({ length: 20 }, (_, at) => `C${at}`);
    const table = new FakeTable(Array.from({ length: 60 }, () => names.map(() => "-")), names);
    const grid = await editing(table);
    const given = Array.from({ length: 50 }, (_, row) => names.map((name) => `${row}/${name}`));
    grid.select(5, 0);
    grid.paste(await planned(grid, toTsv(given)));
    expect(grid.dirty.cells).toBe(1000);
    await grid.save();
    expect(table.rows.slice(5, 55).map(({ values }) => values)).toEqual(given);
    expect(table.patches).toHaveLength(1);
  });
});

describe("a view as the API says it", () => {
  test("names with commas and minuses are kept apart from the list and the direction", () => {
    const sort = [{ column: "a,b", descending: true }, { column: "-c", descending: false }];
    expect(sortText(sort)).toBe("-a%2Cb,%2Dc");
    expect(viewFrom(sortText(sort), undefined)).toEqual({ sort, filter: [] });
    expect(sortText([])).toBeUndefined();
  });

  test("conditions come back as they went", () => {
    const filter = viewFrom("", '[{"column":"A","op":"in","value":["x","y"]},{"column":"B","op":"empty","value":"left over"},{"column":"C","op":"regex","value":"^a"}]').filter;
    expect(filter).toEqual([{ column: "A", op: "in", value: ["x", "y"] }, { column: "B", op: "empty" }, { column: "C", op: "regex", value: "^a" }]);
    expect(viewFrom(undefined, filterText(filter)).filter).toEqual(filter);
    expect(filterText([])).toBeUndefined();
  });

  test("what cannot be read is left out", () => {
    expect(isPlain(viewFrom("%E0%A4%A,-", "no json"))).toBe(true);
    expect(isPlain(viewFrom("", '{"column":"A"}'))).toBe(true);
    expect(viewFrom("", '[null,{"column":"A","op":"like","value":"x"},{"column":"A","op":"in","value":"x"},{"column":"A","op":"eq","value":1}]').filter).toEqual([]);
  });

  test("a click on a column sorts it up, down, and not at all; with others kept it stands among them", () => {
    const up = sortedBy([], "A");
    const down = sortedBy(up, "A");
    expect([up, down, sortedBy(down, "A")]).toEqual([[{ column: "A", descending: false }], [{ column: "A", descending: true }], []]);
    const both = sortedBy(down, "B", true);
    expect(sortText(both)).toBe("-A,B");
    expect(sortText(sortedBy(both, "B", true))).toBe("-A,-B");
    expect(sortText(sortedBy(both, "A", true))).toBe("B");
  });
});
