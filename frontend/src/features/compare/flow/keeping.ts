import { defineStore } from "pinia";
import { watch } from "vue";
import { useSession } from "@/session/store";
import type { View } from "./moving";
import type { Open } from "./spots";

/** What a reader has made of a flowchart: what is open, where one is, and what part of it is seen. */
export type Reading = {
  /** What the tree was narrowed to. */
  readonly about: string;
  readonly open: Open;
  /** The reader has opened or closed something of it. */
  readonly isByHand: boolean;
  /** What was said of it. */
  readonly note: string;
  readonly current: string | null;
  readonly view: View;
  /** It was left for one of its documents. */
  readonly forDocument: boolean;
};

/** The latest reading of each comparison. */
export class Readings {
  readonly #kept = new Map<string, Reading>();

  keep(comparison: string, reading: Reading): void {
    this.#kept.set(comparison, reading);
  }

  /** Null where there is none, or one of another part of the tree. */
  of(comparison: string, about: string): Reading | null {
    const reading = this.#kept.get(comparison);
    return reading?.about === about ? reading : null;
  }

  clear(): void {
    this.#kept.clear();
  }
}

/** Flowcharts as they were left in this tab: until it is reloaded or the session ends, for their folders' names are its data. */
export const useReadings = defineStore("readings", () => {
  const who = useSession();
  const readings = new Readings();
  watch(() => who.sessionId, () => {
    readings.clear();
  });
  return {
    keep: (comparison: string, reading: Reading): void => {
      readings.keep(comparison, reading);
    },
    of: (comparison: string, about: string): Reading | null => readings.of(comparison, about),
  };
});
