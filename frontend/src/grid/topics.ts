import { onScopeDispose, shallowReactive } from "vue";
import type { Grid, Topic } from "./model";

/** The grid, read in a way that Vue sees: `now("selection").active` is read again when the selection has changed. */
export function useTopics(grid: Grid): (...topics: Topic[]) => Grid {
  const counters = shallowReactive<Partial<Record<Topic, number>>>({});
  onScopeDispose(
    grid.subscribe(({ topics }) => {
      for (const topic of topics) counters[topic] = grid.counter(topic);
    }),
  );
  return (...topics) => {
    for (const topic of topics) void counters[topic];
    return grid;
  };
}

export type Now = ReturnType<typeof useTopics>;
