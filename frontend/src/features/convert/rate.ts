/** How fast bytes go, over the last few seconds, and how long the rest takes. */
export class Rate {
  private readonly marks: { at: number; done: number }[] = [];

  constructor(private readonly windowMs = 5000) {}

  add(at: number, done: number): void {
    this.marks.push({ at, done });
    while (this.marks.length > 2 && at - (this.marks[1]?.at ?? at) >= this.windowMs) this.marks.shift();
  }

  /** Null until there are two marks with time between them. */
  perSecond(): number | null {
    const first = this.marks[0];
    const last = this.marks.at(-1);
    if (!first || !last || last.at - first.at < 100) return null;
    return ((last.done - first.done) / (last.at - first.at)) * 1000;
  }

  secondsFor(rest: number): number | null {
    const speed = this.perSecond();
    return speed ? rest / speed : null;
  }
}
