import type { Job } from "@/api/types";

const RANK: Record<Job["state"], number> = { queued: 0, running: 1, succeeded: 2, failed: 2, cancelled: 2 };

export const hasEnded = (job: Job): boolean => RANK[job.state] === 2;

/** The later of two pictures of a job; a listing may have been made before an event that is already here. */
export function later(known: Job | undefined, given: Job): Job {
  if (!known) return given;
  if (RANK[known.state] !== RANK[given.state]) return RANK[known.state] > RANK[given.state] ? known : given;
  if (known.attempt !== given.attempt) return known.attempt > given.attempt ? known : given;
  return known.progress.done > given.progress.done ? known : given;
}

const number = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

/** The figures of a job that are drawn while it runs. Null is "not known". */
export type Figures = {
  done: number;
  total: number;
  percent: number;
  rows: number | null;
  cells: number | null;
  bytes: number | null;
  failed: number;
  seconds: number;
  rowsPerSecond: number | null;
  bytesPerSecond: number | null;
  etaSeconds: number | null;
  methods: [name: string, count: number][];
};

export function methodsOf(value: unknown): [string, number][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value as Record<string, unknown>)
    .flatMap(([name, count]): [string, number][] => (typeof count === "number" ? [[name, count]] : []))
    .sort((a, b) => b[1] - a[1]);
}

/** Rates over the time since the job was started; `now` in ms since 1970. */
export function figuresOf(job: Job, now: number): Figures {
  const { done, total, percent, detail } = job.progress;
  const end = job.finished_at ? Date.parse(job.finished_at) : now;
  const seconds = job.started_at ? Math.max(0, (end - Date.parse(job.started_at)) / 1000) : 0;
  const rate = (amount: number | null): number | null =>
    amount === null || seconds < 0.05 ? null : amount / seconds;
  const rows = number(detail["rows"]);
  const bytes = number(detail["bytes"]);
  const guessed = done > 0 && total > done && seconds > 1 ? (seconds / done) * (total - done) : null;
  return {
    done,
    total,
    percent: hasEnded(job) && job.state === "succeeded" ? 100 : Math.min(100, percent),
    rows,
    cells: number(detail["cells"]),
    bytes,
    failed: number(detail["failed"]) ?? 0,
    seconds,
    rowsPerSecond: rate(rows),
    bytesPerSecond: rate(bytes),
    etaSeconds: number(detail["eta_seconds"]) ?? guessed,
    methods: methodsOf(detail["methods"]),
  };
}
