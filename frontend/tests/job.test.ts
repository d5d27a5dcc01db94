import { describe, expect, test } from "vitest";
import type { Job } from "@/api/types";
import { outcomeOf } from "@/features/convert/conversion";
import { figuresOf, later } from "@/live/job";

const START = Date.parse("2026-01-01T00:00:00Z");

function job(change: Partial<Job> = {}, done = 0): Job {
  return {
    id: "convert-1",
    type: "convert",
    state: "running",
    progress: { done, total: 100, unit: "documents", percent: done, detail: {} },
    attempt: 1,
    result: null,
    error: null,
    correlation_id: "c",
    trace_id: "t",
    created_at: null,
    started_at: new Date(START).toISOString(),
    finished_at: null,
    ...change,
  };
}

describe("two pictures of a job", () => {
  test("one that has ended is not undone by an older listing", () => {
    const ended = job({ state: "succeeded" });
    expect(later(ended, job({ state: "running" }))).toBe(ended);
    expect(later(job({ state: "queued" }), ended)).toBe(ended);
  });

  test("the one that is further counts", () => {
    const further = job({}, 40);
    expect(later(further, job({}, 30))).toBe(further);
    expect(later(job({}, 30), further)).toBe(further);
  });

  test("a new attempt begins again and is the later one all the same", () => {
    const again = job({ attempt: 2 }, 5);
    expect(later(job({}, 90), again)).toBe(again);
  });
});

describe("figures of a job", () => {
  test("rates are over the time since its start", () => {
    const running = job({ progress: { done: 50, total: 100, unit: "documents", percent: 50, detail: { rows: 1000, bytes: 4_000_000 } } });
    const figures = figuresOf(running, START + 2000);
    expect(figures).toMatchObject({ rowsPerSecond: 500, bytesPerSecond: 2_000_000, etaSeconds: 2 });
  });

  test("the server's remaining time is believed before a guess", () => {
    const running = job({ progress: { done: 50, total: 100, unit: "documents", percent: 50, detail: { eta_seconds: 9 } } });
    expect(figuresOf(running, START + 2000).etaSeconds).toBe(9);
  });

  test("what is not known is not shown as zero", () => {
    expect(figuresOf(job({ started_at: null }), START)).toMatchObject({ rows: null, rowsPerSecond: null, etaSeconds: null });
  });

  test("methods come with the most frequent first", () => {
    const running = job({ progress: { done: 1, total: 1, unit: "", percent: 100, detail: { methods: { repaired: 2, native: 9 } } } });
    expect(figuresOf(running, START).methods).toEqual([["native", 9], ["repaired", 2]]);
  });
});

describe("what a conversion came to", () => {
  test("the result's counts replace what was seen on the way", () => {
    const done = job({
      state: "succeeded",
      result: { documents: 10, converted: 8, failed: 2, salvaged: 1, rows: 500, cells: 5000, bytes_in: 1000, seconds: 2, mb_per_second: 1, methods: { native: 8 } },
    });
    expect(outcomeOf(done, START)).toMatchObject({
      converted: 8, failed: 2, salvaged: 1, rows: 500, rowsPerSecond: 250, bytesPerSecond: 500, total: 10, etaSeconds: null, methods: [["native", 8]],
    });
  });

  test("while it runs, failed documents are not counted as converted", () => {
    const running = job({ progress: { done: 5, total: 9, unit: "documents", percent: 50, detail: { failed: 2 } } });
    expect(outcomeOf(running, START).converted).toBe(3);
  });
});
