import { describe, expect, test } from "vitest";
import type { Group } from "@/api/types";
import { choiceFromQuery, choiceToQuery, choose, chosenOf, everything, renamed } from "@/features/convert/choice";
import { defaultOptions, exportPath, filenameOf } from "@/features/convert/download";
import { refusal } from "@/features/convert/files";
import { Rate } from "@/features/convert/rate";
import { lengthOf, PAGE, pagesFor, placeOf } from "@/features/convert/sections";
import { folderOf, whyOf } from "@/features/convert/why";

const groups = ["AP", "FY", "GL, old"].map((name) => ({ name, documents: 1, bytes: 1, converted: 0 }) as Group);

describe("the choice of groups", () => {
  test("all is no word in the address, none is an empty one", () => {
    expect(choiceToQuery(everything)).toBeUndefined();
    expect(choiceFromQuery(undefined)).toEqual(everything);
    expect(chosenOf(choiceFromQuery(""), groups)).toEqual([]);
  });

  test("a name with a comma survives the address", () => {
    const choice = choose(["GL, old"], groups);
    expect(choiceFromQuery(choiceToQuery(choice))).toEqual({ kind: "some", names: ["GL, old"] });
  });

  test("an address that somebody has broken chooses what can be read of it", () => {
    expect(choiceFromQuery("%,AP")).toEqual({ kind: "some", names: ["%", "AP"] });
  });

  test("all of them one by one is all", () => {
    expect(choose(["GL, old", "AP", "FY"], groups)).toEqual(everything);
  });

  test("a group that is gone is not chosen", () => {
    expect(chosenOf({ kind: "some", names: ["XX", "FY"] }, groups).map(({ name }) => name)).toEqual(["FY"]);
  });

  test("a renamed group stays chosen, a merged one is chosen once", () => {
    expect(renamed({ kind: "some", names: ["AP", "FY"] }, "AP", "FY")).toEqual({ kind: "some", names: ["FY"] });
    expect(renamed(everything, "AP", "FY")).toEqual(everything);
  });
});

describe("the long list of documents", () => {
  const sections = [{ group: "AP", total: 150 }, { group: "FY", total: 0 }, { group: "GL", total: 30 }];

  test("rows run through the sections without a gap", () => {
    expect(lengthOf(sections)).toBe(180);
    expect(placeOf(sections, 149)).toEqual({ section: 0, page: 1, offset: 49 });
    expect(placeOf(sections, 150)).toEqual({ section: 2, page: 0, offset: 0 });
    expect(placeOf(sections, 180)).toBeNull();
  });

  test("only the pages in view are asked for, each once", () => {
    expect(pagesFor(sections, 95, 160)).toEqual([{ section: 0, page: 0 }, { section: 0, page: 1 }, { section: 2, page: 0 }]);
  });

  test("a row far down in a million is found at once", () => {
    expect(placeOf([{ group: null, total: 1_000_000 }], 999_999)).toEqual({ section: 0, page: (1_000_000 - PAGE) / PAGE, offset: PAGE - 1 });
  });
});

describe("a file before its upload", () => {
  test("is refused by its kind, its size, its emptiness", () => {
    expect(refusal({ name: "a.docx", size: 5 }, 100)?.code).toBe("NOT_SUPPORTED");
    expect(refusal({ name: "a.zip", size: 101 }, 100)?.code).toBe("TOO_LARGE");
    expect(refusal({ name: "a.zip", size: 0 }, 100)?.code).toBe("EMPTY");
  });

  test("is taken whatever the case of its ending, up to the limit itself", () => {
    expect(refusal({ name: "A.ZIP", size: 100 }, 100)).toBeNull();
    expect(refusal({ name: "a.xml.gz", size: 5 }, 100)).toBeNull();
  });
});

describe("the speed of an upload", () => {
  test("is that of the last seconds, not of all of it", () => {
    const rate = new Rate(1000);
    rate.add(0, 0);
    for (let at = 100; at <= 3000; at += 100) rate.add(at, at < 2000 ? 0 : (at - 2000) * 10);
    expect(rate.perSecond()).toBeCloseTo(10_000, -3);
  });

  test("is unknown at first, and so is the remaining time", () => {
    const rate = new Rate();
    rate.add(0, 0);
    expect(rate.perSecond()).toBeNull();
    expect(rate.secondsFor(100)).toBeNull();
  });

  test("a standstill is no promise of an end", () => {
    const rate = new Rate();
    rate.add(0, 50);
    rate.add(1000, 50);
    expect(rate.secondsFor(100)).toBeNull();
  });
});

describe("a download", () => {
  test("names only what differs from the usual, and never a token", () => {
    expect(exportPath("c", "csv", {}, defaultOptions)).toBe("/api/v1/collections/c/export?format=csv");
    expect(exportPath("c", "xlsx", { group: "A & B" }, { nested: "folder", others: "drop", tables: "main", raw: true })).toBe(
      "/api/v1/collections/c/export?format=xlsx&group=A+%26+B&tables=main&others=drop&nested=folder&raw=true",
    );
  });

  test("takes the server's name, in any script", () => {
    expect(filenameOf("attachment; filename=\"a.zip\"; filename*=UTF-8''%D0%A4%D0%98%D0%9D.zip")).toBe("ФИН.zip");
    expect(filenameOf('attachment; filename="say \\"hi\\".csv"')).toBe('say "hi".csv');
    expect(filenameOf("attachment; filename=plain.csv")).toBe("plain.csv");
    expect(filenameOf(null)).toBeNull();
    expect(filenameOf("attachment; filename*=UTF-8''%ZZ")).toBeNull();
  });
});

describe("why documents are in a group", () => {
  test("the most frequent reason comes first", () => {
    const given = ["name", "container", "container"].map((group_reason) => ({ group_reason }));
    expect(whyOf(given)).toEqual([{ reason: "container", count: 2 }, { reason: "name", count: 1 }]);
  });

  test("a document at the top is in no folder", () => {
    expect(folderOf("a/b.zip/c.xml")).toBe("a/b.zip");
    expect(folderOf("c.xml")).toBe("");
  });
});
