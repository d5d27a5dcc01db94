import { useI18n } from "vue-i18n";
import type { Collection } from "@/api/types";
import { useAnnounce } from "@/ui/announce";
import { useConfirm } from "@/ui/confirm";
import { useCommands } from "./commands";

/** Deletes a collection after asking; true when it is gone. */
export function useRemoval(): (collection: Collection) => Promise<boolean> {
  const { t } = useI18n();
  const announce = useAnnounce();
  const confirm = useConfirm();
  const commands = useCommands();
  return async (collection) => {
    const { name } = collection;
    const question = { title: t("collection.deleteTitle", { name }), text: t("collection.deleteText"), action: t("collection.delete") };
    if (!(await confirm.ask(question))) return false;
    await commands.remove(collection.id);
    announce.confirm(t("collection.deleted", { name }));
    return true;
  };
}
