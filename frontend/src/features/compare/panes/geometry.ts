import { computed, onBeforeUnmount, onMounted, ref, shallowRef, watch, type Ref } from "vue";
import { dragged, fitted, HEADER_HEIGHT, headWidth, Layout, ROW_HEIGHT, type Box } from "./columns";
import type { Panes } from "./model";
import { Scroll, shown, TALLEST } from "./scrolling";
import type { Place } from "./types";
import type { usePanes } from "./watching";

/** Below this the panes stand one above the other. */
const BESIDE = 640;
const CAPTION_HEIGHT = 28;
const GAP = 1;
/** Rows are laid out from a near multiple of this, so that scrolling moves one element and not every row. */
const STRETCH = 2000;
/** Columns and rows drawn beyond what is seen. */
const BEYOND = 120;
const ROWS_BEYOND = 4;
const SETTLED_MS = 160;
/** How many rows tell how wide a column is to be. */
const SAMPLED = 40;

/** Where everything is drawn. There is one scroller and one offset for both panes, so that they cannot drift apart. */
export function useGeometry(panes: Panes, now: ReturnType<typeof usePanes>, scroller: Ref<HTMLElement | null>) {
  const size = ref({ width: 0, height: 0 });
  const top = ref(0);
  const left = ref(0);
  const widths = shallowRef<readonly number[]>([]);
  const scroll = new Scroll();
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let seen: ResizeObserver | undefined;
  let sampled = false;

  const stacked = computed(() => size.value.width < BESIDE);
  const pane = computed(() => {
    const { width, height } = size.value;
    return stacked.value ? { width, height: Math.floor((height - GAP) / 2) } : { width: Math.floor((width - GAP) / 2), height };
  });
  const rowsRoom = computed(() => Math.max(0, pane.value.height - HEADER_HEIGHT - CAPTION_HEIGHT));
  const head = computed(() => headWidth(now("total").total));
  const layout = computed(() => new Layout(now("columns").columns, widths.value, head.value, pane.value.width));
  const columnsRoom = computed(() => Math.max(0, pane.value.width - layout.value.frozenWidth));
  const furthest = computed(() => Math.max(0, layout.value.scrollingWidth - columnsRoom.value));

  const first = computed(() => Math.max(0, Math.floor(top.value / ROW_HEIGHT) - ROWS_BEYOND));
  const last = computed(() => Math.min(now("total").total, Math.ceil((top.value + rowsRoom.value) / ROW_HEIGHT) + ROWS_BEYOND) - 1);
  const base = computed(() => Math.floor(first.value / STRETCH) * STRETCH);
  const positions = computed(() => Array.from({ length: Math.max(0, last.value - first.value + 1) }, (_, at) => first.value + at));

  // The same list as long as the same columns are in sight: rows are then not drawn anew.
  let before: { layout: Layout; key: string; boxes: readonly Box[] } | undefined;
  const boxes = computed(() => {
    const found = layout.value.within(left.value - BEYOND, left.value + columnsRoom.value + BEYOND);
    const key = `${found[0]?.index}-${found.length}`;
    if (before?.layout !== layout.value || before.key !== key) before = { layout: layout.value, key, boxes: found };
    return before.boxes;
  });

  function sample(): void {
    const { columns } = panes;
    if (columns.length === 0 || (sampled && widths.value.length === columns.length)) return;
    const rows = Array.from({ length: Math.min(SAMPLED, panes.total) }, (_, at) => panes.row(at)).filter((row) => row !== undefined);
    sampled = rows.length > 0;
    widths.value = fitted(columns, rows);
  }

  function fit(): void {
    scroll.resize(now("total").total * ROW_HEIGHT, rowsRoom.value);
    top.value = scroll.top;
    left.value = Math.min(left.value, furthest.value);
  }

  function place(): void {
    const element = scroller.value;
    if (!element) return;
    if (Math.abs(element.scrollTop - scroll.bar) > 1) element.scrollTop = scroll.bar;
    if (Math.abs(element.scrollLeft - left.value) > 1) element.scrollLeft = left.value;
  }

  function onScroll(): void {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      const element = scroller.value;
      if (!element) return;
      if (Math.abs(element.scrollTop - scroll.bar) >= 1) {
        scroll.follow(element.scrollTop);
        top.value = scroll.top;
      }
      left.value = Math.max(0, Math.min(furthest.value, element.scrollLeft));
      clearTimeout(timer);
      timer = setTimeout(() => {
        scroll.settled();
        place();
      }, SETTLED_MS);
    });
  }

  /** Scrolls as little as it takes to see a place. */
  function reveal({ position, column }: Place): void {
    const y = shown(position * ROW_HEIGHT, (position + 1) * ROW_HEIGHT, top.value, rowsRoom.value);
    if (y !== null) {
      // A long way ends in the middle, where one sees what is around.
      const far = Math.abs(y - top.value) > rowsRoom.value;
      scroll.to(far ? position * ROW_HEIGHT - rowsRoom.value / 2 : y);
      top.value = scroll.top;
    }
    const found = layout.value.box(column);
    const x = found && !found.frozen ? shown(found.box.start, found.box.start + found.box.width, left.value, columnsRoom.value) : null;
    if (x !== null) left.value = Math.max(0, Math.min(furthest.value, x));
    place();
  }

  function widen(column: number, width: number): void {
    widths.value = widths.value.map((known, at) => (at === column ? dragged(width) : known));
  }

  watch([() => now("total", "columns").total, rowsRoom, furthest], fit, { flush: "post" });
  watch(() => now("rows", "columns").columns, sample, { immediate: true });
  watch(() => now("rows").total, sample);
  watch(layout, (made) => {
    panes.ordered(made.order);
  }, { immediate: true });
  watch([first, last, boxes], () => {
    const order = layout.value.frozen.length;
    const from = layout.value.scrolling.findIndex((box) => box.start + box.width > left.value);
    const to = layout.value.scrolling.findLastIndex((box) => box.start < left.value + columnsRoom.value);
    const visible = { top: Math.floor(top.value / ROW_HEIGHT), bottom: Math.floor((top.value + rowsRoom.value) / ROW_HEIGHT) };
    panes.look({ ...visible, left: order + Math.max(0, from), right: order + Math.max(0, to) });
  });

  onMounted(() => {
    const measure = (): void => {
      if (scroller.value) size.value = { width: scroller.value.clientWidth, height: scroller.value.clientHeight };
    };
    seen = new ResizeObserver(measure);
    if (scroller.value) seen.observe(scroller.value);
    measure();
    panes.drawnBy(reveal);
  });
  onBeforeUnmount(() => {
    seen?.disconnect();
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  });

  return {
    top, left, layout, boxes, positions, base, head, pane, stacked, rowsRoom, widths, onScroll, reveal, widen,
    view: computed(() => ({ width: `${size.value.width}px`, height: `${size.value.height}px` })),
    // As high and wide as it takes to scroll over everything with the bars of one element.
    reach: computed(() => ({
      height: `${size.value.height + Math.min(TALLEST, Math.max(0, now("total").total * ROW_HEIGHT - rowsRoom.value))}px`,
      width: `${size.value.width + furthest.value}px`,
    })),
    rowsInSight: () => Math.max(1, Math.floor(rowsRoom.value / ROW_HEIGHT) - 1),
    paneStyle: computed(() => ({ width: `${pane.value.width}px`, height: `${pane.value.height}px` })),
    shift: computed(() => ({ transform: `translateY(${base.value * ROW_HEIGHT - top.value}px)` })),
  };
}

export type Geometry = ReturnType<typeof useGeometry>;
