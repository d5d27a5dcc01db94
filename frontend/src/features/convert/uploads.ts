import { useQueryClient } from "@tanstack/vue-query";
import { defineStore } from "pinia";
import { computed, shallowRef, triggerRef } from "vue";
import type { Grouping } from "@/api/types";
import { useJobs } from "@/live/jobs";
import { session, useSession } from "@/session/store";
import { refusal, type Refusal } from "./files";
import { Upload } from "./upload";

/** The uploads of this tab, one at a time; they go on while other screens are looked at. */
export const useUploads = defineStore("uploads", () => {
  const queries = useQueryClient();
  const jobs = useJobs();
  const who = useSession();
  const uploads = shallowRef<Upload[]>([]);
  const refusals = shallowRef<Refusal[]>([]);
  let waiting: Promise<void> = Promise.resolve();

  const isOpen = ({ state }: Upload): boolean => state.kind === "sending" || state.kind === "storing";
  const open = computed(() => uploads.value.filter(isOpen));

  /** Sends files; gives the collection of the last one that arrived, null when none did. */
  async function send(files: readonly File[], grouping: Grouping): Promise<string | null> {
    const limit = who.user?.limits.upload_bytes ?? 0;
    const refused = files.map((file) => refusal(file, limit));
    refusals.value = refused.filter((given) => given !== null);
    const added = files
      .filter((_, i) => refused[i] === null)
      .map((file) => new Upload(file, grouping, () => session.accessToken(), () => { triggerRef(uploads); session.used(); }));
    uploads.value = [...uploads.value.filter(isOpen), ...added];
    const turn = waiting.then(async () => {
      for (const upload of added) await one(upload);
    });
    waiting = turn;
    await turn;
    return added.map(({ state }) => (state.kind === "done" ? state.collection.id : null)).findLast(Boolean) ?? null;
  }

  async function one(upload: Upload): Promise<void> {
    await upload.run();
    if (upload.state.kind !== "done") return;
    const { collection, job } = upload.state;
    queries.setQueryData(["collections", collection.id], collection);
    jobs.own(job, collection.id);
    uploads.value = uploads.value.filter((known) => known !== upload);
    await queries.invalidateQueries({ queryKey: ["collections"], exact: true });
  }

  function dismiss(upload: Upload): void {
    uploads.value = uploads.value.filter((known) => known !== upload);
  }

  addEventListener("beforeunload", (event) => {
    if (open.value.length > 0) event.preventDefault();
  });

  return { uploads, refusals, open, send, dismiss };
});
