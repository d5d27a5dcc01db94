/** When a session must be renewed, warned about, or given up: pure, so that it can be tested without waiting. All times in ms. */
export type Times = {
  grantedAt: number;
  /** End of the access token. */
  accessEndsAt: number;
  /** End of the session if nobody does anything; null while the server did not say. */
  idleEndsAt: number | null;
  /** End of the session in any case. */
  absoluteEndsAt: number | null;
};

export type Plan =
  | { kind: "wait"; until: number }
  | { kind: "renew" }
  | { kind: "warn"; endsAt: number; renewable: boolean; until: number }
  | { kind: "ended" };

export const WARNING_MS = 120_000;
const LEAD_MS = 30_000;

/** `usedAt`: when the person last did something here (or work of theirs was running). */
export function plan(times: Times, usedAt: number, now: number): Plan {
  const idle = times.idleEndsAt ?? Infinity;
  const absolute = times.absoluteEndsAt ?? Infinity;
  const end = Math.min(idle, absolute);
  if (now >= end) return { kind: "ended" };

  const used = usedAt > times.grantedAt;
  const lead = Math.min(LEAD_MS, (times.accessEndsAt - times.grantedAt) / 4);
  const renewAt = times.accessEndsAt - lead;
  const warnAt = end - WARNING_MS;

  if (now >= warnAt) {
    // The last stretch before the absolute end cannot be bought off by using the page.
    const renewable = idle < absolute;
    if (renewable && used) return { kind: "renew" };
    if (now >= renewAt && used) return { kind: "renew" };
    return { kind: "warn", endsAt: end, renewable, until: Math.min(end, now + 1000) };
  }
  if (now >= renewAt && used) return { kind: "renew" };
  return { kind: "wait", until: used ? Math.min(renewAt, warnAt) : Math.min(warnAt, now + LEAD_MS) };
}
