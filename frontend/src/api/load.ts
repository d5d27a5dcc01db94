import type { UseQueryReturnType } from "@tanstack/vue-query";
import { computed, type ComputedRef } from "vue";
import { asProblem, type Problem } from "./problem";

/** Something that is being fetched, as a view draws it. `gone`: deleted, or of a session that has ended. */
export type Load<T> =
  | { kind: "busy" }
  | { kind: "ready"; value: T }
  | { kind: "gone" }
  | { kind: "failed"; problem: Problem };

/** A value once fetched stays drawn while it is fetched again; only a first failure replaces the panel. */
export function loadFrom<T>(data: T | undefined, error: unknown): Load<T> {
  if (error) {
    const problem = asProblem(error);
    if (problem.status === 404) return { kind: "gone" };
    if (data === undefined) return { kind: "failed", problem };
  }
  return data === undefined ? { kind: "busy" } : { kind: "ready", value: data };
}

export function useLoad<T>(query: UseQueryReturnType<T, Error>): ComputedRef<Load<T>> {
  return computed(() => loadFrom<T>(query.data.value as T | undefined, query.error.value));
}
