import { describe, expect, test, vi } from "vitest";
import { draftStore, dropDrafts } from "@/grid/model";
import { done, drawn, editing, FakeTable, refusal, words, words1 } from "./table";

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
