import { onScopeDispose, shallowRef, watch, type Ref } from "vue";
import { drawingOf, type Places } from "./layout";
import type { Answered, Asked } from "./layout.worker";
import type { Spot } from "./spots";

/** Spots together with where they stand: both change in one step. */
export type Picture = { readonly spots: readonly Spot[]; readonly places: Places };

/** Has spots laid out by a worker. What changed only in what it says is not laid out anew; the latest layout counts. */
export function useLayout(spots: Ref<readonly Spot[]>) {
  const picture = shallowRef<Picture>({ spots: [], places: {} });
  const failed = shallowRef(false);
  const worker = new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
  let turn = 0;
  let shape = "";

  worker.onmessage = ({ data }: MessageEvent<Answered>): void => {
    if (data.turn === turn) picture.value = { spots: spots.value, places: data.places };
  };
  worker.onerror = (): void => {
    failed.value = true;
  };
  watch(spots, (now) => {
    const drawing = drawingOf(now);
    const next = JSON.stringify(drawing);
    if (next === shape) {
      if (now.every(({ id }) => picture.value.places[id] !== undefined)) picture.value = { spots: now, places: picture.value.places };
      return;
    }
    shape = next;
    turn += 1;
    const asked: Asked = { turn, drawing };
    worker.postMessage(asked);
  }, { immediate: true });
  onScopeDispose(() => {
    worker.terminate();
  });
  return { picture, failed };
}
