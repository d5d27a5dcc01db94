import { computed, inject, provide, ref, shallowRef, type InjectionKey, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { asProblem } from "@/api/problem";
import type { Document, TablePage } from "@/api/types";
import type { Grid, Outcome, PastePlan, Refusal } from "@/grid/model";
import { useTopics } from "@/grid/topics";
import { useSession } from "@/session/store";
import { useAnnounce } from "@/ui/announce";
import { useConfirm } from "@/ui/confirm";
import { count } from "@/ui/format";

/** A paste of more cells than this is shown before it is done, also where nothing of it is rejected. */
const LOOK_FIRST = 200;
/** How long a refusal stands beside the tools. */
const SHOWN_MS = 8000;

export type Surface = "goTo" | "keys" | "value" | "width" | "facts";
export type Asked = { what: "columnMenu" | "cellMenu"; box: DOMRect };

/** What the parts of the preview of one table share: its grid, what is open, and what is done with both. */
export function useDesk(grid: Grid, head: TablePage, document: Ref<Document | undefined>) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const confirm = useConfirm();
  const who = useSession();
  const mayEdit = computed(() => who.user?.role !== "guest");
  const surface = ref<Surface | null>(null);
  const asked = shallowRef<Asked | null>(null);
  const plan = shallowRef<PastePlan | null>(null);
  const finding = ref(false);
  const history = ref(false);
  const filtering = ref<{ column: string | null } | null>(null);
  const resolving = ref(false);
  /** The last refusal, said where the user looks, for a while. */
  const refusal = ref<string | null>(null);
  let focus = (): void => undefined;
  let fading: ReturnType<typeof setTimeout> | undefined;
  let reveal = (): void => undefined;
  let settle = (): void => undefined;

  /** Says why something was not done; true when it was. */
  async function told(given: Outcome | Promise<Outcome>): Promise<boolean> {
    const outcome = await given;
    if (outcome.done) {
      refusal.value = null;
      return true;
    }
    refuse(outcome.why);
    return false;
  }

  function refuse(why: Refusal): void {
    if (why === "nothing-to-do") return;
    refusal.value = t(`refusals.${why}`);
    announce.say(refusal.value);
    clearTimeout(fading);
    fading = setTimeout(() => (refusal.value = null), SHOWN_MS);
  }

  async function copy(headers = false): Promise<boolean> {
    const copied = await grid.copy({ headers });
    if ("done" in copied) return told(copied);
    await toClipboard(copied.text);
    announce.confirm(t("preview.copied", { rows: count(copied.rows), columns: count(copied.columns) }));
    return true;
  }

  async function cut(): Promise<void> {
    if (grid.editing.kind === "off") {
      refuse("edit-mode-off");
      return;
    }
    if (await copy()) await told(grid.clear());
  }

  /** Pastes at once what is small and fits; shows first what is large, or is partly rejected. */
  async function paste(text: string): Promise<void> {
    if (text === "") return;
    const made = await grid.planPaste(text);
    if ("done" in made) await told(made);
    else if (made.rejected.length > 0 || made.changes.length > LOOK_FIRST) plan.value = made;
    else await doPaste(made);
  }

  async function doPaste(made: PastePlan): Promise<void> {
    plan.value = null;
    if (await told(grid.paste(made))) announce.confirm(t("preview.pasted", { n: count(made.changes.length) }, made.changes.length));
  }

  async function save(): Promise<void> {
    settle();
    const outcome = await grid.save();
    if (outcome.done) announce.confirm(t("preview.saved"));
    else if (grid.saving.kind === "conflict") resolving.value = true;
    else if (grid.saving.kind !== "failed") await told(outcome);
  }

  async function discard(): Promise<void> {
    const yes = await confirm.ask({ title: t("preview.discardTitle"), text: t("preview.discardText"), action: t("preview.discard") });
    if (!yes || !(await told(grid.discard()))) return;
    announce.confirm(t("preview.discarded"));
  }

  async function setEditMode(on: boolean): Promise<void> {
    if (!mayEdit.value) {
      announce.say(t("preview.noPermission"));
      return;
    }
    settle();
    if (await told(grid.setEditMode(on))) announce.say(t(on ? "preview.editOn" : "preview.editOff"));
  }

  /** Takes back the last saved version, or does again what was taken back: a version as well. */
  async function restep(which: "undo" | "redo"): Promise<void> {
    const outcome = await (which === "undo" ? grid.undoVersion() : grid.redoVersion());
    if (outcome.done) announce.confirm(t(which === "undo" ? "preview.versionUndone" : "preview.versionRedone"));
    else if (grid.versionError) refusal.value = asProblem(grid.versionError).detail;
    else await told(outcome);
  }

  const desk = {
    grid, head, document, now: useTopics(grid), surface, asked, plan, finding, history, filtering, resolving, refusal,
    told, refuse, copy, cut, paste, doPaste, save, discard, setEditMode, restep, mayEdit,
    focus: () => {
      focus();
    },
    /** Scrolls to the active cell. */
    reveal: () => {
      reveal();
    },
    /** Takes what is typed in an open editor into the draft, where nothing is lost. */
    settle: () => {
      settle();
    },
    /** The grid says how it is given the focus, how its active cell is brought into sight, and its editor settled. */
    drawnBy: (view: { focus: () => void; reveal: () => void; settle: () => void }) => {
      ({ focus, reveal, settle } = view);
    },
  };
  provide(DESK, desk);
  return desk;
}

export type Desk = ReturnType<typeof useDesk>;
const DESK: InjectionKey<Desk> = Symbol("desk");

/** The desk that a part of the preview belongs to. */
export function atDesk(): Desk {
  const desk = inject(DESK);
  if (!desk) throw new Error("a part of the preview stands outside of it");
  return desk;
}

/** Without TLS a browser has no asynchronous clipboard; its old way works while a key or a click is being handled. */
async function toClipboard(text: string): Promise<void> {
  const { clipboard } = navigator as { clipboard?: Clipboard };
  if (clipboard) {
    await clipboard.writeText(text);
    return;
  }
  const field = Object.assign(document.createElement("textarea"), { value: text, className: "sr-only" });
  const before = document.activeElement;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
}
