import type { Span } from "./blocks";
import { BLOCK_ROWS } from "./limits";
import type { Sheet } from "./sheet";
import type { Window } from "./types";

/** How long a jump waits for the next one: dragging the scroll bar must not ask for every place it passes. */
const SETTLE_MS = 40;

/** Turns what is in sight into what is loaded: it first, then the rows and columns next in the direction of scrolling. */
export class Sight {
  readonly #sheet: Sheet;
  #window: Window | null = null;
  #jumped = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sheet: Sheet) {
    this.#sheet = sheet;
  }

  look(window: Window): void {
    const before = this.#window;
    const jump = before !== null && (window.top > before.bottom + BLOCK_ROWS || window.bottom < before.top - BLOCK_ROWS);
    const now = performance.now();
    const hasty = jump && now - this.#jumped < 4 * SETTLE_MS;
    if (jump) this.#jumped = now;
    this.#window = window;
    clearTimeout(this.#timer);
    if (hasty) this.#timer = setTimeout(() => this.#load(before), SETTLE_MS);
    else this.#load(before);
  }

  /** Asks again for what is in sight: after another view or other lines. */
  again(): void {
    if (this.#window) this.#load(this.#window);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #load(before: Window | null): void {
    const window = this.#window;
    if (!window) return;
    const seen = this.#span(window.top, window.bottom, window.columns);
    const up = before !== null && window.top < before.top;
    const [next, last] = up ? [seen.top - BLOCK_ROWS, seen.top - 1] : [seen.bottom + 1, seen.bottom + BLOCK_ROWS];
    const { shown } = this.#sheet.columns;
    const beyond = shown[shown.indexOf(window.columns.at(-1) ?? -1) + 1];
    const ahead: Span[] = last < 0 ? [] : [{ ...seen, top: Math.max(0, next), bottom: last }];
    if (beyond !== undefined) ahead.push({ ...seen, columns: [beyond] });
    this.#sheet.blocks.want(seen, ahead.filter((span) => span.top < this.#sheet.blocks.matched));
  }

  #span(top: number, bottom: number, columns: readonly number[]): Span {
    return { top: Math.max(0, this.#sheet.at(top).place), bottom: Math.max(0, this.#sheet.at(bottom).place), columns };
  }
}
