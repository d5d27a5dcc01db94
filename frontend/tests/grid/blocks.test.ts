import { describe, expect, test, vi } from "vitest";
import { createGrid, Mark, type Page, type PageRequest, type TablePort } from "@/grid/model";
import { BLOCK_COLUMNS, BLOCK_ROWS } from "@/grid/model/limits";
import { FakeTable, settled, words } from "./table";

const all = (count: number) => Array.from({ length: count }, (_, at) => at);

/** A million rows and 500 columns that exist only where they are asked for. */
function wide(rows = 1_000_000, columns = 500, padding = "") {
  const pages: PageRequest[] = [];
  const names = all(columns).map((at) => `C${at}`);
  const table: Pick<TablePort, "page"> = {
    page(request): Promise<Page> {
      pages.push(request);
      const count = Math.max(0, Math.min(request.limit, rows - request.offset));
      const made = all(count).map((at) => ({ row: request.offset + at + 1, values: request.columns.map((name) => `${request.offset + at + 1}:${name}${padding}`) }));
      return Promise.resolve({ version: 1, total_rows: rows, matched_rows: rows, rows: made });
    },
  };
  const grid = createGrid({ table: table as TablePort, columns: names.map((name) => ({ name, path: `/${name}`, type: "text" })), version: 1, totalRows: rows });
  return { grid, pages };
}

describe("what is loaded", () => {
  test("cells in sight are asked for, with the rows after them and the columns beside them ahead", async () => {
    const { grid, pages } = wide();
    grid.look({ top: 0, bottom: 30, columns: all(12) });
    expect(grid.value(0, 0)).toBeUndefined();
    expect(grid.marks(0, 0) & Mark.loading).toBeTruthy();
    await settled();
    expect(grid.value(0, 0)).toBe("1:C0");
    expect(grid.row(30)).toBe(31);
    expect(grid.marks(0, 0)).toBe(0);
    expect(pages[0]).toMatchObject({ offset: 0, limit: BLOCK_ROWS });
    expect(pages[0]?.columns).toHaveLength(BLOCK_COLUMNS);
    expect(pages.map(({ offset }) => offset)).toContain(BLOCK_ROWS);
  });

  test("a jump to the last row asks for that place and gives up what is not seen any more", async () => {
    const { grid, pages } = wide();
    grid.look({ top: 0, bottom: 30, columns: all(12) });
    const given = pages;
    await Promise.resolve();
    grid.look({ top: 999_970, bottom: 999_999, columns: all(12) });
    await settled();
    expect(grid.value(999_999, 11)).toBe("1000000:C11");
    expect(given.find(({ offset }) => offset === 0)?.signal.aborted).toBe(true);
    expect(grid.value(0, 0)).toBeUndefined();
  });

  test("dragging the scroll bar asks only for the place where it rests", async () => {
    vi.useFakeTimers();
    const { grid, pages } = wide();
    grid.look({ top: 0, bottom: 30, columns: [0] });
    for (let top = 50_000; top <= 900_000; top += 50_000) grid.look({ top, bottom: top + 30, columns: [0] });
    await vi.advanceTimersByTimeAsync(100);
    expect(pages.filter(({ offset }) => offset > 0 && offset < 900_000).length).toBeLessThanOrEqual(3);
    expect(grid.value(900_000, 0)).toBe("900001:C0");
    vi.useRealTimers();
  });

  test("memory has a limit: what was not used for the longest time goes first, never what is in sight", async () => {
    const { grid } = wide(100_000, 10, "x".repeat(2000));
    const places = [0, 200, 0, 200, 400];
    for (const top of places) {
      grid.look({ top, bottom: top + 190, columns: all(10) });
      await settled();
    }
    expect(grid.value(400, 0)).toMatch(/^401:C0x/);
    expect(grid.value(0, 0)).toMatch(/^1:C0x/);
    for (let top = 600; top < 4600; top += 200) {
      grid.look({ top, bottom: top + 190, columns: all(10) });
      await settled();
      expect(grid.value(top, 0)).toBeDefined();
    }
    expect(grid.value(0, 0)).toBeUndefined();
    expect(grid.lineOf(1)).toBeUndefined();
  });

  test("a block that fails says so in its cells and is loaded by trying again", async () => {
    const table = new FakeTable(words(10));
    const grid = createGrid(table.start);
    const problem = new Error("503");
    table.failures = [problem];
    grid.look({ top: 0, bottom: 9, columns: [0, 1, 2] });
    await settled();
    expect(grid.marks(0, 0) & Mark.failed).toBeTruthy();
    expect(grid.failed).toBe(problem);
    expect(grid.state).toEqual({ kind: "ready" });
    grid.retry();
    await settled();
    expect(grid.value(0, 1)).toBe("alpha");
    expect(grid.failed).toBeUndefined();
  });

  test("in a sorted view whose first page fails nothing can be drawn, and the reason is given", async () => {
    const table = new FakeTable(words(10));
    const grid = createGrid({ ...table.start, view: { sort: [{ column: "Word", descending: true }], filter: [] } });
    expect(grid.state.kind).toBe("loading");
    table.failures = [new Error("503")];
    grid.look({ top: 0, bottom: 9, columns: [0, 1, 2] });
    await settled();
    expect(grid.state.kind).toBe("failed");
    grid.retry();
    await settled();
    expect(grid.state.kind).toBe("ready");
    expect(grid.value(0, 1)).toBe("gamma");
  });

  test("an answer for an older view is dropped", async () => {
    const table = new FakeTable(words(10));
    const grid = createGrid(table.start);
    table.gate.closed = true;
    grid.look({ top: 0, bottom: 9, columns: [0, 1, 2] });
    await settled();
    grid.setView({ sort: [], filter: [{ column: "Word", op: "eq", value: "beta" }] });
    await settled();
    table.gate.open();
    await settled();
    expect(grid.matchedRows).toBe(3);
    expect([0, 1, 2].map((line) => grid.value(line, 1))).toEqual(["beta", "beta", "beta"]);
    expect(grid.totalRows).toBe(10);
  });

  test("an answer of a newer version replaces what is loaded; until then the old is shown as stale", async () => {
    const table = new FakeTable(words(500));
    const grid = createGrid(table.start);
    grid.look({ top: 0, bottom: 30, columns: [0, 1, 2] });
    await settled();
    table.byOthers([[1, "Word", "theirs"]]);
    table.gate.closed = true;
    grid.refresh(2);
    await settled();
    expect(grid.value(0, 1)).toBe("alpha");
    expect(grid.marks(0, 1) & Mark.stale).toBeTruthy();
    table.gate.open();
    await settled();
    expect(grid.value(0, 1)).toBe("theirs");
    expect(grid.marks(0, 1)).toBe(Mark.edited);
    expect(grid.version).toBe(2);
  });

  test("an answer that is older than a version that is known is asked for again", async () => {
    const table = new FakeTable(words(10));
    const grid = createGrid(table.start);
    table.gate.closed = true;
    grid.look({ top: 0, bottom: 9, columns: [0, 1, 2] });
    await settled();
    table.byOthers([[1, "Word", "newer"]]);
    grid.refresh(2);
    table.gate.open();
    await settled();
    expect(grid.value(0, 1)).toBe("newer");
    expect(grid.version).toBe(2);
  });

  test("a server that only ever answers an old version is a failure, not an endless loop", async () => {
    const table = new FakeTable(words(10));
    const grid = createGrid({ ...table.start, version: 7 });
    grid.look({ top: 0, bottom: 9, columns: [0] });
    await settled();
    expect(grid.marks(0, 0) & Mark.failed).toBeTruthy();
    expect(table.pages.length).toBeLessThan(20);
  });

  test("subscribers hear once what changed, and in which lines; a counter tells it as well", async () => {
    const table = new FakeTable(words(10));
    const grid = createGrid(table.start);
    grid.look({ top: 0, bottom: 9, columns: [0, 1, 2] });
    await settled();
    const heard: unknown[] = [];
    const stop = grid.subscribe(({ topics, lines }) => heard.push([[...topics].sort(), lines]));
    grid.setEditMode(true);
    const before = grid.counter("draft");
    grid.set(4, "Word", "x");
    expect(heard).toEqual([[["editing"], null], [["cells", "draft", "statistics"], { top: 3, bottom: 3 }]]);
    expect(grid.counter("draft")).toBe(before + 1);
    stop();
    grid.set(5, "Word", "y");
    expect(heard).toHaveLength(2);
  });

  test("after closing nothing is asked and nothing is told any more", async () => {
    const { grid, pages } = wide();
    const listener = vi.fn();
    grid.subscribe(listener);
    grid.close();
    grid.look({ top: 0, bottom: 30, columns: [0] });
    await settled();
    expect(pages).toEqual([]);
    expect(listener).not.toHaveBeenCalled();
  });

  test("a value is read wherever it is", async () => {
    const { grid } = wide();
    expect(await grid.read(765_432, 123)).toBe("765433:C123");
    const table = new FakeTable(words(3));
    const failing = createGrid(table.start);
    table.failures = [new Error("503")];
    await expect(failing.read(1, 1)).rejects.toThrow("503");
    expect(await failing.read(1, 1)).toBe("beta");
  });

  test("an empty table is ready and has no lines", async () => {
    const grid = createGrid(new FakeTable([]).start);
    grid.look({ top: 0, bottom: 30, columns: [0] });
    await settled();
    expect(grid.lines).toBe(0);
    expect(grid.active).toBeNull();
    expect(grid.state.kind).toBe("ready");
  });
});
