import type { Part } from "./layout";

/** Where the pointer is in the grid. `at` -1 is the number of a row; `line` -1 is the header. */
export type Spot = { readonly line: number; readonly column: number; readonly part: Part; readonly element: Element };

/** What of the grid an element belongs to; null: none of its cells. */
export function spotOf(target: EventTarget | null): Spot | null {
  const element = target instanceof Element ? target.closest(".rgCell, .rgHeaderCell") : null;
  if (!element) return null;
  const header = element.classList.contains("rgHeaderCell");
  return {
    line: header ? -1 : Number(element.parentElement?.getAttribute("data-rgrow")),
    column: Number(element.getAttribute("data-rgcol")),
    part: element.closest(".colPinStart") ? "frozen" : "scrolling",
    element,
  };
}

const HANDLE = 9;
/** Whether the pointer is on the small square at the corner of what is selected, by which it is filled on. */
export function isOnHandle(event: MouseEvent, element: Element): boolean {
  if (!element.classList.contains("edge-bottom") || !element.classList.contains("edge-right")) return false;
  const { right, bottom } = element.getBoundingClientRect();
  return right - event.clientX <= HANDLE && bottom - event.clientY <= HANDLE;
}

/** How far to scroll a frame while the pointer is dragged out of `area`: the further out, the faster. */
export function pull(event: { clientX: number; clientY: number }, area: DOMRect): { x: number; y: number } {
  const beyond = (at: number, low: number, high: number): number => (at < low ? at - low : at > high ? at - high : 0);
  return { x: beyond(event.clientX, area.left, area.right) * 0.6, y: beyond(event.clientY, area.top, area.bottom) * 0.6 };
}

/** Follows the pointer until it is let go; `moved` is called at every frame while it is out of the area as well. */
export function follow(area: () => DOMRect, moved: (target: Element | null, out: { x: number; y: number }) => void, end: () => void): () => void {
  let last: MouseEvent | null = null;
  let frame = 0;
  const step = (): void => {
    frame = 0;
    if (!last) return;
    const box = area();
    const inside = (at: number, low: number, high: number): number => Math.min(Math.max(at, low + 1), high - 1);
    const target = document.elementFromPoint(inside(last.clientX, box.left, box.right), inside(last.clientY, box.top, box.bottom));
    const out = pull(last, box);
    moved(target, out);
    if (out.x !== 0 || out.y !== 0) frame = requestAnimationFrame(step);
  };
  const onMove = (event: MouseEvent): void => {
    last = event;
    frame ||= requestAnimationFrame(step);
  };
  const stop = (): void => {
    cancelAnimationFrame(frame);
    removeEventListener("mousemove", onMove);
    removeEventListener("mouseup", stop);
    end();
  };
  addEventListener("mousemove", onMove);
  addEventListener("mouseup", stop);
  return stop;
}
