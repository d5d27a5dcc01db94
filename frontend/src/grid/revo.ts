import { defineCustomElements } from "@revolist/revogrid/loader";
import { NUMBERS, type Box } from "./layout";

/** RevoGrid, as far as it is used: it lays boxes out, scrolls them and draws those in sight, all of them empty. What
 *  stands in them, what is selected and what keys do is ours. */
type Revo = HTMLElement & {
  columns: unknown[];
  source: object[];
  rowSize: number;
  readonly: boolean;
  range: boolean;
  resize: boolean;
  canFocus: boolean;
  useClipboard: boolean;
  accessible: boolean;
  hideAttribution: boolean;
  filter: boolean;
  theme: string;
  scrollToCoordinate(to: { x?: number; y?: number }): Promise<void>;
};

type Scrolled = CustomEvent<{ dimension: string; coordinate: number }>;
type Resized = CustomEvent<Record<string, { prop: string; size?: number }>>;

export type Hearing = {
  /** Boxes of cells or headers have been drawn, or stand for other cells now. */
  drawn: () => void;
  scrolled: () => void;
  resized: (name: string, width: number) => void;
};

// RevoGrid is given no rows: it is told how many there are.
const NOTHING = Object.freeze({});
const empty = (): null => null;

export class Boxes {
  /** Where the part that scrolls has been scrolled to, in pixels of the whole table. */
  readonly from = { x: 0, y: 0 };
  private laidOut = "";

  private constructor(
    readonly element: Revo,
    hearing: Hearing,
  ) {
    for (const event of ["afterrender", "afterheaderrender"]) element.addEventListener(event, hearing.drawn);
    element.addEventListener("viewportscroll", (event) => {
      const { dimension, coordinate } = (event as Scrolled).detail;
      if (dimension === "rgRow") this.from.y = coordinate;
      if (dimension === "rgCol") this.from.x = coordinate;
      hearing.scrolled();
    });
    element.addEventListener("aftercolumnresize", (event) => {
      for (const { prop, size } of Object.values((event as Resized).detail)) if (size) hearing.resized(prop, size);
    });
  }

  /** Puts the grid into `host`. Its own styles are let in by the nonce that the page names in `csp-nonce`. */
  static async into(host: HTMLElement, hearing: Hearing): Promise<Boxes> {
    await defineCustomElements();
    const element = document.createElement("revo-grid") as unknown as Revo;
    Object.assign(element, {
      readonly: true,
      range: false,
      resize: true,
      canFocus: false,
      useClipboard: false,
      accessible: false,
      hideAttribution: true,
      filter: false,
      theme: "compact",
    });
    const boxes = new Boxes(element, hearing);
    host.append(element);
    return boxes;
  }

  /** Lays the columns out, unless they already are so. */
  setColumns(all: readonly Box[]): void {
    const layout = JSON.stringify(all);
    if (layout === this.laidOut) return;
    this.laidOut = layout;
    this.element.columns = all.map(({ name, width, part }) => ({
      prop: name,
      name: "",
      size: width,
      cellTemplate: empty,
      columnTemplate: empty,
      ...(name === NUMBERS ? { minSize: width, maxSize: width } : {}),
      ...(part === "frozen" ? { pin: "colPinStart" } : {}),
    }));
  }

  /** The user has drawn a column to its width: it already is as wide. */
  isLaidOut(all: readonly Box[]): void {
    this.laidOut = JSON.stringify(all);
  }

  setRows(count: number, height: number): void {
    if (this.element.rowSize !== height) this.element.rowSize = height;
    if ((this.element.source as object[] | undefined)?.length !== count) this.element.source = new Array<object>(count).fill(NOTHING);
  }

  /** The element that shows the rows of the part that scrolls; null before the first drawing. */
  get window(): HTMLElement | null {
    return this.element.querySelector(".rgCol .vertical-inner");
  }

  /** How much of the part that scrolls is in sight, in pixels. */
  get room(): { width: number; height: number } {
    const window = this.window;
    const part = window?.closest("revogr-viewport-scroll");
    return { width: part?.clientWidth ?? 0, height: window?.clientHeight ?? 0 };
  }

  scrollTo(to: { x?: number; y?: number }): void {
    if (to.x !== undefined) this.from.x = to.x;
    if (to.y !== undefined) this.from.y = to.y;
    void this.element.scrollToCoordinate(to);
  }

  remove(): void {
    this.element.remove();
  }
}
