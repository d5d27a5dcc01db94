import { ProblemError, type Problem } from "@/api/problem";
import type { Grant, User } from "@/api/types";
import { plan, type Times } from "./plan";

export type EndReason = "logout" | "expired" | "administrator" | "password" | "reuse" | "unknown";

export type SessionState =
  | { kind: "starting" }
  | { kind: "unreachable"; problem: Problem }
  | { kind: "anonymous" }
  | { kind: "active"; id: string; user: User }
  | { kind: "ended"; reason: EndReason };

export type Closing = { endsAt: number; renewable: boolean };

/** What a session needs of the world: calls, the clock, other tabs. Tests give it small ones. */
export type World = {
  login: (username: string, password: string) => Promise<Timed<Grant>>;
  refresh: () => Promise<Timed<Grant>>;
  logout: () => Promise<void>;
  now: () => number;
  /** Runs one at a time over all tabs of this browser. */
  alone: <T>(work: () => Promise<T>) => Promise<T>;
  /** A mark that this browser has a session: never a secret, only "ask for a refresh when the page opens". */
  mark: { get: () => boolean; set: (on: boolean) => void };
  /** To the other tabs of this browser. */
  tell: (news: News) => void;
  later: (work: () => void, ms: number) => () => void;
};

/** What one tab tells the others: the session has ended, or lives on until then. */
export type News =
  | { kind: "ended"; reason: EndReason }
  | { kind: "renewed"; idleEndsAt: number | null; absoluteEndsAt: number | null };

/** A body and the server's clock when it was sent, to read its times by. */
export type Timed<T> = { body: T; serverNow: number | null };

/** One login in this tab. The access token lives here, in memory, and nowhere else. */
export class Session {
  state: SessionState = { kind: "starting" };
  /** The end is near: shown as a dialog. */
  closing: Closing | null = null;

  private token: { value: string; times: Times } | null = null;
  private usedAt = 0;
  /** Why this page is ending the session just now; the server may tell of that end before it has answered. */
  private leaving: EndReason | null = null;
  private readonly held: (() => void)[] = [];
  private renewing: Promise<string | null> | null = null;
  private cancelTimer: () => void = () => undefined;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly world: World) {}

  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Takes up the session this browser has, if it has one. */
  async start(): Promise<void> {
    if (!this.world.mark.get()) {
      this.become({ kind: "anonymous" });
      return;
    }
    this.become({ kind: "starting" });
    await this.renew(null);
  }

  async login(username: string, password: string): Promise<void> {
    this.accept(await this.world.login(username, password));
  }

  async logout(): Promise<void> {
    await this.finish("logout");
  }

  /** What another tab has told. */
  hear(news: News): void {
    if (news.kind === "ended") this.end(news.reason);
    else if (this.token) {
      const { idleEndsAt, absoluteEndsAt } = news;
      this.token = { ...this.token, times: { ...this.token.times, idleEndsAt, absoluteEndsAt } };
      this.wake(0);
    }
  }

  /** Somebody is at the page, or work of theirs is running: a session in use is renewed without asking. */
  used(): void {
    this.usedAt = this.world.now();
    for (const go of this.held.splice(0)) go();
  }

  /** Lets a call through that nobody has asked for, such as a reconnect: at once while the token is good or the session
   *  in use, else when somebody is back. So an open page alone never keeps a session alive. */
  async whenUsed(): Promise<void> {
    const times = this.token?.times;
    if (!times || this.world.now() < times.accessEndsAt || this.usedAt > times.grantedAt) return;
    await new Promise<void>((go) => this.held.push(go));
  }

  /** A token that is good for a call now; null when there is no session. */
  async accessToken(): Promise<string | null> {
    const token = this.token;
    if (!token) return this.renewing;
    return this.world.now() < token.times.accessEndsAt - 5_000 ? token.value : this.renew(token.value);
  }

  /** A newer token than the one that was refused. Null when the session has ended or cannot be asked for. */
  async renew(refused: string | null): Promise<string | null> {
    if (this.token && this.token.value !== refused) return this.token.value;
    this.renewing ??= this.refresh().finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  /** Renews now, whether the token is still good or not (the dialog's button, a changed user). */
  async extend(): Promise<void> {
    await this.renew(this.token?.value ?? null);
  }

  /** The session is over: by its own end, or because somebody said so. */
  end(reason: EndReason): void {
    if (this.state.kind === "ended" || this.state.kind === "anonymous") return;
    this.cancelTimer();
    this.token = null;
    for (const go of this.held.splice(0)) go();
    this.closing = null;
    this.world.mark.set(false);
    this.become({ kind: "ended", reason: this.leaving ?? reason });
  }

  /** From the screen that says it is over to the login. */
  dismiss(): void {
    this.become({ kind: "anonymous" });
  }

  private async finish(reason: EndReason): Promise<void> {
    this.cancelTimer();
    this.leaving = reason;
    await this.world.logout();
    this.end(reason);
    this.world.tell({ kind: "ended", reason });
  }

  private async refresh(): Promise<string | null> {
    try {
      const grant = await this.world.alone(() => this.world.refresh());
      if (this.state.kind === "ended" || this.state.kind === "anonymous") return null;
      this.accept(grant);
      return this.token?.value ?? null;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      if (error.problem.status === 401) this.end("unknown");
      else if (this.state.kind === "starting") this.become({ kind: "unreachable", problem: error.problem });
      else this.wake(5_000);
      return null;
    }
  }

  private accept({ body, serverNow }: Timed<Grant>): void {
    const now = this.world.now();
    // Ends are the server's times; this machine's clock may be wrong by hours.
    const local = (at: string | null | undefined): number | null =>
      at ? Date.parse(at) - (serverNow ?? now) + now : null;
    this.token = {
      value: body.access_token,
      times: {
        grantedAt: now,
        accessEndsAt: now + body.expires_in * 1000,
        idleEndsAt: local(body.idle_expires_at),
        absoluteEndsAt: local(body.absolute_expires_at),
      },
    };
    this.closing = null;
    this.leaving = null;
    const { idleEndsAt, absoluteEndsAt } = this.token.times;
    this.world.tell({ kind: "renewed", idleEndsAt, absoluteEndsAt });
    this.world.mark.set(true);
    this.become({ kind: "active", id: body.session_id, user: body.user });
    this.wake(0);
  }

  private wake(ms: number): void {
    this.cancelTimer();
    this.cancelTimer = this.world.later(() => {
      this.look();
    }, ms);
  }

  private look(): void {
    if (!this.token) return;
    const now = this.world.now();
    const next = plan(this.token.times, this.usedAt, now);
    if (next.kind === "ended") {
      // The page is about to say that the data is destroyed: so it is, also where the server counted a little longer.
      void this.finish("expired").catch(() => {
        this.end("expired");
      });
      return;
    }
    if (next.kind === "renew") {
      void this.extend();
      return;
    }
    const closing = next.kind === "warn" ? { endsAt: next.endsAt, renewable: next.renewable } : null;
    if (closing?.endsAt !== this.closing?.endsAt) {
      this.closing = closing;
      this.changed();
    }
    this.wake(Math.max(250, next.until - now));
  }

  private become(state: SessionState): void {
    this.state = state;
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
