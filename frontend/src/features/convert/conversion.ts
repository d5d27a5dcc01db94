import type { Job } from "@/api/types";
import { figuresOf, methodsOf, type Figures } from "@/live/job";

/** What a conversion came to (`job.result`), or how far it is. */
export type Outcome = Figures & { converted: number; salvaged: number };

const number = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** The result's figures where the job has one: they are counted, not estimated. */
export function outcomeOf(job: Job, now: number): Outcome {
  const live = figuresOf(job, now);
  const result = job.result;
  if (!result) return { ...live, converted: Math.max(0, live.done - live.failed), salvaged: 0 };
  const seconds = number(result["seconds"]) ?? live.seconds;
  const bytes = number(result["bytes_in"]) ?? live.bytes;
  const rows = number(result["rows"]) ?? live.rows;
  const rate = (amount: number | null): number | null => (amount === null || seconds <= 0 ? null : amount / seconds);
  const documents = number(result["documents"]) ?? live.total;
  return {
    ...live,
    done: documents,
    total: documents,
    rows,
    cells: number(result["cells"]) ?? live.cells,
    bytes,
    seconds,
    failed: number(result["failed"]) ?? live.failed,
    converted: number(result["converted"]) ?? live.done,
    salvaged: number(result["salvaged"]) ?? 0,
    rowsPerSecond: rate(rows),
    bytesPerSecond: rate(bytes),
    etaSeconds: null,
    methods: methodsOf(result["methods"]),
  };
}
