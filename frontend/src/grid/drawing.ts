import { shallowRef } from "vue";
import { boxes, ROW_HEIGHT, scrolledTo, spanOf, type Box } from "./layout";
import type { Change, Grid, Line, Value, Window } from "./model";
import { Painter, type Words } from "./painter";
import type { Boxes } from "./revo";
import type { Spot } from "./pointer";

type Area = { left: number; top: number; width: number; height: number };
/** Where the open editor is: its cell's box within what may be drawn over. `key` changes with the cell. */
export type EditorPlace = { key: string; initial: string; clip: Record<string, string>; box: Area };

const OUT_OF_SIGHT = -10_000;
/** More than this share of the width is never frozen: nothing would be left to scroll. */
const FROZEN = 0.6;

/** Keeps what is drawn and the model together: paints, loads what comes into sight, follows the active cell. */
export function useDrawing(grid: Grid, words: Words, activeId: string, sample: readonly Value[]) {
  const active = shallowRef<string | null>(null);
  const editor = shallowRef<EditorPlace | null>(null);
  let revo: Boxes | null = null;
  let painter: Painter | null = null;
  let frame: HTMLElement | null = null;
  let all: Box[] = [];
  let frames = 0;
  let queued = false;
  let seen = "";
  let followed = "";
  let stopListening = (): void => undefined;
  let stopped = false;
  const longest: (Value | undefined)[] = [...sample];
  let fitted = false;

  const rowHeight = (): number => ROW_HEIGHT[grid.columns.state.density];

  async function start(host: HTMLElement, given: HTMLElement): Promise<void> {
    const { Boxes } = await import("./revo");
    const made = await Boxes.into(host, { drawn: paintSoon, scrolled: onScroll, resized });
    if (stopped) {
      made.remove();
      return;
    }
    frame = given;
    revo = made;
    painter = new Painter(host, grid, words, activeId);
    layOut();
    revo.setRows(grid.lines, rowHeight());
    stopListening = grid.subscribe(onChange);
    followActive();
  }

  function stop(): void {
    stopped = true;
    stopListening();
    cancelAnimationFrame(frames);
    revo?.remove();
  }

  function layOut(): void {
    const drawn = boxes(grid, longest);
    const frozen = drawn.reduce((sum, { part, width }) => sum + (part === "frozen" ? width : 0), 0);
    all = frame && frozen > frame.clientWidth * FROZEN ? drawn.map((box) => (box.at < 0 ? box : { ...box, part: "scrolling" })) : drawn;
    revo?.setColumns(all);
  }

  function onChange({ topics }: Change): void {
    if (topics.has("columns")) layOut();
    if (topics.has("lines") || topics.has("columns")) revo?.setRows(grid.lines, rowHeight());
    if (topics.has("view")) revo?.scrollTo({ y: 0 });
    if (topics.has("selection") || topics.has("lines")) followActive();
    if (topics.has("find") && grid.finding.kind === "found") reveal();
    frames ||= requestAnimationFrame(() => {
      frames = 0;
      paint();
    });
    if (topics.has("editing")) placeEditor();
  }

  function onScroll(): void {
    if (editor.value) placeEditor();
  }

  function resized(name: string, width: number): void {
    // RevoGrid has already drawn it so; the model is told, and nothing is laid out again.
    all = all.map((box) => (box.name === name ? { ...box, width } : box));
    revo?.isLaidOut(all);
    grid.columns.resize(name, width);
  }

  /** Boxes that stand for other cells now are written before the browser shows them. */
  function paintSoon(): void {
    if (queued) return;
    queued = true;
    queueMicrotask(() => {
      queued = false;
      paint();
    });
  }

  function paint(): void {
    if (!painter || !revo) return;
    const sight = painter.paint(all);
    active.value = painter.isActiveDrawn ? activeId : null;
    if (editor.value || grid.editing.kind === "cell") placeEditor();
    if (!sight) return;
    if (!fitted) fit(sight);
    const key = `${sight.top}-${sight.bottom}-${sight.columns.join(",")}`;
    if (key !== seen) {
      seen = key;
      grid.look(sight);
    }
  }

  /** Once, when the first rows are there: columns in sight are as wide as what stands in them. */
  function fit({ top, bottom, columns }: Window): void {
    if (columns.some((column) => grid.value(top, column) === undefined)) return;
    fitted = true;
    for (const column of columns) {
      for (let line = top; line <= bottom; line++) {
        const value = grid.value(line, column);
        if ((value ?? "").length > (longest[column] ?? "").length) longest[column] = value;
      }
    }
    layOut();
  }

  /** To the active cell when it is another one: not when its row only stands elsewhere now, sorted or filtered. */
  function followActive(): void {
    const cell = grid.active;
    if (!cell) return;
    const key = cell.row === undefined ? `line ${cell.line}` : `${cell.row}/${cell.column}`;
    if (key === followed) return;
    followed = key;
    reveal();
  }

  /** Scrolls as little as it takes to see the active cell, or with `far` the other end of the range that begins there. */
  function reveal(far = false): void {
    const cell = grid.active;
    if (!cell || !revo) return;
    const range = far ? grid.ranges.at(-1) : undefined;
    if (range && range.kind !== "cells") return;
    const line = range?.top === cell.line ? range.bottom : (range?.top ?? cell.line);
    const at = range?.left === cell.at ? range.right : (range?.left ?? cell.at);
    const height = rowHeight();
    const span = spanOf(all, at);
    const y = scrolledTo(line * height, (line + 1) * height, revo.from.y, revo.room.height);
    const x = span ? scrolledTo(span.start, span.end, revo.from.x, revo.room.width) : null;
    if (y !== null || x !== null) revo.scrollTo({ ...(y === null ? {} : { y: Math.max(0, y) }), ...(x === null ? {} : { x: Math.max(0, x) }) });
  }

  function elementOf(line: Line, at: number): HTMLElement | null {
    const box = all.find((one) => one.at === at);
    if (!box || !frame) return null;
    const index = all.filter((one) => one.part === box.part).indexOf(box);
    return frame.querySelector(`.${box.part === "frozen" ? "colPinStart" : "rgCol"} .rgRow[data-rgrow="${line}"] > [data-rgcol="${index}"]`);
  }

  /** The editor stays where its cell is, and out of sight with it; what is typed in it stays in any case. */
  function placeEditor(): void {
    if (grid.editing.kind !== "cell" || !frame || !grid.active) {
      editor.value = null;
      return;
    }
    const { cell, initial } = grid.editing;
    const element = elementOf(grid.active.line, grid.active.at);
    const part = element?.closest("revogr-viewport-scroll")?.querySelector(".vertical-inner");
    const whole = frame.getBoundingClientRect();
    const key = `${cell.row}/${cell.column}`;
    if (!element || !part) {
      // Out of sight, but open: what is typed meanwhile is kept, and seen as soon as its cell is.
      const before = editor.value?.key === key ? editor.value : { clip: pixels({ left: 0, top: 0, width: whole.width, height: whole.height }), box: { left: 0, top: 0, width: 120, height: rowHeight() } };
      editor.value = { key, initial, clip: before.clip, box: { ...before.box, top: OUT_OF_SIGHT } };
      return;
    }
    const view = part.closest("revogr-viewport-scroll")?.getBoundingClientRect() ?? whole;
    const rows = part.getBoundingClientRect();
    const box = element.getBoundingClientRect();
    editor.value = {
      key,
      initial,
      clip: pixels({ left: view.left - whole.left, top: rows.top - whole.top, width: view.width, height: rows.height }),
      box: { left: box.left - view.left, top: box.top - rows.top, width: box.width, height: box.height },
    };
  }

  function boxOf(what: "columnMenu" | "cell"): DOMRect | null {
    const cell = grid.active;
    if (!cell || !frame) return null;
    if (what === "cell") return elementOf(cell.line, cell.at)?.getBoundingClientRect() ?? null;
    const column = elementOf(cell.line, cell.at)?.getAttribute("data-rgcol");
    const part = all[cell.at + 1]?.part === "frozen" ? "colPinStart" : "rgCol";
    return frame.querySelector(`.${part} .rgHeaderCell[data-rgcol="${column}"]`)?.getBoundingClientRect() ?? null;
  }

  /** The drawn position of a column of one of the two parts; -1 for the numbers of the rows. */
  const atOf = ({ part, column }: Spot): number => all.filter((box) => box.part === part)[column]?.at ?? -1;
  const nameOf = (at: number): string => all.find((box) => box.at === at)?.name ?? "";

  return {
    active,
    editor,
    start,
    stop,
    reveal,
    boxOf,
    atOf,
    nameOf,
    paint,
    linesInSight: () => Math.max(1, Math.floor((revo?.room.height ?? 0) / rowHeight()) - 1),
    area: () => revo?.window?.getBoundingClientRect() ?? new DOMRect(),
    scrollBy: (by: { x: number; y: number }) => {
      if (revo && (by.x || by.y)) revo.scrollTo({ x: Math.max(0, revo.from.x + by.x), y: Math.max(0, revo.from.y + by.y) });
    },
    fillOver: (target: { top: number; bottom: number; left: number; right: number } | null) => {
      if (painter) painter.filling = target;
      paint();
    },
  };
}

export type Drawing = ReturnType<typeof useDrawing>;
const pixels = (area: Area): Record<string, string> => Object.fromEntries(Object.entries(area).map(([name, at]) => [name, `${at}px`]));
