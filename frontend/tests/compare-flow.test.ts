import { describe, expect, test } from "vitest";
import { Readings, type Reading } from "@/features/compare/flow/keeping";
import { drawingOf, heightOf, laidOut, WIDTH } from "@/features/compare/flow/layout";
import { actOf, anchored, shownAt, typedAhead, wholeView } from "@/features/compare/flow/moving";
import { LIMIT, openAll, openAtFirst, PAGE, spotsOf, toggled, turned, type Open } from "@/features/compare/flow/spots";
import type { PairStatus, TreeNode } from "@/features/compare/types";

const NONE = { only_in_a: 0, only_in_b: 0, mismatch: 0, identical: 0, failed: 0, pending: 0, rows_added: 0, rows_removed: 0, rows_changed: 0, rows_moved: 0, cells_changed: 0, cells_format_only: 0 };
let pairs = 0;
const document = (path: string, status: PairStatus = "mismatch"): TreeNode => ({ name: path.slice(path.lastIndexOf("/") + 1), path, type: "document", status, pair_id: `p${++pairs}`, summary: { ...NONE, [status]: 1 } });
const folder = (path: string, children: TreeNode[]): TreeNode => ({ name: path.slice(path.lastIndexOf("/") + 1), path, type: "folder", status: "mismatch", summary: NONE, children });
const many = (path: string, count: number): TreeNode => folder(path, Array.from({ length: count }, (_, at) => document(`${path}/${String(at).padStart(4, "0")}.xml`)));
const root = (...children: TreeNode[]): TreeNode => folder("", children);
const names = (tree: TreeNode, open: Open): string[] => spotsOf(tree, open).spots.map(({ kind, node, rest }) => (kind === "place" ? node.name : `${kind} ${rest}`));
const key = (name: string, held = {}) => ({ key: name, code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

describe("what is drawn", () => {
  test("at first only the top level, below the one archive that has everything in it", () => {
    const tree = root(folder("a.zip", [folder("a.zip/x", [document("a.zip/x/1.xml")]), document("a.zip/2.xml")]));
    expect(names(tree, openAtFirst(tree))).toEqual(["a.zip", "x", "2.xml"]);
    const two = root(folder("a.zip", [document("a.zip/1.xml")]), folder("b.zip", []));
    expect(names(two, openAtFirst(two))).toEqual(["", "a.zip", "b.zip"]);
  });

  test("a way without branches is open as far as it goes", () => {
    const tree = root(folder("a.zip", [folder("a.zip/x", [folder("a.zip/x/y", [document("a.zip/x/y/1.xml"), document("a.zip/x/y/2.xml")])])]));
    expect(names(tree, openAtFirst(tree))).toEqual(["a.zip", "x", "y", "1.xml", "2.xml"]);
  });

  test("of a large folder there is a part, and ways to what is before and behind it", () => {
    const tree = root(many("big", 100));
    const first = openAtFirst(tree);
    expect(names(tree, first)).toHaveLength(1 + PAGE + 1);
    expect(names(tree, first).at(-1)).toBe(`later ${100 - PAGE}`);
    const later = spotsOf(tree, first).spots.at(-1);
    const second = later ? turned(first, later) : first;
    expect(names(tree, second).slice(0, 3)).toEqual(["big", `earlier ${PAGE}`, "0040.xml"]);
    const earlier = spotsOf(tree, second).spots[1];
    expect(earlier && names(tree, turned(second, earlier))).toEqual(names(tree, first));
  });

  test("every node says its level, its place and how many its siblings are", () => {
    const tree = root(many("big", 100));
    const spots = spotsOf(tree, new Map([["path big", PAGE]])).spots;
    expect(spots[2]).toMatchObject({ level: 2, place: PAGE + 1, siblings: 100, parent: "path big", isFolder: false });
    expect(spots[0]).toMatchObject({ level: 1, place: 1, siblings: 1, parent: null, isFolder: true, open: true });
  });

  test("a part that is no longer there, after a search, begins at the last node", () => {
    expect(names(root(many("big", 3)), new Map([["path big", 80]]))).toEqual(["big", "earlier 2", "0002.xml"]);
  });

  test("two documents of the same path, paired with others, are two nodes", () => {
    const tree = root(folder("a", [document("a/1.xml"), document("a/1.xml")]));
    expect(new Set(spotsOf(tree, openAtFirst(tree)).spots.map(({ id }) => id)).size).toBe(3);
  });
});

describe("never more than can be drawn", () => {
  const wide = root(folder("all", Array.from({ length: 40 }, (_, at) => many(`all/${at}`, 500))));

  test("a folder that would be too much does not open, and nothing else changes", () => {
    let open: Open = openAtFirst(wide);
    let refused = 0;
    for (let at = 0; at < 40; at += 1) {
      const next = toggled(wide, open, `path all/${at}`);
      if (next) open = next;
      else refused += 1;
    }
    const { spots, cut } = spotsOf(wide, open);
    expect(refused).toBeGreaterThan(0);
    expect(cut).toBe(false);
    expect(spots.length).toBeLessThanOrEqual(LIMIT);
    expect(toggled(wide, open, "path all/0")).not.toBeNull();
  });

  test("opening everything opens level by level, and says how many folders stay closed", () => {
    const { open, left } = openAll(wide);
    const { spots, cut } = spotsOf(wide, open);
    expect(cut).toBe(false);
    expect(spots.length).toBeLessThanOrEqual(LIMIT);
    expect(left).toBe(41 - open.size);
    expect(left).toBeGreaterThan(0);
    expect(openAll(root(many("few", 3)))).toMatchObject({ left: 0 });
  });

  test("a tree that grew while it was open is cut, and says so", () => {
    const all = new Map([["path all", 0], ...Array.from({ length: 40 }, (_, at): [string, number] => [`path all/${at}`, 0])]);
    const { spots, cut } = spotsOf(wide, all);
    expect(spots).toHaveLength(LIMIT);
    expect(cut).toBe(true);
  });
});

describe("where it is drawn", () => {
  const tree = root(folder("a", [folder("a/x", [document("a/x/1.xml"), document("a/x/2.xml")]), folder("a/y", [document("a/y/1.xml")]), document("a/3.xml")]));
  const { spots } = spotsOf(tree, openAll(tree).open);
  const places = laidOut(drawingOf(spots));

  test("children stand to the right of their folder, siblings below each other in their order", () => {
    for (const spot of spots) if (spot.parent !== null) expect(places[spot.id]?.x).toBeGreaterThanOrEqual((places[spot.parent]?.x ?? 0) + WIDTH);
    for (const level of [2, 3]) {
      const column = spots.filter((spot) => spot.level === level);
      const tops = column.map(({ id }) => places[id]?.y ?? 0);
      expect(tops).toEqual([...tops].sort((one, other) => one - other));
    }
  });

  test("no two nodes lie on each other", () => {
    for (const one of spots) {
      for (const other of spots) {
        if (one.id >= other.id) continue;
        const [a, b] = [places[one.id], places[other.id]];
        if (!a || !b) throw new Error("a node has no place");
        expect(a.x + WIDTH <= b.x || b.x + WIDTH <= a.x || a.y + heightOf(one) <= b.y || b.y + heightOf(other) <= a.y).toBe(true);
      }
    }
  });

  test("the same tree is laid out the same", () => {
    expect(laidOut(drawingOf(spots))).toEqual(places);
  });
});

describe("the keys of the picture", () => {
  const tree = root(folder("a", [folder("a/x", [document("a/x/1.xml"), document("a/x/2.xml")]), folder("a/y", [document("a/y/1.xml")]), folder("a/z", [])]));
  const { spots } = spotsOf(tree, new Map([["path a", 0], ["path a/x", 0], ["path a/y", 0]]));
  const at = (name: string, level: number): number => spots.findIndex(({ node, level: found }) => node.name === name && found === level);
  const to = (from: number, name: string): string => {
    const act = actOf(key(name), spots, from);
    return act?.kind === "go" ? (spots[act.to]?.node.path ?? "") : (act?.kind ?? "");
  };

  test("left and right go along the lines, up and down within the column, also to the next folder's", () => {
    expect([to(at("a", 1), "ArrowRight"), to(at("x", 2), "ArrowRight"), to(at("2.xml", 3), "ArrowLeft"), to(at("a", 1), "ArrowLeft")]).toEqual(["a/x", "a/x/1.xml", "a/x", "a"]);
    expect([to(at("2.xml", 3), "ArrowDown"), to(at("x", 2), "ArrowUp"), to(at("x", 2), "End"), to(at("z", 2), "Home")]).toEqual(["a/y/1.xml", "a/x", "a/z", "a/x"]);
  });

  test("right opens a folder that is closed, Enter and blank do what a click does", () => {
    expect([to(at("z", 2), "ArrowRight"), to(at("x", 2), "Enter"), to(at("x", 2), " ")]).toEqual(["choose", "choose", "choose"]);
  });

  test("a document has nothing to its right, and the page keeps its own keys", () => {
    expect(to(at("2.xml", 3), "ArrowRight")).toBe("a/x/2.xml");
    expect(actOf(key("f", { ctrlKey: true }), spots, 0)).toBeNull();
    expect(actOf(key("Tab"), spots, 0)).toBeNull();
    expect(actOf(key("ArrowUp"), [], 0)).toBeNull();
  });

  test("signs zoom, digits are letters unless Shift is held, on whatever keyboard", () => {
    expect([actOf(key("+"), spots, 0), actOf(key("-"), spots, 0), actOf(key("1"), spots, 0)]).toEqual([{ kind: "zoom", by: 1 }, { kind: "zoom", by: -1 }, null]);
    expect(actOf(key("!", { code: "Digit1", shiftKey: true }), spots, 0)).toEqual({ kind: "fit" });
    expect(actOf(key("=", { code: "Digit0", shiftKey: true }), spots, 0)).toEqual({ kind: "whole" });
  });

  test("letters go to the next name that begins so", () => {
    expect(spots[typedAhead(spots, 0, "y")]?.node.path).toBe("a/y");
    expect(spots[typedAhead(spots, at("1.xml", 3), "1")]?.node.path).toBe("a/y/1.xml");
    expect(typedAhead(spots, 0, "nothing")).toBe(-1);
  });
});

describe("the view over it", () => {
  const size = { width: 800, height: 600 };

  test("moves as little as it takes, and not at all when the node is in it", () => {
    expect(shownAt({ x: 0, y: 0, zoom: 1 }, { x: 100, y: 100, width: 200, height: 60 }, size)).toBeNull();
    expect(shownAt({ x: 0, y: 0, zoom: 1 }, { x: 700, y: 100, width: 200, height: 60 }, size)).toEqual({ x: -124, y: 0, zoom: 1 });
    expect(shownAt({ x: -500, y: 0, zoom: 0.5 }, { x: 100, y: 2000, width: 200, height: 60 }, size)).toEqual({ x: -26, y: -454, zoom: 0.5 });
  });

  test("everything stands in the middle, or begins at the edge where it could not be read", () => {
    expect(wholeView([{ x: 0, y: 0, width: 400, height: 300 }], size, 0.8)).toEqual({ x: 200, y: 150, zoom: 1 });
    expect(wholeView([{ x: 0, y: 0, width: 400, height: 60 }, { x: 0, y: 9000, width: 400, height: 60 }], size, 0.8)).toEqual({ x: 240, y: 24, zoom: 0.8 });
    expect(wholeView([{ x: 0, y: 0, width: 1504, height: 60 }], size, 0.25)).toEqual({ x: 24, y: 285, zoom: 0.5 });
  });

  test("an opened folder stays where it was while the rest moves", () => {
    expect(anchored({ x: 10, y: 20, zoom: 2 }, { x: 0, y: 100 }, { x: 0, y: 400 })).toEqual({ x: 10, y: -580, zoom: 2 });
  });
});

describe("a flowchart one comes back to", () => {
  const reading = (about: string, current: string): Reading => ({ about, open: new Map([["path a", 40]]), isByHand: true, note: "", current, view: { x: 1, y: 2, zoom: 0.5 }, forDocument: true });

  test("is as it was left, for each comparison", () => {
    const readings = new Readings();
    readings.keep("one", reading("all", "pair 1"));
    readings.keep("other", reading("all", "pair 2"));
    readings.keep("one", reading("all", "pair 3"));
    expect(readings.of("one", "all")).toEqual(reading("all", "pair 3"));
    expect(readings.of("other", "all")?.current).toBe("pair 2");
  });

  test("begins anew where something else is looked for, and when the session is over", () => {
    const readings = new Readings();
    readings.keep("one", reading("all", "pair 1"));
    expect(readings.of("one", "mismatch")).toBeNull();
    expect(readings.of("unknown", "all")).toBeNull();
    readings.clear();
    expect(readings.of("one", "all")).toBeNull();
  });
});
