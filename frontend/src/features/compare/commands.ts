import { useQueryClient } from "@tanstack/vue-query";
import { useJobs } from "@/live/jobs";
import { calls, type Order } from "./calls";
import type { Change, Options, Pair, SideName } from "./types";

/** Jobs of a comparison lead to it, those of a collection to that: both are told apart by the folder of the address. */
const ownerOf = (id: string): string => `compare/${id}`;

/** What can be done with comparisons. Each throws its problem; the caller says it where it belongs. */
export function useCompareCommands() {
  const queries = useQueryClient();
  const jobs = useJobs();

  async function changed(id: string): Promise<void> {
    await Promise.all([
      queries.invalidateQueries({ queryKey: ["comparisons"], exact: true }),
      queries.invalidateQueries({ queryKey: ["comparisons", id] }),
    ]);
  }

  /** Gives the id of the new comparison. */
  async function start(order: Order): Promise<string> {
    const { comparison, job } = await calls.start(order);
    jobs.own(job, ownerOf(comparison.id));
    await queries.invalidateQueries({ queryKey: ["comparisons"], exact: true });
    return comparison.id;
  }

  async function remove(id: string): Promise<void> {
    await calls.remove(id);
    queries.removeQueries({ queryKey: ["comparisons", id] });
    await queries.invalidateQueries({ queryKey: ["comparisons"], exact: true });
  }

  async function review(id: string, pair: Pair, change: { reviewed?: boolean; note?: string }): Promise<void> {
    const saved = await calls.review(id, pair.id, change);
    queries.setQueryData(["comparisons", id, "pair", pair.id], saved);
    await queries.invalidateQueries({ queryKey: ["comparisons", id, "pairs"] });
  }

  /** Gives the id of the job, whose end the caller waits for. */
  async function repair(id: string, a: string | null, b: string | null): Promise<string> {
    const { job } = await calls.repair(id, a, b);
    jobs.own(job, ownerOf(id));
    await changed(id);
    return job.id;
  }

  async function recompare(id: string, pair: string, options: Options): Promise<string> {
    const { job } = await calls.recompare(id, pair, options);
    jobs.own(job, ownerOf(id));
    await changed(id);
    return job.id;
  }

  async function apply(id: string, pair: string, changes: Change[] | "all", into: SideName): Promise<string> {
    const { job } = await calls.apply(id, pair, changes, into);
    jobs.own(job, ownerOf(id));
    return job.id;
  }

  async function putRecipe(name: string, options: Options): Promise<void> {
    await calls.putRecipe({ name, options });
    await queries.invalidateQueries({ queryKey: ["comparison-recipes"] });
  }

  async function removeRecipe(name: string): Promise<void> {
    await calls.removeRecipe(name);
    await queries.invalidateQueries({ queryKey: ["comparison-recipes"] });
  }

  return { changed, start, remove, review, repair, recompare, apply, putRecipe, removeRecipe };
}
