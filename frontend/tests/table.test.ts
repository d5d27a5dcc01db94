import { describe, expect, test } from "vitest";
import { isCounted, isPartial, METHODS, percent } from "@/features/convert/fidelity";
import { changed, keptFor } from "@/features/convert/recordPaths";
import en from "@/locales/en.json";

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
