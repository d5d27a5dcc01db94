import { onBeforeUnmount, onMounted, type Ref } from "vue";
import { LANES, type Lane, type Mark } from "./mapping";

const COLOURS: Record<Lane, string> = { removed: "--was", changed: "--warning", added: "--now", moved: "--conflict" };
/** A mark is never thinner, or one row of a million could not be seen. */
const LEAST = 3;
const FAINTEST = 0.7;
/** Moved rows are a thin line beside the three broad lanes. */
const THIN = 2;
const PADDING = 1;

type Size = { width: number; height: number };

/** Draws marks along a canvas, from top to bottom or from left to right. */
function draw(canvas: HTMLCanvasElement, marks: readonly Mark[], vertical: boolean, { width, height }: Size): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.scale(ratio, ratio);
  context.clearRect(0, 0, width, height);
  const tokens = getComputedStyle(canvas);
  const [along, across] = vertical ? [height, width] : [width, height];
  const lane = (across - 2 * PADDING - THIN - 1) / (LANES.length - 1);
  const box = (start: number, length: number, offset: number, thickness: number): void => {
    if (vertical) context.fillRect(offset, start, thickness, length);
    else context.fillRect(start, offset, length, thickness);
  };
  for (const { lane: kind, from, to, weight } of marks) {
    const place = LANES.indexOf(kind);
    const start = Math.min(along - LEAST, from * along);
    const length = Math.max(LEAST, (to - from) * along);
    context.fillStyle = tokens.getPropertyValue(COLOURS[kind]);
    context.globalAlpha = FAINTEST + (1 - FAINTEST) * weight;
    if (kind === "moved") box(start, length, across - PADDING - THIN, THIN);
    else box(start, length, PADDING + place * lane, lane - 1);
  }
}

/** Keeps a canvas drawn: when it is sized anew, when the theme changes, and whenever the given function says so. */
export function useDrawing(canvas: Ref<HTMLCanvasElement | null>, marks: () => readonly Mark[], vertical: boolean): () => void {
  let frame = 0;
  let sized: ResizeObserver | undefined;
  let themed: MutationObserver | undefined;

  function redraw(): void {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      const element = canvas.value;
      if (element) draw(element, marks(), vertical, { width: element.clientWidth, height: element.clientHeight });
    });
  }

  onMounted(() => {
    sized = new ResizeObserver(redraw);
    if (canvas.value) sized.observe(canvas.value);
    themed = new MutationObserver(redraw);
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    redraw();
  });
  onBeforeUnmount(() => {
    sized?.disconnect();
    themed?.disconnect();
    cancelAnimationFrame(frame);
  });
  return redraw;
}
