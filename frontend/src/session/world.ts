import { problemOf, ProblemError, unreachable } from "@/api/problem";
import type { Grant } from "@/api/types";
import type { Timed, World } from "./session";

const MARK = "ret.session";
const LOCK = "ret.refresh";

export const tabs = new BroadcastChannel("ret.session");

async function call(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(`/api/v1/auth/${path}`, {
    method: "POST",
    credentials: "same-origin",
    ...init,
  }).catch(() => {
    throw new ProblemError(unreachable);
  });
  if (!response.ok) throw new ProblemError(await problemOf(response));
  return response;
}

async function timed(response: Response): Promise<Timed<Grant>> {
  const date = Date.parse(response.headers.get("date") ?? "");
  return { body: (await response.json()) as Grant, serverNow: Number.isNaN(date) ? null : date };
}

/** The browser's own: cookie, Web Lock, clock, other tabs. */
export const browserWorld: World = {
  login: async (username, password) =>
    timed(
      await call("login", {
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ username, password }),
      }),
    ),
  refresh: async () => timed(await call("refresh", { headers: { "X-RET-Request": "1" } })),
  logout: async () => {
    await call("logout", { headers: { "X-RET-Request": "1" } });
  },
  now: () => Date.now(),
  // Without TLS, and not on this machine, a browser has no locks; the server's grace for racing tabs is left.
  alone: async (work) => {
    const { locks } = navigator as { locks?: LockManager | null };
    return locks ? locks.request(LOCK, work) : work();
  },
  mark: {
    get: () => localStorage.getItem(MARK) === "1",
    set: (on) => {
      if (on) localStorage.setItem(MARK, "1");
      else localStorage.removeItem(MARK);
    },
  },
  tell: (news) => {
    tabs.postMessage(news);
  },
  later: (work, ms) => {
    const timer = setTimeout(work, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};
