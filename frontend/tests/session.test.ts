import { beforeEach, describe, expect, test } from "vitest";
import { ProblemError, unreachable } from "@/api/problem";
import type { Grant } from "@/api/types";
import { Session, type News, type World } from "@/session/session";

const MINUTE = 60_000;

/** A world with a clock that is set by hand: nothing in these tests waits. */
class Desk implements World {
  clock = 1_000_000;
  marked = false;
  refreshes = 0;
  loggedOut = 0;
  refusal: ProblemError | null = null;
  told: News[] = [];
  pending: { at: number; work: () => void }[] = [];
  idleMinutes = 30;

  private grant(): { body: Grant; serverNow: number } {
    // The server's clock is an hour ahead of this machine's.
    const serverNow = this.clock + 60 * MINUTE;
    return {
      serverNow,
      body: {
        access_token: `token-${++this.refreshes}`,
        token_type: "bearer",
        expires_in: 300,
        session_id: "s",
        idle_expires_at: new Date(serverNow + this.idleMinutes * MINUTE).toISOString(),
        absolute_expires_at: new Date(serverNow + 720 * MINUTE).toISOString(),
        user: { id: "u", username: "ada", role: "user", must_change_password: false, limits: { upload_bytes: 1, running_tasks: 1 } },
      },
    };
  }

  login = async () => this.grant();
  refresh = async () => {
    if (this.refusal) throw this.refusal;
    return this.grant();
  };
  logout = async () => {
    this.loggedOut += 1;
  };
  now = () => this.clock;
  alone = <T>(work: () => Promise<T>) => work();
  mark = {
    get: () => this.marked,
    set: (on: boolean) => {
      this.marked = on;
    },
  };
  tell = (news: News) => {
    this.told.push(news);
  };
  later = (work: () => void, ms: number) => {
    const entry = { at: this.clock + ms, work };
    this.pending.push(entry);
    return () => {
      this.pending = this.pending.filter((other) => other !== entry);
    };
  };

  /** Lets time pass, a timer at a time. */
  async pass(ms: number): Promise<void> {
    const end = this.clock + ms;
    for (;;) {
      const next = this.pending.sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.pending.shift();
      this.clock = Math.max(this.clock, next.at);
      next.work();
      await settled();
    }
    this.clock = end;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const refused = (status: number): ProblemError => new ProblemError({ ...unreachable, status, code: "X" });

let desk: Desk;
let session: Session;

beforeEach(() => {
  desk = new Desk();
  session = new Session(desk);
});

describe("a session", () => {
  test("is not asked for in a browser that has none", async () => {
    await session.start();
    expect(session.state.kind).toBe("anonymous");
    expect(desk.refreshes).toBe(0);
  });

  test("is taken up again after a reload", async () => {
    desk.marked = true;
    await session.start();
    expect(session.state).toMatchObject({ kind: "active", id: "s" });
  });

  test("that ended while the page was closed is said to have ended", async () => {
    desk.marked = true;
    desk.refusal = refused(401);
    await session.start();
    expect(session.state).toEqual({ kind: "ended", reason: "unknown" });
    expect(desk.marked).toBe(false);
  });

  test("is not given up because the server is away", async () => {
    desk.marked = true;
    desk.refusal = refused(503);
    await session.start();
    expect(session.state.kind).toBe("unreachable");
    expect(desk.marked).toBe(true);
  });

  test("is renewed once for many calls at the same time", async () => {
    await session.login("ada", "…");
    const tokens = await Promise.all([session.renew("token-1"), session.renew("token-1"), session.renew("token-1")]);
    expect(tokens).toEqual(["token-2", "token-2", "token-2"]);
  });

  test("gives the newer token to a call that was refused with the older", async () => {
    await session.login("ada", "…");
    await session.renew("token-1");
    expect(await session.renew("token-1")).toBe("token-2");
    expect(desk.refreshes).toBe(2);
  });

  test("renews a token that has run out before a call is made with it", async () => {
    await session.login("ada", "…");
    desk.clock += 6 * MINUTE;
    expect(await session.accessToken()).toBe("token-2");
  });

  test("in use is renewed without a word, long past its idle end", async () => {
    await session.login("ada", "…");
    for (let minute = 0; minute < 60; minute++) {
      session.used();
      await desk.pass(MINUTE);
    }
    expect(session.state.kind).toBe("active");
    expect(session.closing).toBeNull();
  });

  test("that nobody uses is announced, and then ended for good on the server too", async () => {
    await session.login("ada", "…");
    await desk.pass(28.5 * MINUTE);
    expect(session.closing).toMatchObject({ renewable: true });
    await desk.pass(2 * MINUTE);
    expect(session.state).toEqual({ kind: "ended", reason: "expired" });
    expect(desk.loggedOut).toBe(1);
    expect(desk.told.at(-1)).toEqual({ kind: "ended", reason: "expired" });
  });

  test("that expires is not said to have been logged out, though the server hears a logout first", async () => {
    await session.login("ada", "…");
    desk.logout = async () => {
      session.end("logout");
    };
    await desk.pass(31 * MINUTE);
    expect(session.state).toEqual({ kind: "ended", reason: "expired" });
  });

  test("is not kept alive by a page that only reconnects", async () => {
    await session.login("ada", "…");
    await session.whenUsed();
    await desk.pass(6 * MINUTE);
    let through = false;
    const call = session.whenUsed().then(() => (through = true));
    await settled();
    expect(through).toBe(false);
    session.used();
    await call;
    expect(through).toBe(true);
  });

  test("that has ended holds nothing back", async () => {
    await session.login("ada", "…");
    await desk.pass(6 * MINUTE);
    const call = session.whenUsed();
    session.end("administrator");
    await expect(call).resolves.toBeUndefined();
  });

  test("is kept by the button of the announcement", async () => {
    await session.login("ada", "…");
    await desk.pass(29 * MINUTE);
    await session.extend();
    expect(session.closing).toBeNull();
    await desk.pass(20 * MINUTE);
    expect(session.state.kind).toBe("active");
  });

  test("lives on in this tab when another tab has renewed it", async () => {
    await session.login("ada", "…");
    await desk.pass(29 * MINUTE);
    session.hear({ kind: "renewed", idleEndsAt: desk.clock + 30 * MINUTE, absoluteEndsAt: null });
    await desk.pass(2 * MINUTE);
    expect(session.state.kind).toBe("active");
    expect(session.closing).toBeNull();
  });

  test("ends in every tab when it ends in one", async () => {
    await session.login("ada", "…");
    session.hear({ kind: "ended", reason: "logout" });
    expect(session.state).toEqual({ kind: "ended", reason: "logout" });
    expect(await session.accessToken()).toBeNull();
  });

  test("survives a server that is away for a while", async () => {
    await session.login("ada", "…");
    session.used();
    desk.clock += 1;
    session.used();
    desk.refusal = refused(503);
    await desk.pass(5 * MINUTE);
    expect(session.state.kind).toBe("active");
    desk.refusal = null;
    await desk.pass(MINUTE);
    expect(await session.accessToken()).not.toBe("token-1");
  });

  test("does not come back to life by an answer that was under way when it ended", async () => {
    await session.login("ada", "…");
    const renewal = session.renew("token-1");
    session.end("administrator");
    expect(await renewal).toBeNull();
    expect(session.state).toEqual({ kind: "ended", reason: "administrator" });
  });
});
