import { onScopeDispose, ref, watch, type Ref } from "vue";

/** A ref that follows another after it has been still for a while. */
export function refDebounced<T>(source: Ref<T>, ms: number): Ref<T> {
  const settled = ref(source.value) as Ref<T>;
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(source, (value) => {
    clearTimeout(timer);
    timer = setTimeout(() => (settled.value = value), ms);
  });
  onScopeDispose(() => {
    clearTimeout(timer);
  });
  return settled;
}
