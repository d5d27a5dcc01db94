import { useQueryClient } from "@tanstack/vue-query";
import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";
import { api, ask } from "@/api/client";
import type { Job } from "@/api/types";
import type { EndReason } from "@/session/session";
import { session, useSession } from "@/session/store";
import { LiveEvents, type LiveMessage } from "./events";
import { hasEnded, later } from "./job";
import { KEY, readOwners, writeOwners } from "./owners";

const REASONS: Record<string, EndReason> = {
  logout: "logout",
  expired: "expired",
  ended_by_administrator: "administrator",
  password_changed: "password",
  reuse: "reuse",
};

/** How often listings follow a running job: what is converted can be used before the rest is. */
const REDRAW_MS = 1500;

/** The jobs of the session, live. */
export const useJobs = defineStore("jobs", () => {
  const queries = useQueryClient();
  const jobs = shallowRef<ReadonlyMap<string, Job>>(new Map());
  const owners = ref(readOwners());
  const connected = ref(true);
  /** Moves while a job runs, so that rates and remaining times are drawn anew. */
  const now = ref(Date.now());

  function put(...given: Job[]): void {
    const next = new Map(jobs.value);
    for (const job of given) next.set(job.id, later(next.get(job.id), job));
    jobs.value = next;
  }

  /** Remembers for which collection a job works; the job's id alone does not say it. */
  function own(job: Job, collectionId: string): void {
    owners.value = { ...owners.value, [job.id]: collectionId };
    writeOwners(owners.value);
    put(job);
  }

  let drawnAt = 0;
  async function changed(collectionId: string | undefined): Promise<void> {
    await queries.invalidateQueries({ queryKey: ["collections"] });
    if (collectionId) await queries.invalidateQueries({ queryKey: ["documents", collectionId] });
  }

  async function list(): Promise<void> {
    const { items } = await ask(api.GET("/api/v1/jobs", { params: { query: { limit: 200 } } }));
    put(...items);
  }

  async function cancel(job: Job): Promise<void> {
    await ask(api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id: job.id } } }));
  }

  function read(message: LiveMessage): void {
    if (message.type === "session") {
      session.end(REASONS[message.reason] ?? "unknown");
      return;
    }
    const before = jobs.value.get(message.job.id);
    put(message.job);
    const owner = owners.value[message.job.id];
    if (hasEnded(message.job)) {
      if (!(before && hasEnded(before))) void changed(owner);
    } else if (Date.now() - drawnAt > REDRAW_MS) {
      drawnAt = Date.now();
      void changed(owner);
    }
  }

  const events = new LiveEvents(
    {
      ticket: async () => {
        await session.whenUsed();
        return (await ask(api.POST("/api/v1/events/tickets"))).ticket;
      },
      open: () => new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/events`),
      later: (work, ms) => {
        const timer = setTimeout(work, ms);
        return () => {
          clearTimeout(timer);
        };
      },
      random: Math.random,
    },
    {
      message: read,
      open: () => {
        // What a gap hid: jobs that another tab started meanwhile, and listings they changed.
        void list().catch(() => undefined);
        void queries.invalidateQueries({ queryKey: ["collections"] });
      },
      connected: (up) => {
        connected.value = up;
      },
    },
  );

  const who = useSession();
  watch(
    () => (who.user && !who.user.must_change_password ? who.sessionId : null),
    (id, before) => {
      if (before && before !== id) {
        events.stop();
        jobs.value = new Map();
        owners.value = {};
        writeOwners({});
        queries.clear();
      }
      if (id) events.start();
    },
    { immediate: true },
  );

  const all = computed(() => [...jobs.value.values()].sort((a, b) => (b.created_at ?? "").localeCompare(a.created_at ?? "")));
  const running = computed(() => all.value.filter((job) => !hasEnded(job)));
  const of = (collectionId: string): Job[] => all.value.filter((job) => owners.value[job.id] === collectionId);

  // What another tab has started is drawn in this one too.
  addEventListener("storage", (event) => {
    if (event.key === KEY) owners.value = readOwners();
  });

  setInterval(() => {
    if (running.value.length === 0) return;
    now.value = Date.now();
    // Work of the person's is use of the session, also while they are getting a coffee.
    session.used();
  }, 1000);

  return { all, running, connected, now, owners, of, own, put, cancel, list };
});
