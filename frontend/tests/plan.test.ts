import { describe, expect, test } from "vitest";
import { plan, WARNING_MS, type Times } from "@/session/plan";

const MINUTE = 60_000;
const times: Times = { grantedAt: 0, accessEndsAt: 5 * MINUTE, idleEndsAt: 30 * MINUTE, absoluteEndsAt: 720 * MINUTE };

describe("plan", () => {
  test("a session in use is renewed before its access token ends", () => {
    expect(plan(times, 1, 4 * MINUTE).kind).toBe("wait");
    expect(plan(times, 1, 4.6 * MINUTE).kind).toBe("renew");
  });

  test("a session nobody uses is left alone until two minutes before its idle end", () => {
    expect(plan(times, -1, 6 * MINUTE).kind).toBe("wait");
    expect(plan(times, -1, 30 * MINUTE - WARNING_MS)).toMatchObject({ kind: "warn", endsAt: 30 * MINUTE, renewable: true });
  });

  test("who uses the page in the last two minutes is not asked", () => {
    expect(plan(times, 29 * MINUTE, 29 * MINUTE).kind).toBe("renew");
  });

  test("the absolute end is announced also to who is at work, and cannot be bought off", () => {
    const last = { ...times, grantedAt: 717 * MINUTE, accessEndsAt: 722 * MINUTE, idleEndsAt: 747 * MINUTE };
    expect(plan(last, 718 * MINUTE, 719 * MINUTE)).toMatchObject({ kind: "warn", renewable: false, endsAt: 720 * MINUTE });
  });

  test("an access token that ends within the last stretch is still renewed for who is at work", () => {
    const last = { ...times, grantedAt: 714 * MINUTE, accessEndsAt: 719 * MINUTE, idleEndsAt: 744 * MINUTE };
    expect(plan(last, 715 * MINUTE, 718.8 * MINUTE).kind).toBe("renew");
  });

  test("past its end a session is over, used or not", () => {
    expect(plan(times, -1, 30 * MINUTE).kind).toBe("ended");
    expect(plan(times, 29 * MINUTE, 721 * MINUTE).kind).toBe("ended");
  });

  test("without ends from the server nothing is announced", () => {
    const open = { ...times, idleEndsAt: null, absoluteEndsAt: null };
    expect(plan(open, -1, 1000 * MINUTE).kind).toBe("wait");
  });

  test("a short-lived token is renewed in its last quarter, not at once", () => {
    const short = { ...times, accessEndsAt: 10_000 };
    expect(plan(short, 1, 5_000).kind).toBe("wait");
    expect(plan(short, 1, 8_000).kind).toBe("renew");
  });
});
