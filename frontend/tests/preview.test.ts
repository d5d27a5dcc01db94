import { describe, expect, test } from "vitest";
import type { Document } from "@/api/types";
import { conditionsFrom, typedFrom } from "@/features/preview/conditions";
import { draftStore } from "@/features/preview/drafts";
import { listed } from "@/features/preview/port";
import { around, mainTable } from "@/features/preview/queries";
import { sheetOf } from "@/features/preview/unsaved";
import { editorMeaningOf, meaningOf, type Key } from "@/grid/keys";
import { scrolledTo, spanOf, standardWidth, type Box } from "@/grid/layout";
import { Mark } from "@/grid/model";
import { filledTo } from "@/grid/mouse";
import { labelOf, lookOf, shownOf } from "@/grid/painter";
import { pull } from "@/grid/pointer";

const words = {
  absent: "absent", empty: "empty", loading: "loading", failed: "failed", changed: "changed", edited: "edited", inserted: "new", deleted: "deleted",
  conflict: "conflict", menu: "menu", row: "Row", filtered: "filtered",
};

describe("what a cell shows and says", () => {
  test("absent and empty are told apart, for eyes and for ears", () => {
    expect([lookOf(null, 0), lookOf("", 0), lookOf("x", 0)]).toEqual(["is-absent", "is-empty", ""]);
    expect([labelOf(null, 0, words), labelOf("", 0, words), labelOf("x", 0, words)]).toEqual(["absent", "empty", ""]);
  });

  test("a cell that is not loaded is a skeleton, and neither absent nor empty", () => {
    expect(lookOf(undefined, Mark.loading)).toBe("is-loading");
    expect(labelOf(undefined, Mark.loading, words)).toBe("loading");
  });

  test("what is changed is read out with its value", () => {
    expect(labelOf("EUR", Mark.dirty | Mark.edited, words)).toBe("EUR, changed, edited");
    expect(labelOf(null, Mark.conflict, words)).toBe("absent, conflict");
  });

  test("a value stands on one line, and a long one is cut", () => {
    expect(shownOf("two\r\nlines\nand a third")).toBe("two ↵ lines ↵ and a third");
    expect(shownOf("x".repeat(1_000_000)).length).toBeLessThan(400);
  });
});

const key = (name: string, held: Partial<Key> = {}): Key => ({ key: name, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held });
const reading = { editing: false, several: false, leaving: false };
const editing = { ...reading, editing: true };

describe("the keys of the grid", () => {
  test("without edit mode nothing that is typed changes anything", () => {
    for (const name of ["a", "1", "Delete", "Backspace"]) expect(meaningOf(key(name), reading)).toBeNull();
    for (const name of ["z", "y", "d", "r"]) expect(meaningOf(key(name, { ctrlKey: true }), reading)).toBeNull();
    expect(meaningOf(key("Enter"), reading)).toEqual({ kind: "ask", what: "open" });
  });

  test("in edit mode a character opens the editor with it, also one that takes AltGr or two code units", () => {
    expect(meaningOf(key("a"), editing)).toEqual({ kind: "begin", typed: "a" });
    expect(meaningOf(key("€", { ctrlKey: true, altKey: true }), editing)).toEqual({ kind: "begin", typed: "€" });
    expect(meaningOf(key("𝕒"), editing)).toEqual({ kind: "begin", typed: "𝕒" });
    expect(meaningOf(key("F2"), editing)).toEqual({ kind: "begin", typed: undefined });
  });

  test("nobody is caught in the grid: Tab leaves it when reading, and after Escape", () => {
    expect(meaningOf(key("Tab"), reading)).toBeNull();
    expect(meaningOf(key("Tab"), editing)?.kind).toBe("do");
    expect(meaningOf(key("Escape"), editing)).toEqual({ kind: "leave" });
    expect(meaningOf(key("Tab"), { ...editing, leaving: true })).toBeNull();
  });

  test("the editor takes its value by Enter and Tab, and an arrow only while it is typed into", () => {
    expect(editorMeaningOf(key("Enter"), false)).toEqual({ kind: "commit", then: "down" });
    expect(editorMeaningOf(key("Tab", { shiftKey: true }), false)).toEqual({ kind: "commit", then: "left" });
    expect(editorMeaningOf(key("Enter", { altKey: true }), false)).toEqual({ kind: "newline" });
    expect(editorMeaningOf(key("ArrowLeft"), false)).toBeNull();
    expect(editorMeaningOf(key("ArrowLeft"), true)).toEqual({ kind: "commit", then: "left" });
  });

  test("Enter within a composition is the input method's", () => {
    expect(editorMeaningOf({ ...key("Enter"), isComposing: true }, true)).toBeNull();
  });
});

describe("where things are", () => {
  const box = (at: number, width: number, part: Box["part"]): Box => ({ at, name: `c${at}`, width, part });
  const all = [box(-1, 60, "frozen"), box(0, 100, "frozen"), box(1, 200, "scrolling"), box(2, 50, "scrolling")];

  test("a scrolling column is measured without those that stand still", () => {
    expect([spanOf(all, 0), spanOf(all, 1), spanOf(all, 2)]).toEqual([null, { start: 0, end: 200 }, { start: 200, end: 250 }]);
  });

  test("it is scrolled as little as it takes, and not at all where all is seen", () => {
    expect(scrolledTo(100, 128, 0, 500)).toBeNull();
    expect(scrolledTo(490, 518, 0, 500)).toBe(18);
    expect(scrolledTo(10, 38, 100, 500)).toBe(10);
    expect(scrolledTo(50, 900, 50, 500)).toBeNull();
  });

  test("a column is as wide as its name and its first value ask for, within reason", () => {
    expect([standardWidth("Id"), standardWidth("x".repeat(500))]).toEqual([88, 240]);
    expect(standardWidth("Id", "a description")).toBeGreaterThan(88);
    expect(standardWidth("Id", "y".repeat(10_000))).toBeLessThan(400);
  });

  test("out of the area the pointer pulls, the further the faster; within it does not", () => {
    const area = new DOMRect(0, 0, 100, 100);
    expect(pull({ clientX: 50, clientY: 50 }, area)).toEqual({ x: 0, y: 0 });
    expect(pull({ clientX: 50, clientY: 200 }, area).y).toBeGreaterThan(pull({ clientX: 50, clientY: 110 }, area).y);
  });

  test("dragging the handle fills down or across, whichever is further, and nothing within the range", () => {
    const source = { top: 2, bottom: 3, left: 1, right: 1, kind: "cells" as const };
    expect(filledTo(source, 3, 1)).toBe(source);
    expect(filledTo(source, 9, 2)).toMatchObject({ top: 2, bottom: 9, left: 1, right: 1 });
    expect(filledTo(source, 1, 6)).toMatchObject({ top: 2, bottom: 3, left: 1, right: 6 });
  });
});

describe("the neighbours of a document", () => {
  const document = (id: string): Document => ({ id, tables: [{ id: `t${id}`, name: "main", role: "main", rows: 1, columns: 1 }] }) as unknown as Document;
  const ids = ["a", "b", "c", "d", "e"];
  const read = async (offset: number) => Promise.resolve({ items: ids.slice(offset, offset + 2).map(document), total: ids.length });

  test("are found within a page, and over its edges", async () => {
    const found = await Promise.all(ids.map(async (id) => around(id, read)));
    expect(found.map(({ before, after }) => [before?.id ?? null, after?.id ?? null])).toEqual([[null, "b"], ["a", "c"], ["b", "d"], ["c", "e"], ["d", null]]);
    expect(found[2]).toMatchObject({ index: 2, total: 5 });
  });

  test("of a document that is not in the list there are none", async () => {
    expect(await around("z", read)).toEqual({ before: null, after: null, index: -1, total: 0 });
  });

  test("a document opens with its main table, or the first it has", () => {
    expect(mainTable(document("a"))).toBe("ta");
    expect(mainTable({ tables: [] } as unknown as Document)).toBeUndefined();
  });
});

describe("conditions", () => {
  test("one that is not whole yet is left out; several values stand on lines", () => {
    const typed = [
      { column: "Code", op: "contains" as const, text: "" },
      { column: "gone", op: "eq" as const, text: "x" },
      { column: "Code", op: "in" as const, text: "a\n\nb" },
      { column: "Note", op: "empty" as const, text: "left over" },
    ];
    const whole = conditionsFrom(typed, ["Code", "Note"]);
    expect(whole).toEqual([{ column: "Code", op: "in", value: ["a", "b"] }, { column: "Note", op: "empty" }]);
    expect(whole.map(typedFrom)[0]?.text).toBe("a\nb");
  });

  test("a column name with a comma stays one name", () => {
    expect(listed(["a,b", "Plain name", "@id"])).toBe("a%2Cb,Plain%20name,%40id");
  });
});

describe("what is not saved", () => {
  test("survives a reload of its session and is dropped with another one's", () => {
    draftStore("s1", "t1", sessionStorage).write("mine");
    expect(draftStore("s1", "t1", sessionStorage).read()).toBe("mine");
    expect(draftStore("s1", "t2", sessionStorage).read()).toBeNull();
    draftStore("s2", "t1", sessionStorage);
    expect(draftStore("s1", "t1", sessionStorage).read()).toBeNull();
  });

  test("where there is no room the draft says so", () => {
    const full = { length: 0, removeItem: () => undefined, setItem: () => { throw new DOMException("full", "QuotaExceededError"); } } as unknown as Storage;
    expect(draftStore("s", "t", full).write("x")).toBe(false);
  });

  test("is handed over as rows of a spreadsheet", () => {
    expect(sheetOf([["1", "Note", null, 'a "b"\nc']])).toBe('1\tNote\t\t"a ""b""\nc"');
  });
});
