import type { Change, Line, Topic } from "./types";

type Lines = { top: Line; bottom: Line };

/** Tells subscribers what changed: once for all that a command or an answer does, when it is done. */
export class Signals {
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #counters = new Map<Topic, number>();
  #depth = 0;
  #topics = new Set<Topic>();
  /** Lines to draw again; null is all of them. */
  #lines: Lines | null | undefined;

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  counter(topic: Topic): number {
    return this.#counters.get(topic) ?? 0;
  }

  raise(...topics: Topic[]): void {
    this.batch(() => {
      for (const topic of topics) this.#note(topic);
      if (topics.includes("cells")) this.#lines = null;
    });
  }

  /** Cells of these lines changed; none when there are no lines. */
  raiseLines(lines: Iterable<Line>): void {
    this.batch(() => {
      for (const line of lines) {
        this.#note("cells");
        if (this.#lines === null) return;
        this.#lines = { top: Math.min(line, this.#lines?.top ?? line), bottom: Math.max(line, this.#lines?.bottom ?? line) };
      }
    });
  }

  batch<T>(work: () => T): T {
    this.#depth += 1;
    try {
      return work();
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) this.#deliver();
    }
  }

  clear(): void {
    this.#listeners.clear();
  }

  #note(topic: Topic): void {
    if (this.#topics.has(topic)) return;
    this.#topics.add(topic);
    this.#counters.set(topic, this.counter(topic) + 1);
  }

  #deliver(): void {
    if (this.#topics.size === 0) return;
    const change: Change = { topics: this.#topics, lines: this.#lines ?? null };
    this.#topics = new Set();
    this.#lines = undefined;
    for (const listener of [...this.#listeners]) listener(change);
  }
}
