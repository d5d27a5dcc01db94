import { onScopeDispose, shallowReactive } from "vue";
import type { Panes } from "./model";
import type { Topic } from "./types";

/** The panes, read in a way that Vue sees: `now("active").active` is read again when another cell is active. */
export function usePanes(panes: Panes): (...topics: Topic[]) => Panes {
  const counters = shallowReactive<Partial<Record<Topic, number>>>({});
  onScopeDispose(
    panes.subscribe((topic) => {
      counters[topic] = (counters[topic] ?? 0) + 1;
    }),
  );
  return (...topics) => {
    for (const topic of topics) void counters[topic];
    return panes;
  };
}
