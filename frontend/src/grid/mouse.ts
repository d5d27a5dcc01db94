import type { Drawing } from "./drawing";
import type { Grid, SelectedRange } from "./model";
import { follow, isOnHandle, spotOf, type Spot } from "./pointer";

type Acts = {
  settle: () => void;
  open: () => void;
  ask: (what: "columnMenu" | "cellMenu", box: DOMRect) => void;
  refuse: (outcome: unknown) => void;
  focus: () => void;
};

const pointAt = (event: MouseEvent): DOMRect => new DOMRect(event.clientX, event.clientY, 0, 0);

/** What the mouse does in the grid. All of it has its keys as well. */
export function useMouse(grid: Grid, drawing: Drawing, acts: Acts) {
  function down(event: MouseEvent): void {
    const target = event.target as Element;
    if (target.closest(".resizable")) return;
    const spot = spotOf(target);
    if (!spot) return;
    // The focus stays with the grid, and no text is marked.
    event.preventDefault();
    acts.settle();
    acts.focus();
    const menu = target.closest(".head-menu");
    if (menu) {
      column(spot, event);
      acts.ask("columnMenu", menu.getBoundingClientRect());
    } else if (event.button !== 0) return;
    else if (spot.line < 0) column(spot, event);
    else if (grid.editing.kind === "on" && isOnHandle(event, spot.element)) fill();
    else cells(spot, event);
  }

  function column(spot: Spot, event: MouseEvent): void {
    const at = drawing.atOf(spot);
    if (at < 0) grid.selectAll();
    else grid.select(grid.active?.line ?? 0, at, { kind: "columns", extend: event.shiftKey, add: event.ctrlKey || event.metaKey });
  }

  function cells(spot: Spot, event: MouseEvent): void {
    const at = drawing.atOf(spot);
    const kind = at < 0 ? "rows" : "cells";
    grid.select(spot.line, Math.max(0, at), { kind, extend: event.shiftKey, add: event.ctrlKey || event.metaKey });
    follow(drawing.area, (target, out) => {
      const over = spotOf(target);
      drawing.scrollBy(out);
      if (over && over.line >= 0) grid.select(over.line, Math.max(0, drawing.atOf(over)), { kind, extend: true });
    }, () => undefined);
  }

  /** Dragging the handle: down or to the right, whichever is further. */
  function fill(): void {
    const source = grid.ranges.at(-1);
    if (!source) return;
    let goal: SelectedRange = source;
    follow(
      drawing.area,
      (target, out) => {
        const over = spotOf(target);
        drawing.scrollBy(out);
        if (!over || over.line < 0) return;
        goal = filledTo(source, over.line, drawing.atOf(over));
        drawing.fillOver(goal);
      },
      () => {
        drawing.fillOver(null);
        if (goal !== source) acts.refuse(grid.fillTo(goal));
      },
    );
  }

  function double(event: MouseEvent): void {
    const spot = spotOf(event.target);
    if (spot && spot.line >= 0 && drawing.atOf(spot) >= 0) acts.open();
  }

  function menu(event: MouseEvent): void {
    const spot = spotOf(event.target);
    if (!spot) return;
    event.preventDefault();
    const at = drawing.atOf(spot);
    if (spot.line < 0) {
      column(spot, event);
      if (at >= 0) acts.ask("columnMenu", pointAt(event));
      return;
    }
    if (!grid.isSelected(spot.line, Math.max(0, at))) grid.select(spot.line, Math.max(0, at), { kind: at < 0 ? "rows" : "cells" });
    acts.ask("cellMenu", pointAt(event));
  }

  return { down, double, menu };
}

/** The range that is filled when the handle of `source` is dragged to a cell. */
export function filledTo(source: SelectedRange, line: number, at: number): SelectedRange {
  const down = line > source.bottom ? line - source.bottom : line < source.top ? source.top - line : 0;
  const across = at > source.right ? at - source.right : at < source.left ? source.left - at : 0;
  if (down === 0 && across === 0) return source;
  return down >= across
    ? { ...source, top: Math.min(source.top, line), bottom: Math.max(source.bottom, line) }
    : { ...source, left: Math.min(source.left, at), right: Math.max(source.right, at) };
}
