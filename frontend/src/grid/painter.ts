import type { Box } from "./layout";
import { Mark, type ActiveCell, type Column, type Grid, type Line, type Rect, type SelectedRange, type Value, type Window } from "./model";

/** The words that a reader hears for what is otherwise only seen. */
export type Words = Record<"absent" | "empty" | "loading" | "failed" | "changed" | "edited" | "inserted" | "deleted" | "conflict" | "menu" | "row" | "filtered", string>;

/** A cell as it is drawn: what is equal is not written again. */
type Drawn = { text: string; look: string; label: string; role: string; index: number; selected: boolean };
/** What holds for a whole painting, asked of the grid once. */
type Now = { active: ActiveCell | null; ranges: readonly SelectedRange[]; all: readonly Column[]; shown: readonly number[]; lines: number };

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** What fits a cell, however wide, and what of it is read out. */
const SHOWN = 320;

const LOOKS: readonly (readonly [number, string])[] = [
  [Mark.loading, "is-loading"],
  [Mark.failed, "is-failed"],
  [Mark.stale, "is-stale"],
  [Mark.dirty, "is-changed"],
  [Mark.edited, "is-edited"],
  [Mark.inserted, "is-inserted"],
  [Mark.deleted, "is-deleted"],
  [Mark.conflict, "is-conflict"],
];
const SPOKEN: readonly (readonly [number, keyof Words])[] = [
  [Mark.failed, "failed"],
  [Mark.conflict, "conflict"],
  [Mark.dirty, "changed"],
  [Mark.edited, "edited"],
  [Mark.inserted, "inserted"],
  [Mark.deleted, "deleted"],
];

/** A value on one line, cut to what can be seen of it. */
export function shownOf(value: Value | undefined): string {
  if (!value) return "";
  const part = value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value;
  return part.replace(/\r\n?|\n/g, " ↵ ");
}

/** What a reader hears of a cell where its text does not say it; "" where it does. */
export function labelOf(value: Value | undefined, marks: number, words: Words): string {
  const said = SPOKEN.filter(([bit]) => marks & bit).map(([, word]) => words[word]);
  const what = value === undefined ? words.loading : value === null ? words.absent : value === "" ? words.empty : said.length > 0 ? shownOf(value) : "";
  return [what, ...said].filter(Boolean).join(", ");
}

export function lookOf(value: Value | undefined, marks: number): string {
  const looks = LOOKS.filter(([bit]) => marks & bit).map(([, look]) => look);
  if (value === null && !(marks & Mark.loading)) looks.push("is-absent");
  if (value === "") looks.push("is-empty");
  return looks.join(" ");
}

// Taken from the page itself: the page names no address, not even of a vocabulary.
const SVG = new DOMParser().parseFromString("<svg/>", "text/html").querySelector("svg")?.namespaceURI ?? "";
const svg = (path: string): SVGSVGElement => {
  const element = document.createElementNS(SVG, "svg");
  element.setAttribute("viewBox", "0 0 12 12");
  element.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(element.namespaceURI, "path");
  line.setAttribute("d", path);
  element.append(line);
  return element as SVGSVGElement;
};
const PATHS = { menu: "M3 4.5 6 7.5 9 4.5", ascending: "M6 10V2M3 5l3-3 3 3", descending: "M6 2v8M3 7l3 3 3-3", filter: "M1.5 2.5h9L7 6.5V10L5 9V6.5z" };

const isIn = ({ top, bottom, left, right }: Rect, line: Line, at: number): boolean => line >= top && line <= bottom && at >= left && at <= right;

/** Writes into the boxes that RevoGrid has drawn. It remembers what it wrote and touches only what has changed. */
export class Painter {
  private readonly written = new WeakMap<Element, string>();
  private readonly cells = new WeakMap<Element, Drawn>();
  private now: Now = { active: null, ranges: [], all: [], shown: [], lines: 0 };
  private active: Element | null = null;
  /** What would be filled if the handle were let go now. */
  filling: Rect | null = null;

  constructor(
    private readonly root: HTMLElement,
    private readonly grid: Grid,
    private readonly words: Words,
    /** The id of the active cell's element, for `aria-activedescendant`. */
    readonly activeId: string,
  ) {}

  /** Brings all that is drawn up to date. Gives what is in sight, null when nothing is drawn yet. */
  paint(all: readonly Box[]): Window | null {
    const { active, ranges, columns, lines } = this.grid;
    this.now = { active, ranges, all: columns.all, shown: columns.shown, lines };
    const seen = { top: Infinity, bottom: -1, columns: new Set<number>() };
    this.forget();
    for (const part of ["frozen", "scrolling"] as const) {
      const drawn = all.filter((box) => box.part === part);
      const place = this.root.querySelector(part === "frozen" ? ".colPinStart" : ".rgCol");
      if (!place) continue;
      for (const row of place.querySelectorAll(".header-rgRow.actual-rgRow")) this.header(row, drawn);
      for (const row of place.querySelectorAll("revogr-data .rgRow")) this.row(row, drawn, seen);
    }
    return seen.bottom < 0 ? null : { top: seen.top, bottom: seen.bottom, columns: [...seen.columns] };
  }

  get isActiveDrawn(): boolean {
    return this.active !== null;
  }

  private forget(): void {
    this.active?.removeAttribute("id");
    this.active = null;
  }

  private row(row: Element, drawn: readonly Box[], seen: { top: Line; bottom: Line; columns: Set<number> }): void {
    const line = Number(row.getAttribute("data-rgrow"));
    if (line >= this.now.lines) return;
    seen.top = Math.min(seen.top, line);
    seen.bottom = Math.max(seen.bottom, line);
    this.attribute(row, "role", "row");
    this.attribute(row, "aria-rowindex", String(line + 2));
    for (const cell of row.children) {
      const box = drawn[Number(cell.getAttribute("data-rgcol"))];
      if (!box) continue;
      if (box.at < 0) this.number(cell, line);
      else {
        const column = this.now.shown[box.at];
        if (column === undefined) continue;
        seen.columns.add(column);
        this.cell(cell, line, box.at, column);
      }
    }
  }

  private number(cell: Element, line: Line): void {
    const row = this.grid.row(line);
    const marked = this.now.ranges.some(({ top, bottom }) => line >= top && line <= bottom);
    const text = row === undefined ? "…" : row < 0 ? "+" : whole.format(row);
    const state = this.grid.marks(line, this.now.shown[0] ?? 0) & (Mark.deleted | Mark.inserted);
    const label = row !== undefined && row < 0 ? this.words.inserted : labelOf(text, state, this.words);
    this.write(cell, { text, look: `is-head ${marked ? "is-marked " : ""}${lookOf(text, state)}`, label, role: "rowheader", index: 1, selected: false });
  }

  private cell(cell: Element, line: Line, at: number, column: number): void {
    const value = this.grid.value(line, column);
    const marks = this.grid.marks(line, column);
    const selected = this.isSelected(line, at);
    const active = this.now.active?.line === line && this.now.active.at === at;
    const looks = [lookOf(value, marks)];
    if (this.now.all[column]?.type === "number") looks.push("is-number");
    if (selected) looks.push("is-selected", ...this.edges(line, at));
    if (this.filling && isIn(this.filling, line, at)) looks.push("is-filling");
    if (active) {
      looks.push("is-active");
      cell.id = this.activeId;
      this.active = cell;
    }
    this.write(cell, { text: shownOf(value), look: looks.join(" "), label: labelOf(value, marks, this.words), role: "gridcell", index: at + 2, selected });
  }

  private isSelected(line: Line, at: number): boolean {
    return this.now.ranges.some((range) => isIn(range, line, at));
  }

  /** On which sides a selected cell is the edge of what is selected. */
  private edges(line: Line, at: number): string[] {
    const sides: [string, number, number][] = [["edge-top", line - 1, at], ["edge-bottom", line + 1, at], ["edge-left", line, at - 1], ["edge-right", line, at + 1]];
    return sides.filter(([, l, a]) => !this.isSelected(l, a)).map(([side]) => side);
  }

  private write(cell: Element, drawn: Drawn): void {
    const before = this.cells.get(cell);
    this.cells.set(cell, drawn);
    if (before?.look !== drawn.look) cell.className = `rgCell ${drawn.look}`;
    if (before?.text !== drawn.text) cell.textContent = drawn.text;
    if (before?.role !== drawn.role) cell.setAttribute("role", drawn.role);
    if (before?.index !== drawn.index) cell.setAttribute("aria-colindex", String(drawn.index));
    if (before?.label !== drawn.label) this.attribute(cell, "aria-label", drawn.label || null);
    if (before?.selected !== drawn.selected) this.attribute(cell, "aria-selected", drawn.selected ? "true" : null);
  }

  private header(row: Element, drawn: readonly Box[]): void {
    this.attribute(row, "role", "row");
    this.attribute(row, "aria-rowindex", "1");
    for (const cell of row.querySelectorAll(":scope > .rgHeaderCell")) {
      const box = drawn[Number(cell.getAttribute("data-rgcol"))];
      const content = cell.querySelector(".header-content");
      if (box && content) this.head(cell, content, box);
    }
  }

  private head(cell: Element, content: Element, box: Box): void {
    const { view, columns } = this.grid;
    const key = view.sort.findIndex(({ column }) => column === box.name);
    const order = key < 0 ? "" : view.sort[key]?.descending ? "descending" : "ascending";
    const filtered = view.filter.some(({ column }) => column === box.name);
    const marked = this.grid.ranges.some(({ left, right }) => box.at >= left && box.at <= right);
    const column = columns.all[columns.shown[box.at] ?? -1];
    const looks = ["rgHeaderCell", box.at < 0 ? "is-numbers" : "", marked ? "is-marked" : "", column?.type === "number" ? "is-number" : ""];
    const all = [box.name, order, key, filtered, view.sort.length, ...looks].join("|");
    if (this.written.get(content) === all) return;
    this.written.set(content, all);
    cell.className = looks.filter(Boolean).join(" ");
    cell.setAttribute("role", "columnheader");
    cell.setAttribute("aria-colindex", String(box.at + 2));
    this.attribute(cell, "aria-sort", order || (box.at < 0 ? null : "none"));
    // Otherwise the menu's button would be read out with every cell of the column.
    this.attribute(cell, "aria-label", box.at < 0 ? null : filtered ? `${box.name}, ${this.words.filtered}` : box.name);
    this.attribute(cell, "title", column ? column.path || column.name : null);
    content.replaceChildren(...this.parts(box, order, view.sort.length > 1 ? key + 1 : 0, filtered));
  }

  private parts(box: Box, order: string, rank: number, filtered: boolean): Node[] {
    const name = document.createElement("span");
    name.className = "head-name";
    name.textContent = box.at < 0 ? this.words.row : box.name;
    if (box.at < 0) return [name];
    const signs: Node[] = [];
    if (filtered) signs.push(svg(PATHS.filter));
    if (order) signs.push(svg(order === "ascending" ? PATHS.ascending : PATHS.descending));
    if (order && rank > 0) signs.push(document.createTextNode(String(rank)));
    const sign = document.createElement("span");
    sign.className = "head-signs";
    sign.append(...signs);
    const menu = document.createElement("button");
    Object.assign(menu, { type: "button", className: "head-menu", tabIndex: -1, title: this.words.menu });
    menu.setAttribute("aria-label", `${this.words.menu}: ${box.name}`);
    menu.append(svg(PATHS.menu));
    return [name, sign, menu];
  }

  private attribute(element: Element, name: string, value: string | null): void {
    if (value === null) element.removeAttribute(name);
    else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
}
