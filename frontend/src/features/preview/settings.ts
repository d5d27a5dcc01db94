import { ref, watch } from "vue";

/** What a person has chosen for every table, kept in this browser as long as its session lasts. */
function kept(name: string, standard: boolean) {
  const key = `ret.preview.${name}`;
  const value = ref(localStorage.getItem(key) === null ? standard : localStorage.getItem(key) === "1");
  watch(value, (on) => {
    localStorage.setItem(key, on ? "1" : "0");
  });
  return value;
}

/** Whether keys like E and [ do something by themselves; who speaks to the browser may want them off. */
export const singleKeys = kept("singleKeys", true);
/** Whether the table has the whole window. */
export const wholeWindow = kept("whole", false);
