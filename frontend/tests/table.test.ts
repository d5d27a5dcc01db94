import { describe, expect, test } from "vitest";
import { isCounted, isPartial, METHODS, percent } from "@/features/convert/fidelity";
import { changed, keptFor } from "@/features/convert/recordPaths";
import { drawn } from "@/features/table/queries";
import { COLUMNS, firstFrom, isLong, lastStart, listed, neighbours, shortened, sizeFrom } from "@/features/table/window";
import en from "@/locales/en.json";

describe("the part of a table that is looked at", () => {
  test("an address that says nothing sensible is the beginning", () => {
    for (const text of [undefined, "", "0", "-3", "1.5", "x", "99999999999"]) expect(firstFrom(text)).toBe(1);
    expect(firstFrom("201")).toBe(201);
  });

  test("only the sizes that are offered are taken", () => {
    expect([undefined, "7", "100000", "50", "200"].map(sizeFrom)).toEqual([100, 100, 100, 50, 200]);
  });

  test("the last page begins where whole pages end", () => {
    expect([0, 1, 100, 101, 250].map((total) => lastStart(total, 100))).toEqual([1, 1, 1, 101, 201]);
  });

  test("there is a page before and after until there is none", () => {
    expect(neighbours(1, 100, 250)).toEqual({ before: null, after: 101 });
    expect(neighbours(101, 100, 250)).toEqual({ before: 1, after: 201 });
    expect(neighbours(201, 100, 250)).toEqual({ before: 101, after: null });
    expect(neighbours(1, 100, 100)).toEqual({ before: null, after: null });
  });

  test("from a row in between, the page before does not begin before the first row", () => {
    expect(neighbours(42, 100, 250)).toEqual({ before: 1, after: 142 });
  });

  test("from past the end, the page before is the last one", () => {
    expect(neighbours(5000, 100, 250)).toEqual({ before: 201, after: null });
  });

  test("a column name with a comma stays one name", () => {
    expect(listed(["a,b", "Plain name", "@id"])).toBe("a%2Cb,Plain%20name,%40id");
  });

  test("of a wide table a part is drawn", () => {
    const names = Array.from({ length: 130 }, (_, index) => `c${index + 1}`);
    expect(drawn(names, 1)).toHaveLength(COLUMNS);
    expect(drawn(names, 121)).toEqual(names.slice(120));
    expect(drawn(names, 500)).toEqual([]);
  });

  test("a value with lines, or a long one, is read by itself", () => {
    expect([isLong("short"), isLong("two\nlines"), isLong("x".repeat(200))]).toEqual([false, true, true]);
    expect(shortened("x".repeat(1_000_000)).length).toBeLessThan(200);
  });
});

describe("the chosen record paths", () => {
  test("one is chosen, chosen anew, and given up, without the others", () => {
    const first = changed({}, "c", "d", "a/b");
    const both = changed(changed(first, "c", "e", "a/c"), "c", "d", "a/x");
    expect(both).toEqual({ c: { d: "a/x", e: "a/c" } });
    expect(changed(both, "c", "d", "")).toEqual({ c: { e: "a/c" } });
  });

  test("a reload keeps them, another session has none of them", () => {
    const kept = JSON.stringify({ session: "s1", chosen: { c: { d: "a/b" } } });
    expect(keptFor("s1", kept)).toEqual({ c: { d: "a/b" } });
    expect([keptFor("s2", kept), keptFor("s1", null), keptFor("s1", "{")]).toEqual([{}, {}, {}]);
  });
});

describe("what was kept of a document", () => {
  test("a share that is not whole is never said to be whole, and something is never nothing", () => {
    expect([1, 0.99999, 0.9124, 0.00001, 0].map(percent)).toEqual(["100 %", "99.9 %", "91.2 %", "0.1 %", "0 %"]);
  });

  test("what is not converted is not partly kept", () => {
    expect([null, 1, 0.5, 0].map(isPartial)).toEqual([false, false, true, true]);
  });

  test("every value is only said to be kept where values are counted", () => {
    expect([...METHODS, null].map(isCounted)).toEqual([true, true, false, false, false, false]);
  });

  test("every method has its line", () => {
    expect(METHODS.filter((method) => !(method in en.methods))).toEqual([]);
  });
});
