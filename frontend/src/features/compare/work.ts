import { computed, ref, shallowRef, watch } from "vue";
import { asProblem, type Problem } from "@/api/problem";
import type { Job } from "@/api/types";
import { hasEnded } from "@/live/job";
import { useJobs } from "@/live/jobs";

/** How long one waits for the news of a job before asking. */
const ASK_MS = 2500;

export const failureOf = (job: Job): Problem => {
  const error = job.error ?? { code: "COMPARISON_FAILED", detail: "" };
  return { status: 500, title: "", retryAfter: null, correlationId: job.correlation_id, ...error };
};

/** One thing at a time that a panel does: whether it is going on, what went wrong, and the job it waits for. */
export function useWork() {
  const jobs = useJobs();
  const busy = ref(false);
  const problem = shallowRef<Problem | null>(null);
  const jobId = ref<string | null>(null);
  const job = computed(() => jobs.all.find(({ id }) => id === jobId.value) ?? null);

  async function ended(id: string): Promise<Job> {
    jobId.value = id;
    const find = (): Job | undefined => jobs.all.find((known) => known.id === id && hasEnded(known));
    return new Promise((resolve) => {
      const settle = (): void => {
        const done = find();
        if (!done) return;
        stop();
        clearInterval(timer);
        resolve(done);
      };
      const stop = watch(() => jobs.all, settle);
      // Events come at once; where they are away the list is asked.
      const timer = setInterval(() => void jobs.list().catch(() => undefined).then(settle), ASK_MS);
      settle();
    });
  }

  /** Does something, and waits for its job where it gives the id of one. True, or the job, when all of
   *  it went well, `after` included, which is done as long as one is still busy. */
  async function run(work: () => Promise<unknown>, after: () => Promise<unknown> = async () => undefined): Promise<Job | boolean> {
    if (busy.value) return false;
    busy.value = true;
    problem.value = null;
    try {
      const id = await work();
      const done = typeof id === "string" ? await ended(id) : null;
      if (done && done.state !== "succeeded") {
        problem.value = failureOf(done);
        return false;
      }
      await after();
      return done ?? true;
    } catch (error) {
      problem.value = asProblem(error);
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy, problem, job, run };
}
