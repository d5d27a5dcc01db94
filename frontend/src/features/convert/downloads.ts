import { ref, shallowRef, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { asProblem, type Problem } from "@/api/problem";
import type { Collection, Document, Group } from "@/api/types";
import { useAnnounce } from "@/ui/announce";
import { defaultOptions, download, exportPath, type ExportOptions, type Format } from "./download";
import { useView } from "./view";

const stem = (name: string): string => name.replace(/\.[^.]+$/, "");
const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";

/** Downloads of a collection: one at a time, with the problem of the last one. */
export function useDownloads(collection: Ref<Collection>) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const view = useView();
  const options = ref<ExportOptions>({ ...defaultOptions });
  /** What is being fetched: a document's id, or "all" for groups and everything. */
  const busy = ref<string | null>(null);
  const problem = shallowRef<Problem | null>(null);

  async function tried(what: string, work: () => Promise<void>): Promise<void> {
    if (busy.value !== null) return;
    busy.value = what;
    problem.value = null;
    try {
      await work();
      announce.confirm(t("download.done"));
    } catch (error) {
      // Closing the browser's own dialog is an answer, not a failure.
      if (!isAbort(error)) problem.value = asProblem(error);
    } finally {
      busy.value = null;
    }
  }

  const path = (format: Format, scope: { group?: string; document?: string }): string =>
    exportPath(collection.value.id, format, scope, options.value);

  /** Everything as one ZIP, or one ZIP for each of the chosen groups. */
  async function groups(chosen: readonly Group[], all: boolean): Promise<void> {
    const format = view.format.value;
    const name = stem(collection.value.name);
    await tried("all", async () => {
      if (all) {
        await download(path(format, {}), `${name}.${format}.zip`, collection.value.bytes);
        return;
      }
      for (const group of chosen)
        await download(path(format, { group: group.name }), `${name} ${group.name}.${format}.zip`, group.bytes);
    });
  }

  async function document(given: Document): Promise<void> {
    const format = view.format.value;
    await tried(given.id, () =>
      download(path(format, { document: given.id }), `${stem(given.name)}.${format}`, given.bytes),
    );
  }

  async function original(given: Document): Promise<void> {
    const source = `/api/v1/documents/${encodeURIComponent(given.id)}/source`;
    await tried(given.id, () => download(source, given.name, given.bytes));
  }

  function choose(change: Partial<ExportOptions>): void {
    options.value = { ...options.value, ...change };
  }

  return { options, busy, problem, choose, groups, document, original };
}
