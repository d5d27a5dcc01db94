import { describe, expect, test } from "vitest";
import type { Collection } from "@/api/types";
import { addressOf } from "@/features/compare/calls";
import { fullLink } from "@/features/compare/links";
import { groupsOf, hindranceOf, optionsFromQuery, optionsOf, optionsToQuery, orderOf, PLAIN, type Source } from "@/features/compare/order";
import { changeOf, effectOf, isNothing, wholeEffect } from "@/features/compare/pair/applying";
import { statusesOf } from "@/features/compare/queries";
import { allOf, differing, pathOf } from "@/features/compare/statuses";
import { actOf, firstOpen, linesOf, narrowed, typedAhead } from "@/features/compare/tree";
import type { Tally, TablePair, TreeNode } from "@/features/compare/types";
import type { ComparedRow } from "@/features/compare/panes/types";

const source = (collection: string, change: Partial<Source> = {}): Source => ({ collection, document: "", version: "edited", ...change });
const collection = (id: string, groups: Record<string, number> = {}, status = "ready"): Collection =>
  ({ id, status, groups: Object.entries(groups).map(([name, documents]) => ({ name, documents })) }) as unknown as Collection;

describe("what is compared with what", () => {
  const found = { a: collection("1"), b: collection("2") };

  test("cannot be started before both sides are there, differ, and have been scanned", () => {
    expect(hindranceOf(source(""), source("2"), found, null)).toBe("chooseA");
    expect(hindranceOf(source("1"), source(""), found, null)).toBe("chooseB");
    expect(hindranceOf(source("1"), source("1"), found, null)).toBe("same");
    expect(hindranceOf(source("1"), source("2"), { ...found, b: collection("2", {}, "scanning") }, null)).toBe("scanning");
    expect(hindranceOf(source("1"), source("2"), found, [])).toBe("noGroup");
    expect(hindranceOf(source("1"), source("2"), found, null)).toBeNull();
  });

  test("may be one upload with its edits and without", () => {
    expect(hindranceOf(source("1", { version: "original" }), source("1"), found, null)).toBeNull();
  });

  test("is ordered as a collection or as one document of it, without what is plain", () => {
    expect(orderOf(source("1"), source("2", { document: "d" }), null, PLAIN)).toEqual({ a: { collection_id: "1", version: "edited" }, b: { document_id: "d", version: "edited" } });
    const options = { ...PLAIN, ignore_case: true };
    expect(orderOf(source("1"), source("2"), ["AP"], options)).toMatchObject({ groups: ["AP"], options });
  });

  test("counts each group on both sides", () => {
    expect(groupsOf(collection("1", { GL: 2, AP: 1 }), collection("2", { GL: 3, FA: 4 }))).toEqual([
      { name: "AP", a: 1, b: 0 },
      { name: "FA", a: 0, b: 4 },
      { name: "GL", a: 2, b: 3 },
    ]);
  });

  test("has options that survive the address, also with a comma in a name", () => {
    const options = { keys: ["a,b", "Id"], ignore_columns: ["100 %"], ignore_case: true, ignore_space: false, numeric_tolerance: 0.005 };
    const query = optionsToQuery(options);
    expect(optionsFromQuery((name) => query[name] ?? "")).toEqual(options);
    expect(optionsFromQuery(() => "")).toEqual(PLAIN);
    expect(optionsFromQuery((name) => (name === "tolerance" ? "-3" : "%"))).toMatchObject({ keys: ["%"], numeric_tolerance: 0 });
  });

  test("options somebody left out are off", () => {
    expect(optionsOf({ keys: ["Id"], ignore_case: undefined })).toEqual({ ...PLAIN, keys: ["Id"] });
    expect(optionsOf(null)).toEqual(PLAIN);
  });
});

describe("addresses", () => {
  test("what is not asked is not said, but nought is", () => {
    expect(addressOf("/x", { q: "", offset: 0, moves: false, table: null, next_after: -1 })).toBe("/x?offset=0&next_after=-1");
    expect(addressOf("/x")).toBe("/x");
  });

  test("a dot leads to its row and column, by the numbers of its side", () => {
    const place = { pair: "p", table: "main", row: 12, column: "Enabled Flag" };
    expect(fullLink("c", { ...place, side: "a" })).toBe("/compare/c/full?pair=p&table=main&row=12&column=Enabled+Flag");
    expect(fullLink("c", { ...place, side: "b" })).toContain("&side=b&");
  });
});

const zero: Tally = { only_in_a: 0, only_in_b: 0, mismatch: 0, identical: 0, failed: 0, pending: 0, rows_added: 0, rows_removed: 0, rows_changed: 0, rows_moved: 0, cells_changed: 0, cells_format_only: 0 };

describe("results", () => {
  test("identical documents are hidden until they are asked for, and waiting ones when all is known", () => {
    expect(statusesOf("", false)).toEqual(["mismatch", "only_in_a", "only_in_b", "failed"]);
    expect(statusesOf("", true)).toContain("pending");
    expect(statusesOf("identical", false)).toEqual(["identical"]);
    expect(statusesOf("all", false)).toEqual([""]);
  });

  test("failed objects differ, identical ones do not", () => {
    const tally = { ...zero, failed: 1, mismatch: 2, identical: 4, pending: 8 };
    expect([allOf(tally), differing(tally)]).toEqual([15, 3]);
  });

  test("a document is called as it is now, or as it was when it is gone", () => {
    expect([pathOf({ a_path: "old", b_path: "new" }), pathOf({ a_path: "old", b_path: null })]).toEqual(["new", "old"]);
  });
});

const leaf = (path: string, status: TreeNode["status"]): TreeNode => ({ name: path.slice(path.lastIndexOf("/") + 1), path, type: "document", status, pair_id: `id of ${path}`, summary: zero });
const folder = (path: string, children: TreeNode[]): TreeNode => ({ name: path.slice(path.lastIndexOf("/") + 1), path, type: "folder", status: "mismatch", summary: zero, children });
const tree = folder("", [
  folder("gl", [folder("gl/2024", [leaf("gl/2024/ledger.xml", "mismatch"), leaf("gl/2024/period.xml", "identical")]), leaf("gl/calendar.xml", "only_in_a")]),
  folder("same", [leaf("same/x.xml", "identical")]),
]);
const paths = (shown: Parameters<typeof narrowed>[1], text = "", members?: ReadonlySet<string>): string[] =>
  linesOf(narrowed(tree, shown, text, members), () => true).map(({ node }) => node.path);

describe("the tree", () => {
  test("shows no folder in which there is nothing to see", () => {
    expect(paths("")).toEqual(["gl", "gl/2024", "gl/2024/ledger.xml", "gl/calendar.xml"]);
    expect(paths("only_in_a")).toEqual(["gl", "gl/calendar.xml"]);
    expect(paths("all")).toHaveLength(7);
    expect(paths("failed")).toEqual([]);
  });

  test("is searched by any part of a path, and narrowed to a group", () => {
    expect(paths("all", " PERIOD ")).toEqual(["gl", "gl/2024", "gl/2024/period.xml"]);
    expect(paths("all", "", new Set(["id of same/x.xml"]))).toEqual(["same", "same/x.xml"]);
  });

  test("opens by itself what fits on a screen, not thousands of lines", () => {
    expect([...firstOpen(tree)]).toEqual(["gl", "same", "gl/2024"]);
    const big = folder("", [folder("big", Array.from({ length: 500 }, (_, at) => leaf(`big/${at}`, "mismatch")))]);
    expect(firstOpen(big).size).toBe(0);
  });

  const lines = linesOf(tree, (path) => path === "gl");

  test("knows of each line how deep it is, where it stands among its siblings, and its folder", () => {
    expect(lines.map(({ node, level, place, siblings, parent }) => [node.path, level, place, siblings, parent])).toEqual([
      ["gl", 1, 1, 2, -1],
      ["gl/2024", 2, 1, 2, 0],
      ["gl/calendar.xml", 2, 2, 2, 0],
      ["same", 1, 2, 2, -1],
    ]);
  });

  test("is walked with the keys of a tree", () => {
    expect(actOf("ArrowDown", lines, 0)).toEqual({ kind: "go", to: 1 });
    expect(actOf("ArrowDown", lines, 3)).toEqual({ kind: "go", to: 3 });
    expect(actOf("End", lines, 0)).toEqual({ kind: "go", to: 3 });
    expect(actOf("Home", lines, 2)).toEqual({ kind: "go", to: 0 });
    expect(actOf("ArrowRight", lines, 1)).toEqual({ kind: "open", paths: ["gl/2024"] });
    expect(actOf("ArrowRight", lines, 0)).toEqual({ kind: "go", to: 1 });
    expect(actOf("ArrowLeft", lines, 0)).toEqual({ kind: "close", paths: ["gl"] });
    expect(actOf("ArrowLeft", lines, 2)).toEqual({ kind: "go", to: 0 });
    expect(actOf("ArrowRight", lines, 2)).toBeNull();
    expect(actOf("*", lines, 3)).toEqual({ kind: "open", paths: ["gl", "same"] });
    expect(actOf("Enter", lines, 2)).toEqual({ kind: "choose" });
    expect(actOf("Enter", lines, 3)).toEqual({ kind: "open", paths: ["same"] });
    expect(actOf("x", lines, 0)).toBeNull();
  });

  test("letters lead to the next name that begins so, and around", () => {
    expect(typedAhead(lines, 0, "c")).toBe(2);
    expect(typedAhead(lines, 3, "2")).toBe(1);
    expect(typedAhead(lines, 2, "cal")).toBe(2);
    expect(typedAhead(lines, 0, "zz")).toBe(-1);
  });
});

const row = (change: Partial<ComparedRow>): ComparedRow => ({ status: "changed", moved: false, a_row: 1, b_row: 2, a: [], b: [], changed: [], format_only: [], ...change });

describe("taking differences over", () => {
  const rows = [row({ changed: [1, 3] }), row({ status: "added", a_row: null }), row({ status: "removed", b_row: null }), row({ status: "removed", b_row: null }), row({ status: "same" })];

  test("into B undoes what is new there and brings back what is gone; into A the other way round", () => {
    expect(effectOf(rows, "b")).toEqual({ cells: 2, inserted: 2, deleted: 1 });
    expect(effectOf(rows, "a")).toEqual({ cells: 2, inserted: 1, deleted: 2 });
  });

  test("one cell is one cell, and nothing where it does not differ", () => {
    expect(effectOf([row({ changed: [1, 3] })], "b", 3)).toEqual({ cells: 1, inserted: 0, deleted: 0 });
    expect(isNothing(effectOf([row({ changed: [1] })], "b", 2))).toBe(true);
  });

  test("a whole document is the sum of its tables", () => {
    const table = { cells_changed: 5, rows_added: 2, rows_removed: 1 } as TablePair;
    expect(wholeEffect([table, table], "a")).toEqual({ cells: 10, inserted: 4, deleted: 2 });
    expect(wholeEffect([table], "b")).toEqual({ cells: 5, inserted: 1, deleted: 2 });
  });

  test("is ordered by the numbers of the rows, and of added and removed rows always whole", () => {
    expect(changeOf("main", row({}), ["Name"])).toEqual({ table: "main", a_row: 1, b_row: 2, columns: ["Name"] });
    expect(changeOf("main", row({ status: "added", a_row: null }), ["Name"])).toEqual({ table: "main", b_row: 2 });
  });
});
