import { onBeforeUnmount, onMounted } from "vue";
import { onBeforeRouteLeave } from "vue-router";
import { useI18n } from "vue-i18n";
import { session } from "@/session/store";
import { useConfirm } from "@/ui/confirm";
import type { Desk } from "./desk";
import { useLeft } from "./left";

const cell = (value: string): string => (/[\t\n\r"]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** A draft as rows of a spreadsheet. */
export const sheetOf = (rows: readonly (readonly (string | null)[])[]): string => rows.map((row) => row.map((value) => cell(value ?? "")).join("\t")).join("\r\n");

/** Nothing unsaved is left behind unasked; and when the session ends under the user, it stays on the page. */
export function useUnsaved({ grid, head, document, settle }: Desk): void {
  const { t } = useI18n();
  const confirm = useConfirm();
  const store = useLeft();

  function onLeaving(event: BeforeUnloadEvent): void {
    settle();
    // The draft outlives a reload; only where it could not be kept is a reload a loss.
    if (grid.hasDraft && !grid.draftKept) event.preventDefault();
  }

  function onGoing(): void {
    settle();
    grid.flush();
  }

  onMounted(() => {
    store.left = null;
    addEventListener("beforeunload", onLeaving);
    addEventListener("pagehide", onGoing);
  });
  onBeforeUnmount(() => {
    settle();
    removeEventListener("beforeunload", onLeaving);
    removeEventListener("pagehide", onGoing);
    if (session.state.kind === "active" || !grid.hasDraft) return;
    const changes = grid.changes();
    const rows = [[t("preview.row"), t("preview.column"), t("preview.was"), t("preview.mine")], ...changes.map(({ row, column, before, after }) => [String(row), column ?? t("preview.wholeRow"), before, after])];
    store.left = { table: document.value?.path ?? head.name, changes: changes.length, text: sheetOf(rows) };
    // What was the session's must not be kept beyond it.
    grid.discard();
  });

  onBeforeRouteLeave(async () => {
    settle();
    if (!grid.hasDraft || session.state.kind !== "active" || grid.draftKept) return true;
    return confirm.ask({ title: t("preview.leaveTitle"), text: t("preview.leaveText"), action: t("preview.leave") });
  });
}
