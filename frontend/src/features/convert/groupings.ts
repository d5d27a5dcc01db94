import { computed, type ComputedRef } from "vue";
import { useI18n } from "vue-i18n";
import type { Grouping } from "@/api/types";

export function useGroupings(): ComputedRef<{ value: Grouping; text: string; hint: string }[]> {
  const { t } = useI18n();
  return computed(() =>
    (["container", "name"] as const).map((value) => ({
      value,
      text: t(`grouping.${value}`),
      hint: t(`grouping.${value}Hint`),
    })),
  );
}
