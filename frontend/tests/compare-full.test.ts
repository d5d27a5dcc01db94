import { describe, expect, test } from "vitest";
import { rowsText } from "@/features/compare/full/copying";
import { partsOf } from "@/features/compare/full/differing";
import { actOf } from "@/features/compare/full/keys";
import { askedOf, rowNumber, saidOf, soughtOf } from "@/features/compare/full/place";
import { fullLink } from "@/features/compare/links";
import { Panes } from "@/features/compare/panes/model";
import type { ComparedRow, PaneColumn, PanesPort } from "@/features/compare/panes/types";

const column = (name: string, given: Partial<PaneColumn> = {}): PaneColumn => ({ name, a_name: name, b_name: name, status: "same", key: false, cells_changed: 0, ...given });
const row = (given: Partial<ComparedRow>): ComparedRow => ({ status: "same", moved: false, a_row: 1, b_row: 1, a: [], b: [], changed: [], format_only: [], ...given });
const key = (name: string, held = {}) => ({ key: name, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held });

const reader = (address: string) => {
  const query = new URL(address, "http://ret.test").searchParams;
  return (name: string): string => query.get(name) ?? "";
};

describe("the address of a cell in both tables", () => {
  test("a dot's link names the cell that the window then goes to, on either side", () => {
    const cell = { pair: "p/1", table: "main & more", row: 12_345, column: "Größe?" };
    const inA = reader(fullLink("c 1", { ...cell, side: "a" }));
    const inB = reader(fullLink("c 1", { ...cell, side: "b" }));
    expect([inA("pair"), inA("table"), inA("column")]).toEqual(["p/1", "main & more", "Größe?"]);
    expect(soughtOf(askedOf(inA))).toEqual({ a_row: 12_345 });
    expect(soughtOf(askedOf(inB))).toEqual({ b_row: 12_345 });
  });

  test("without a row the window begins at the first one, and nonsense is no row", () => {
    expect(soughtOf(askedOf(reader("/x?pair=p")))).toBeNull();
    expect(["", " ", "0", "-4", "1.5e3x", "abc"].map(rowNumber)).toEqual([null, null, null, null, null, null]);
    expect(["7", " 1,234,567 ", "1 000"].map(rowNumber)).toEqual([7, 1_234_567, 1000]);
  });

  test("a row that is only in B is told as one of B", () => {
    expect(saidOf(row({ a_row: 4, b_row: 9 }), column("Name"))).toEqual({ row: "4", side: "", column: "Name" });
    expect(saidOf(row({ a_row: null, b_row: 9 }), column("Name"))).toEqual({ row: "9", side: "b", column: "Name" });
  });
});

describe("keys of the window", () => {
  test("single keys act only where they are on, the others always", () => {
    expect(["n", "N", "p", "r", "?", "x"].map((name) => actOf(key(name), true))).toEqual(["next", "next", "previous", "review", "keys", null]);
    expect(actOf(key("n"), false)).toBeNull();
    expect([actOf(key("g", { ctrlKey: true }), false), actOf(key("f", { metaKey: true }), false)]).toEqual(["goTo", "find"]);
  });

  test("the browser keeps its own keys", () => {
    expect(actOf(key("n", { ctrlKey: true }), true)).toBeNull();
    expect(actOf(key("c", { ctrlKey: true }), true)).toBeNull();
    expect(actOf(key("C", { ctrlKey: true, shiftKey: true }), true)).toBe("copyRow");
    expect(actOf(key("p", { altKey: true }), true)).toBeNull();
  });
});

describe("what is copied", () => {
  const columns = [column("Id", { key: true }), column("Old", { b_name: null, status: "removed" }), column("New", { a_name: null, status: "added" }), column("Text")];
  const rows = [row({ a: ["1", "x", null, "two\nlines"], b: ["1", null, "y", "one"] }), row({ status: "added", a_row: null, a: null, b: ["2", null, "z", null] })];

  test("rows of a side have its columns in the order in which they are drawn", () => {
    expect(rowsText(rows, columns, [3, 0, 1, 2], "b")).toEqual({ text: "one\t1\ty\r\n\t2\tz", rows: 2 });
  });

  test("a row that the side does not have is left out, and lines in a cell stay in it", () => {
    expect(rowsText(rows, columns, [0, 1, 2, 3], "a")).toEqual({ text: '1\tx\t"two\nlines"', rows: 1 });
  });
});

describe("where two values differ", () => {
  test("the difference is one stretch of each, and the parts are the whole", () => {
    const [a, b] = partsOf("due in thirty days", "due in sixty days");
    expect([a.middle, b.middle]).toEqual(["thir", "six"]);
    expect([a.before + a.middle + a.after, b.before + b.middle + b.after]).toEqual(["due in thirty days", "due in sixty days"]);
  });

  test("one text inside the other, equal texts and empty ones are cut nowhere else", () => {
    expect(partsOf("aa", "aaa").map(({ middle }) => middle)).toEqual(["", "a"]);
    expect(partsOf("same", "same").map(({ middle }) => middle)).toEqual(["", ""]);
    expect(partsOf("", "x").map(({ middle }) => middle)).toEqual(["", "x"]);
  });

  test("a character of two code units is never cut in two", () => {
    for (const part of partsOf("a😀b", "a😁b")) expect([part.before, part.after]).toEqual(["a", "b"]);
    expect(partsOf("😀", "🨀").map(({ middle }) => middle)).toEqual(["😀", "🨀"]);
  });
});

describe("very wide tables", () => {
  const whole = (columns: number, total: number) => {
    const asked: { offset: number; limit: number }[] = [];
    const names = Array.from({ length: columns }, (_, at) => column(`C${at}`));
    const port: PanesPort = {
      page: ({ offset, limit }) => {
        asked.push({ offset, limit });
        const rows = Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, at) => row({ a_row: offset + at + 1, b_row: offset + at + 1 }));
        return Promise.resolve({ total, columns: names, rows });
      },
      locate: () => Promise.resolve(null),
    };
    return { panes: new Panes(port), asked };
  };

  test("rows of 500 columns come in smaller parts, and none is asked for twice or lost", async () => {
    const { panes, asked } = whole(500, 1_000_000);
    await panes.loaded();
    for (let top = 0; top < 400; top += 20) {
      panes.look({ top, bottom: top + 30, left: 0, right: 5 });
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    expect(asked.slice(1).every(({ limit }) => limit === 50)).toBe(true);
    expect(new Set(asked.map(({ offset }) => offset)).size).toBe(asked.length);
    expect(Array.from({ length: 430 }, (_, at) => panes.row(at)?.a_row)).toEqual(Array.from({ length: 430 }, (_, at) => at + 1));
  });

  test("narrow ones keep their large parts", async () => {
    const { panes, asked } = whole(12, 1000);
    await panes.loaded();
    panes.look({ top: 390, bottom: 410, left: 0, right: 5 });
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(asked.every(({ limit }) => limit === 200)).toBe(true);
    expect(panes.row(410)?.a_row).toBe(411);
  });
});
