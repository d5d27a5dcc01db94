/** Browsers cut elements that are taller than this (Firefox at 17.8 million, zoomed pages earlier). */
export const TALLEST = 8_000_000;

/**
 * Where one is in a view that may be taller than any element: the scroller's own offset and the place in the view. Small
 * steps are taken as they are, pixel by pixel; a long one goes to the share of the height that the bar has been taken to.
 */
export class Scroll {
  #bar = 0;
  top = 0;
  /** Height of all rows and of the part in sight, in pixels. */
  #content = 0;
  #room = 0;

  resize(content: number, room: number): void {
    this.#content = content;
    this.#room = room;
    this.top = Math.min(this.top, this.longest);
    this.#bar = this.#barOf(this.top);
  }

  /** The furthest one can go. */
  get longest(): number {
    return Math.max(0, this.#content - this.#room);
  }

  /** What the scroller itself is to have to scroll. */
  get reach(): number {
    return Math.min(this.longest, TALLEST);
  }

  /** Where the scroller's bar belongs. */
  get bar(): number {
    return this.#bar;
  }

  /** The scroller was moved by the reader. True when the view moves. */
  follow(bar: number): boolean {
    const by = bar - this.#bar;
    if (by === 0) return false;
    const before = this.top;
    const ratio = this.#ratio();
    const atEdge = bar <= 0 || bar >= this.reach;
    this.#bar = bar;
    this.top = ratio === 1 || atEdge || Math.abs(by) > this.#room * 2 ? this.#clamped(bar * ratio) : this.#clamped(this.top + by);
    return this.top !== before;
  }

  /** Goes to a place; the scroller is then set to `bar`. */
  to(top: number): void {
    this.top = this.#clamped(top);
    this.#bar = this.#barOf(this.top);
  }

  /** After small steps the bar is not quite where the place is: where it should be now. */
  settled(): number {
    this.#bar = this.#barOf(this.top);
    return this.#bar;
  }

  #ratio(): number {
    return this.reach > 0 ? this.longest / this.reach : 1;
  }

  #barOf(top: number): number {
    return Math.round(top / this.#ratio());
  }

  #clamped(top: number): number {
    return Math.max(0, Math.min(this.longest, Math.round(top)));
  }
}

/** The offset that shows a stretch with as little movement as possible; null when it is in sight. */
export function shown(start: number, end: number, from: number, room: number): number | null {
  if (start < from || end - start > room) return start === from ? null : start;
  return end > from + room ? end - room : null;
}
