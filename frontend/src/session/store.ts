import { defineStore } from "pinia";
import { computed, shallowRef, triggerRef } from "vue";
import { dropDrafts } from "@/grid/model/stores";
import { Session, type News, type SessionState } from "./session";
import { browserWorld, tabs } from "./world";

/** The one session of this tab; calls take their token from it. */
export const session = new Session(browserWorld);

tabs.addEventListener("message", (event: MessageEvent<News>) => {
  session.hear(event.data);
});

// What is typed and not saved goes with the session, as its data does on the server.
session.onChange(() => {
  if (session.state.kind === "ended" || session.state.kind === "anonymous") dropDrafts(sessionStorage);
});

for (const sign of ["pointerdown", "keydown", "wheel"] as const) {
  addEventListener(sign, () => {
    session.used();
  }, { passive: true, capture: true });
}

export const useSession = defineStore("session", () => {
  const current = shallowRef(session);
  session.onChange(() => {
    triggerRef(current);
  });
  const state = computed<SessionState>(() => current.value.state);
  return {
    state,
    closing: computed(() => current.value.closing),
    user: computed(() => (state.value.kind === "active" ? state.value.user : null)),
    sessionId: computed(() => (state.value.kind === "active" ? state.value.id : null)),
  };
});
