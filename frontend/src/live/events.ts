import type { Job } from "@/api/types";

export type LiveMessage = { type: "job"; seq: number; job: Job } | { type: "session"; state: string; reason: string };

/** What live events need of the world. */
export type LiveWorld = {
  ticket: () => Promise<string>;
  open: () => WebSocket;
  later: (work: () => void, ms: number) => () => void;
  random: () => number;
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** Half to one and a half of a doubling wait, so that a thousand pages do not come back in the same moment. */
export function waitBefore(attempt: number, random: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.5 + random);
}

/** The websocket of a session: opens, reads, comes back by itself, and never misses a change of state over a gap. */
export class LiveEvents {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private running = false;
  private cancelWait: () => void = () => undefined;
  private readonly seen: Record<string, number> = {};

  constructor(
    private readonly world: LiveWorld,
    private readonly on: { message: (message: LiveMessage) => void; open: () => void; connected: (up: boolean) => void },
  ) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    void this.connect();
  }

  stop(): void {
    this.running = false;
    this.cancelWait();
    this.socket?.close();
    this.socket = null;
    for (const id of Object.keys(this.seen)) Reflect.deleteProperty(this.seen, id);
  }

  private async connect(): Promise<void> {
    let ticket: string;
    try {
      ticket = await this.world.ticket();
    } catch {
      this.again();
      return;
    }
    if (!this.running) return;
    const socket = this.world.open();
    this.socket = socket;
    socket.onopen = () => {
      const since = Object.keys(this.seen).length > 0 ? { since: this.seen } : {};
      socket.send(JSON.stringify({ ticket, ...since }));
      this.on.open();
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      this.attempt = 0;
      this.on.connected(true);
      this.read(event.data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.on.connected(false);
      this.again();
    };
  }

  private read(data: string): void {
    const message = JSON.parse(data) as LiveMessage;
    if (message.type === "job") {
      if (message.seq <= (this.seen[message.job.id] ?? 0)) return;
      this.seen[message.job.id] = message.seq;
    }
    this.on.message(message);
  }

  private again(): void {
    if (!this.running) return;
    this.cancelWait = this.world.later(
      () => {
        void this.connect();
      },
      waitBefore(this.attempt++, this.world.random()),
    );
  }
}
