import { onScopeDispose, shallowReactive, watch } from "vue";
import type { Panes } from "./model";
import type { Topic } from "./types";

type Counters = Partial<Record<Topic, number>>;

/** The panes, read in a way that Vue sees: `now("active").active` is read again when another cell is active. */
export function usePanes(panes: Panes): (...topics: Topic[]) => Panes {
  const counters = shallowReactive<Counters>({});
  onScopeDispose(panes.subscribe((topic) => { count(counters, topic); }));
  return (...topics) => {
    for (const topic of topics) void counters[topic];
    return panes;
  };
}

/** The same for whichever panes are looked at now; null while there are none. */
export function useCurrentPanes(current: () => Panes | null): (...topics: Topic[]) => Panes | null {
  const counters = shallowReactive<Counters>({});
  watch(current, (panes, _before, onCleanup) => {
    if (panes) onCleanup(panes.subscribe((topic) => { count(counters, topic); }));
  }, { immediate: true, flush: "sync" });
  return (...topics) => {
    for (const topic of topics) void counters[topic];
    return current();
  };
}

function count(counters: Counters, topic: Topic): void {
  counters[topic] = (counters[topic] ?? 0) + 1;
}
