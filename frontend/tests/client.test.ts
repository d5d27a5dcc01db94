import { afterEach, describe, expect, test, vi } from "vitest";
import { api, ask, authorized } from "@/api/client";
import { ProblemError } from "@/api/problem";
import { session } from "@/session/store";

type Call = { path: string; token: string | null; page: string | null };

const user = { id: "u", username: "ada", role: "user", must_change_password: false, limits: { upload_bytes: 1, running_tasks: 1 } };

/** A gateway that knows one good token at a time. */
function gateway(answers: { good: string; ended?: boolean }): Call[] {
  const calls: Call[] = [];
  let renewals = 0;
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const request = new Request(new URL(typeof input === "string" ? input : input.url, location.origin), typeof input === "string" ? init : input);
    const path = new URL(request.url).pathname.replace("/api/v1", "");
    const token = request.headers.get("authorization");
    calls.push({ path, token, page: request.headers.get("x-ret-request") });
    if (path === "/auth/login") return Response.json({ access_token: "first", expires_in: 300, session_id: "s", user });
    if (path === "/auth/refresh") {
      if (answers.ended) return Response.json({ code: "UNAUTHENTICATED" }, { status: 401 });
      return Response.json({ access_token: `renewed-${++renewals}`, expires_in: 300, session_id: "s", user });
    }
    if (token !== `Bearer ${answers.good}`) return Response.json({ code: "UNAUTHENTICATED" }, { status: 401 });
    return Response.json({ echo: await request.text() });
  });
  return calls;
}

afterEach(() => {
  session.end("logout");
  session.dismiss();
  vi.unstubAllGlobals();
});

const post = (): Request => new Request(`${location.origin}/api/v1/jobs`, { method: "POST", body: "content" });

describe("a call", () => {
  test("carries the token that is in memory", async () => {
    const calls = gateway({ good: "first" });
    await session.login("ada", "…");
    expect((await authorized(post())).status).toBe(200);
    expect(calls.map(({ path }) => path)).toEqual(["/auth/login", "/jobs"]);
  });

  test("whose token is refused is made once more with a new one, and its body again", async () => {
    const calls = gateway({ good: "renewed-1" });
    await session.login("ada", "…");
    const answer = await authorized(post());
    expect(await answer.json()).toEqual({ echo: "content" });
    expect(calls.map(({ path }) => path)).toEqual(["/auth/login", "/jobs", "/auth/refresh", "/jobs"]);
    expect(calls[2]).toMatchObject({ page: "1", token: null });
  });

  test("is not made a third time", async () => {
    const calls = gateway({ good: "never" });
    await session.login("ada", "…");
    expect((await authorized(post())).status).toBe(401);
    expect(calls.filter(({ path }) => path === "/jobs")).toHaveLength(2);
  });

  test("that finds the session ended says so to the whole page", async () => {
    gateway({ good: "never", ended: true });
    await session.login("ada", "…");
    await authorized(post());
    expect(session.state).toEqual({ kind: "ended", reason: "unknown" });
  });

  test("without a session does not leave the page", async () => {
    const calls = gateway({ good: "first" });
    await expect(authorized(post())).rejects.toBeInstanceOf(ProblemError);
    expect(calls).toEqual([]);
  });

  test("that fails throws its problem", async () => {
    gateway({ good: "never" });
    await session.login("ada", "…");
    await expect(ask(api.GET("/api/v1/jobs"))).rejects.toMatchObject({ problem: { status: 401, code: "UNAUTHENTICATED" } });
  });
});
