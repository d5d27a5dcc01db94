import { DONE, refused } from "./outcomes";
import type { Signals } from "./signals";
import type { Column, ColumnsState, Density, Outcome } from "./types";

const NARROWEST = 40;
const WIDEST = 1200;

/** From so many columns on the first one stands still, for it mostly says what a row is about. */
const WIDE = 8;

/** Columns by which a row is known: the links at the beginning, or in a wide table the first column. */
function keyColumns(all: readonly Column[]): number {
  const first = all.findIndex(({ type }) => type !== "link");
  return first > 0 ? first : all.length > WIDE ? 1 : 0;
}

const standard = (all: readonly Column[]): ColumnsState => ({
  order: all.map(({ name }) => name),
  hidden: [],
  frozen: keyColumns(all),
  widths: {},
  density: "compact",
});

/** What was kept of another time, for the columns there are now: new ones stand at the end, lost ones are forgotten. */
function adapted(all: readonly Column[], kept: ColumnsState): ColumnsState {
  const names = new Set(all.map(({ name }) => name));
  const order = [...new Set(kept.order)].filter((name) => names.has(name));
  const known = new Set(order);
  const hidden = [...new Set(kept.hidden)].filter((name) => names.has(name));
  return {
    order: [...order, ...all.map(({ name }) => name).filter((name) => !known.has(name))],
    hidden: hidden.length < names.size ? hidden : [],
    frozen: kept.frozen,
    widths: Object.fromEntries(Object.entries(kept.widths).filter(([name]) => names.has(name))),
    density: kept.density,
  };
}

/** Which columns are drawn, in which order and how wide. It never touches cells. */
export class Columns {
  readonly #index: ReadonlyMap<string, number>;
  readonly #signals: Signals;
  #state: ColumnsState;
  #shown: readonly number[] = [];
  #positions: ReadonlyMap<string, number> = new Map();

  constructor(
    readonly all: readonly Column[],
    signals: Signals,
    kept?: ColumnsState,
  ) {
    this.#signals = signals;
    this.#index = new Map(all.map(({ name }, index) => [name, index]));
    this.#state = kept ? adapted(all, kept) : standard(all);
    this.#arrange();
  }

  get shown(): readonly number[] {
    return this.#shown;
  }

  get state(): ColumnsState {
    return this.#state;
  }

  /** Index in table order; -1 when there is no such column. */
  index(name: string): number {
    return this.#index.get(name) ?? -1;
  }

  at(name: string): number {
    return this.#positions.get(name) ?? -1;
  }

  /** Name of the column at a position in the drawn order; undefined beyond it. */
  nameAt(at: number): string | undefined {
    const index = this.#shown[at];
    return index === undefined ? undefined : this.all[index]?.name;
  }

  isLink(name: string): boolean {
    return this.all[this.index(name)]?.type === "link";
  }

  width(name: string): number | undefined {
    return this.#state.widths[name];
  }

  resize(name: string, width: number | null): void {
    const widths = Object.entries(this.#state.widths).filter(([one]) => one !== name);
    if (width !== null) widths.push([name, Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)))]);
    this.#become({ widths: Object.fromEntries(widths) });
  }

  /** Refused where no column would be left. */
  hide(names: readonly string[]): Outcome {
    const hidden = new Set([...this.#state.hidden, ...names.filter((name) => this.#index.has(name))]);
    if (hidden.size === this.all.length) return refused("nothing-to-do");
    this.#become({ hidden: [...hidden] });
    return DONE;
  }

  show(names: readonly string[]): void {
    this.#become({ hidden: this.#state.hidden.filter((name) => !names.includes(name)) });
  }

  move(name: string, at: number): void {
    if (!this.#index.has(name)) return;
    const before = this.nameAt(at);
    if (before === name) return;
    const order = this.#state.order.filter((one) => one !== name);
    order.splice(before === undefined ? order.length : order.indexOf(before), 0, name);
    this.#become({ order });
  }

  freeze(count: number): void {
    this.#become({ frozen: count });
  }

  setDensity(density: Density): void {
    this.#become({ density });
  }

  reset(): void {
    this.#become(standard(this.all));
  }

  #become(part: Partial<ColumnsState>): void {
    this.#state = { ...this.#state, ...part };
    this.#arrange();
    this.#signals.raise("columns", "cells", "selection", "statistics");
  }

  #arrange(): void {
    const hidden = new Set(this.#state.hidden);
    const names = this.#state.order.filter((name) => !hidden.has(name));
    this.#shown = names.map((name) => this.index(name));
    this.#positions = new Map(names.map((name, at) => [name, at]));
    this.#state = { ...this.#state, frozen: Math.min(Math.max(0, Math.trunc(this.#state.frozen)), names.length) };
  }
}
