import { describe, expect, test } from "vitest";
import { ProblemError, problemFrom } from "@/api/problem";
import { dragged, fitted, Layout } from "@/features/compare/panes/columns";
import { meaningOf } from "@/features/compare/panes/keys";
import { Panes } from "@/features/compare/panes/model";
import { Scroll, shown, TALLEST } from "@/features/compare/panes/scrolling";
import type { ComparedRow, Located, PaneColumn, PanesPort, Sought } from "@/features/compare/panes/types";
import { holds, jumpTo } from "@/features/compare/pair/patterns";

const column = (name: string, change: Partial<PaneColumn> = {}): PaneColumn => ({ name, a_name: name, b_name: name, status: "same", ...change });
const COLUMNS = [column("Id", { key: true }), column("Name", { status: "changed" }), column("Flag", { status: "changed" })];

/** Every third row has another flag, every seventh another name; each eleventh is only in A. */
function rowAt(at: number): ComparedRow {
  const a = [String(at), `Name ${at}`, "Y"];
  if (at % 11 === 10) return { status: "removed", moved: false, a_row: at + 1, b_row: null, a, b: null, changed: [], format_only: [] };
  const changed = [...(at % 7 === 0 ? [1] : []), ...(at % 3 === 0 ? [2] : [])];
  const b = a.map((value, index) => (changed.includes(index) ? (index === 2 ? "N" : `${value}!`) : value));
  return { status: changed.length > 0 ? "changed" : "same", moved: false, a_row: at + 1, b_row: at + 1, a, b, changed, format_only: [] };
}

class Table implements PanesPort {
  readonly asked: { offset: number; limit: number; signal: AbortSignal }[] = [];
  /** Rows that one answer may have. */
  most = Infinity;
  fails = false;

  constructor(readonly total: number) {}

  async page(asked: { offset: number; limit: number; signal: AbortSignal }) {
    this.asked.push(asked);
    await Promise.resolve();
    if (this.fails) throw new ProblemError(problemFrom(503, null, () => null));
    if (asked.limit > this.most) throw new ProblemError(problemFrom(422, { code: "PAGE_TOO_LARGE" }, () => null));
    const last = Math.min(this.total, asked.offset + asked.limit);
    return { total: this.total, columns: COLUMNS, rows: Array.from({ length: Math.max(0, last - asked.offset) }, (_, at) => rowAt(asked.offset + at)) };
  }

  async locate(sought: Sought): Promise<Located | null> {
    await Promise.resolve();
    const back = "last_before" in sought;
    let at = "next_after" in sought ? sought.next_after + 1 : "last_before" in sought ? sought.last_before - 1 : "from" in sought ? sought.from : -1;
    const fits = (row: ComparedRow): boolean => ("text" in sought ? [...(row.a ?? []), ...(row.b ?? [])].some((value) => value?.includes(sought.text)) : row.status !== "same");
    if ("a_row" in sought) at = sought.a_row - 1;
    else while (at >= 0 && at < this.total && !fits(rowAt(at))) at += back ? -1 : 1;
    return at < 0 || at >= this.total ? null : { position: at, a_row: rowAt(at).a_row, b_row: rowAt(at).b_row, column: null };
  }
}

async function opened(table = new Table(1000)): Promise<Panes> {
  const panes = new Panes(table);
  panes.ordered([0, 1, 2]);
  await panes.loaded().catch(() => undefined);
  return panes;
}
const at = (panes: Panes): [number, number] | null => (panes.active ? [panes.active.position, panes.active.column] : null);

describe("the rows of both tables", () => {
  test("come by blocks: what is in sight, and then what is next", async () => {
    const table = new Table(100_000);
    const panes = await opened(table);
    expect(panes.total).toBe(100_000);
    expect(panes.row(150)?.a_row).toBe(151);
    expect(panes.row(50_000)).toBeUndefined();
    expect(await panes.load(50_000)).toMatchObject({ a_row: 50_001 });
    expect(table.asked.every(({ limit }) => limit === 200)).toBe(true);
  });

  test("come in smaller blocks where the columns are too many for one answer", async () => {
    const table = new Table(1000);
    table.most = 20;
    const panes = await opened(table);
    expect(panes.total).toBe(1000);
    expect(await panes.load(999)).toMatchObject({ a_row: 1000 });
    expect(panes.state.kind).toBe("ready");
  });

  test("that cannot be had are a failure, which is mended by trying again", async () => {
    const table = new Table(1000);
    table.fails = true;
    const panes = await opened(table);
    expect(panes.state.kind).toBe("failed");
    table.fails = false;
    panes.retry();
    await panes.loaded();
    expect(panes.state.kind).toBe("ready");
  });

  test("an empty view has no active cell and no end", async () => {
    const panes = await opened(new Table(0));
    panes.move("down");
    expect(panes.active).toBeNull();
    expect(await panes.step(1)).toBe(false);
    expect(await panes.load(0)).toBeUndefined();
  });
});

describe("moving in both tables", () => {
  test("keys move the one active cell, never out of the tables", async () => {
    const panes = await opened();
    for (const by of ["up", "left", "home"] as const) panes.move(by);
    expect(at(panes)).toEqual([0, 0]);
    panes.move("right");
    panes.move("down", 20);
    expect(at(panes)).toEqual([20, 1]);
    panes.move("bottom");
    panes.move("end");
    expect(at(panes)).toEqual([999, 2]);
    panes.move("right");
    panes.move("down");
    expect(at(panes)).toEqual([999, 2]);
  });

  test("columns follow each other as they are drawn", async () => {
    const panes = await opened();
    panes.ordered([2, 0, 1]);
    panes.goTo(0, 2);
    panes.move("right");
    expect(at(panes)).toEqual([0, 0]);
  });

  test("N and P go through every changed cell, row by row, and whole rows once", async () => {
    const panes = await opened(new Table(13));
    const seen: unknown[] = [];
    while (await panes.step(1)) seen.push(at(panes));
    expect(seen).toEqual([[0, 1], [0, 2], [3, 2], [6, 2], [7, 1], [9, 2], [10, 0], [12, 2]]);
    const back: unknown[] = [at(panes)];
    while (await panes.step(-1)) back.push(at(panes));
    expect(back).toEqual([...seen].reverse());
  });

  test("however fast N is pressed, each press is a change further", async () => {
    const panes = await opened();
    await Promise.all([panes.step(1), panes.step(1), panes.step(1)]);
    expect(at(panes)).toEqual([3, 2]);
  });

  test("a place is found by its row, a column by its name on either side", async () => {
    const panes = await opened();
    await panes.seek({ a_row: 500 }, "Flag");
    expect(at(panes)).toEqual([499, 2]);
    expect(panes.index("gone")).toBe(-1);
    expect(await panes.seek({ a_row: 5000 })).toBeNull();
  });

  test("a pattern leads from one of its rows to the next, and around", async () => {
    const panes = await opened(new Table(10));
    const pattern = { table: "main", column: "Name", old: "Name 7", new: "Name 7!", count: 1, format_only: false, pairs: 1 };
    panes.goTo(9, 0);
    expect(await jumpTo(panes, pattern)).toBe(true);
    expect(at(panes)).toEqual([7, 1]);
    expect(await jumpTo(panes, { ...pattern, new: "nowhere to be seen" })).toBe(false);
    expect(holds(rowAt(7), 1, pattern)).toBe(true);
    expect(holds(rowAt(6), 1, pattern)).toBe(false);
  });
});

describe("the selection", () => {
  test("holds rows that differ, one by one and from one to another", async () => {
    const panes = await opened();
    panes.select(0, "toggle");
    panes.select(10, "extend");
    expect([...panes.selected.keys()]).toEqual([0, 3, 6, 7, 9, 10]);
    panes.select(3, "toggle");
    expect(panes.selected.has(3)).toBe(false);
    panes.select(1, "only");
    expect(panes.selected.size).toBe(0);
    panes.select(0, "toggle");
    panes.unselect();
    expect(panes.selected.size).toBe(0);
  });
});

describe("scrolling", () => {
  test("a small table scrolls as it is", () => {
    const scroll = new Scroll();
    scroll.resize(5000, 1000);
    expect([scroll.reach, scroll.longest]).toEqual([4000, 4000]);
    expect(scroll.follow(1234)).toBe(true);
    expect(scroll.top).toBe(1234);
    scroll.resize(1500, 1000);
    expect(scroll.top).toBe(500);
  });

  test("a million rows fit an element that no browser cuts, and a turn of the wheel is still a few rows", () => {
    const scroll = new Scroll();
    scroll.resize(28_000_000, 1000);
    expect(scroll.reach).toBe(TALLEST);
    scroll.follow(100);
    expect(scroll.top).toBe(100);
    scroll.follow(200);
    expect(scroll.top).toBe(200);
    expect(scroll.settled()).toBe(Math.round((200 * TALLEST) / scroll.longest));
  });

  test("dragging the bar reaches every part of it, and its ends are the ends", () => {
    const scroll = new Scroll();
    scroll.resize(28_000_000, 1000);
    scroll.follow(TALLEST / 2);
    expect(Math.abs(scroll.top - scroll.longest / 2)).toBeLessThan(2);
    scroll.follow(TALLEST);
    expect(scroll.top).toBe(scroll.longest);
    scroll.follow(0);
    expect(scroll.top).toBe(0);
    scroll.to(14_000_000);
    expect(scroll.top).toBe(14_000_000);
    expect(scroll.follow(scroll.bar)).toBe(false);
  });

  test("as little as it takes is scrolled, and not at all where all is seen", () => {
    expect([shown(100, 128, 0, 500), shown(490, 518, 0, 500), shown(10, 38, 100, 500), shown(50, 900, 50, 500)]).toEqual([null, 18, 10, null]);
  });
});

describe("columns", () => {
  test("keys stand still, unless nothing would be left to scroll", () => {
    const roomy = new Layout(COLUMNS, [100, 120, 80], 50, 600);
    expect([roomy.frozenWidth, roomy.scrollingWidth, roomy.order]).toEqual([150, 200, [0, 1, 2]]);
    const narrow = new Layout(COLUMNS, [100, 120, 80], 50, 200);
    expect([narrow.frozenWidth, narrow.frozen.length]).toEqual([50, 0]);
    expect(roomy.box(2)).toEqual({ box: { index: 2, start: 120, width: 80 }, frozen: false });
    expect(roomy.box(9)).toBeNull();
  });

  test("of a hundred thousand only those in sight are drawn", () => {
    const many = Array.from({ length: 100_000 }, (_, index) => column(`c${index}`));
    const layout = new Layout(many, many.map(() => 100), 50, 600);
    expect(layout.within(5_000_000, 5_000_500).map(({ index }) => index)).toEqual([50_000, 50_001, 50_002, 50_003, 50_004]);
    expect(layout.within(-100, 50)).toHaveLength(1);
    expect(layout.within(10_000_000, 10_000_500)).toEqual([]);
  });

  test("are as wide as what stands in them, within reason", () => {
    const [id, name] = fitted(COLUMNS, [{ ...rowAt(0), a: ["1", "x".repeat(500), "Y"] }]);
    expect(id).toBeLessThan(110);
    expect(name).toBeGreaterThan(200);
    expect(name).toBeLessThan(320);
    expect([dragged(3), dragged(5000)]).toEqual([48, 900]);
  });
});

describe("keys", () => {
  const key = (name: string, held: Partial<KeyboardEvent> = {}) => meaningOf({ key: name, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held });

  test("move, select, open, and leave letters to the page", () => {
    expect(key("ArrowDown", { shiftKey: true })).toMatchObject({ kind: "move", by: "down", extend: true });
    expect(key("Home", { ctrlKey: true })).toMatchObject({ by: "top" });
    expect(key("PageDown")).toMatchObject({ by: "down", page: true });
    expect(key("ArrowRight", { shiftKey: true })).toEqual({ kind: "widen", by: 24 });
    expect([key(" ")?.kind, key("Enter")?.kind, key("Escape")?.kind, key("F10", { shiftKey: true })?.kind]).toEqual(["select", "open", "unselect", "menu"]);
    expect([key("n"), key("Tab"), key("ArrowLeft", { altKey: true }), key("f", { ctrlKey: true })]).toEqual([null, null, null, null]);
  });
});
