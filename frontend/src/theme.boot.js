// Before anything is drawn: the theme this browser has chosen, so that nobody is dazzled while the page loads.
// A classic script of its own, because a module runs after the first paint and the policy allows none inline.
(() => {
  const chosen = localStorage.getItem("ret.theme");
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
