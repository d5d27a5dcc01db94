import { onScopeDispose, readonly, ref, type Ref } from "vue";

/** Whether a media query holds, now and whenever that changes, as long as the scope lives. */
export function useMedia(query: string): Readonly<Ref<boolean>> {
  const list = matchMedia(query);
  const holds = ref(list.matches);
  const note = (): void => {
    holds.value = list.matches;
  };
  list.addEventListener("change", note);
  onScopeDispose(() => {
    list.removeEventListener("change", note);
  });
  return readonly(holds);
}
