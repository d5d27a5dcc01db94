import { useI18n } from "vue-i18n";
import { useJobs } from "@/live/jobs";
import { session } from "@/session/store";
import { useConfirm } from "@/ui/confirm";

/** Logs out; asks first when work is still running, because it would be destroyed unfinished. */
export function useLogout(): () => Promise<void> {
  const { t } = useI18n();
  const jobs = useJobs();
  const confirm = useConfirm();
  return async () => {
    const running = jobs.running.length;
    const question = { title: t("logout.title"), text: t("logout.text", running), action: t("shell.logout") };
    if (running === 0 || (await confirm.ask(question))) await session.logout();
  };
}
