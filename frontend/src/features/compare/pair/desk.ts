import { useQueryClient } from "@tanstack/vue-query";
import { computed, inject, provide, ref, shallowRef, type InjectionKey, type Ref, type ShallowRef } from "vue";
import { useI18n } from "vue-i18n";
import { useRoute, useRouter } from "vue-router";
import { useSession } from "@/session/store";
import { useAnnounce } from "@/ui/announce";
import { useMedia } from "@/ui/media";
import { useCompareCommands } from "../commands";
import { optionsOf } from "../order";
import type { Panes } from "../panes/model";
import type { Comparison, Options, Pair, TablePair } from "../types";
import { useQueryState } from "../view";
import { useWork } from "../work";
import type { Scope } from "./applying";

export const PANELS = ["patterns", "key", "note", "none"] as const;
/** Where it would lie over the tables, a panel is open only for whoever asks for it. */
const CLOSED_FIRST = ["none", "patterns", "key", "note"] as const;
/** From here on there is room for a panel beside the tables: it is then open by itself. */
const ROOMY = "(min-width: 64rem)";
export type Surface = "keys" | "repair" | "key";

/** What the parts of the screen of one pair share: what is looked at, what is open, and what is done. */
export function usePairDesk(comparison: Ref<Comparison>, pair: Ref<Pair>) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const commands = useCompareCommands();
  const queries = useQueryClient();
  const router = useRouter();
  const route = useRoute();
  const who = useSession();
  const state = useQueryState();
  const work = useWork();
  const isRoomy = useMedia(ROOMY);
  const surface = ref<Surface | null>(null);
  const applying = ref<Scope | null>(null);
  const panes: ShallowRef<Panes | null> = shallowRef(null);
  /** Counts comparisons of this pair that were made while it is looked at: the panes begin anew. */
  const edition = ref(0);
  /** Where one was in the rows that were looked at last. */
  const last = { table: "", position: 0, row: "", side: "", column: "" };
  let focus = (): void => undefined;

  const tableName = state.text("table");
  const table = computed<TablePair | undefined>(() => pair.value.tables.find(({ name }) => name === tableName.value) ?? pair.value.tables.find(({ status }) => status !== "identical") ?? pair.value.tables[0]);
  const options = computed<Options>(() => optionsOf(pair.value.options ?? comparison.value.options));
  const mayEdit = computed(() => who.user?.role !== "guest");

  async function refresh(): Promise<void> {
    await commands.changed(comparison.value.id);
    edition.value += 1;
  }

  /** Compares the pair again with other options; what is looked at stays. */
  async function recompare(given: Options, said: string): Promise<boolean> {
    if (!(await work.run(async () => commands.recompare(comparison.value.id, pair.value.id, given), refresh))) return false;
    announce.confirm(said);
    return true;
  }

  async function ignore(column: string | undefined): Promise<void> {
    if (column === undefined) return;
    const { ignore_columns: ignored } = options.value;
    const on = !ignored.includes(column);
    const next = on ? [...ignored, column] : ignored.filter((name) => name !== column);
    await recompare({ ...options.value, ignore_columns: next }, t(on ? "pair.ignored" : "pair.notIgnored", { column }));
  }

  async function review(): Promise<void> {
    const reviewed = !pair.value.reviewed;
    if (await work.run(async () => commands.review(comparison.value.id, pair.value, { reviewed }))) announce.confirm(t(reviewed ? "pair.nowReviewed" : "pair.notReviewed"));
  }

  async function step(by: 1 | -1): Promise<void> {
    const found = await panes.value?.step(by).catch(() => false);
    if (found === false) announce.say(t(by > 0 ? "pair.noNext" : "pair.noBefore"));
    else focus();
  }

  /** Re-paired by hand, this pair may be another one, or gone: the list knows. */
  async function repaired(): Promise<void> {
    await queries.invalidateQueries({ queryKey: ["comparisons", comparison.value.id] });
    await router.push({ path: `/compare/${comparison.value.id}`, query: { view: "list", q: "" } });
  }

  const desk = {
    comparison, pair, table, tableName, options, mayEdit, panes, edition, last, surface, applying, work, state, route,
    view: state.choice("view", ["changed", "full"]),
    columns: state.choice("columns", ["changed", "all"]),
    moves: state.flag("moves"),
    panel: state.choice("panel", () => (isRoomy.value ? PANELS : CLOSED_FIRST)),
    recompare, refresh, ignore, review, step, repaired,
    focus: () => { focus(); },
    drawnBy: (given: () => void) => { focus = given; },
  };
  provide(DESK, desk);
  return desk;
}

export type PairDesk = ReturnType<typeof usePairDesk>;
const DESK: InjectionKey<PairDesk> = Symbol("pair desk");

/** The desk that a part of the screen belongs to. */
export function atPairDesk(): PairDesk {
  const desk = inject(DESK);
  if (!desk) throw new Error("a part of a pair's screen stands outside of it");
  return desk;
}
