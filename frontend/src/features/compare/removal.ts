import { useI18n } from "vue-i18n";
import { useAnnounce } from "@/ui/announce";
import { useConfirm } from "@/ui/confirm";
import { useCompareCommands } from "./commands";
import type { Comparison } from "./types";

/** Deletes a comparison after asking; true when it is gone. */
export function useComparisonRemoval(): (comparison: Comparison) => Promise<boolean> {
  const { t } = useI18n();
  const announce = useAnnounce();
  const confirm = useConfirm();
  const commands = useCompareCommands();
  return async ({ id, a, b }) => {
    const names = { a: a.name, b: b.name };
    if (!(await confirm.ask({ title: t("compare.deleteTitle"), text: t("compare.deleteText", names), action: t("compare.delete") }))) return false;
    await commands.remove(id);
    announce.confirm(t("compare.deleted"));
    return true;
  };
}
