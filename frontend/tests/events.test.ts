import { beforeEach, describe, expect, test } from "vitest";
import type { Job } from "@/api/types";
import { LiveEvents, waitBefore, type LiveMessage } from "@/live/events";

class Socket {
  sent: unknown[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
    this.onclose?.();
  }
  tell(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const job = (id: string): Job => ({ id }) as Job;

let sockets: Socket[];
let read: LiveMessage[];
let waiting: (() => void)[];
let tickets: number;
let events: LiveEvents;
let away: boolean;

beforeEach(() => {
  [sockets, read, waiting, tickets, away] = [[], [], [], 0, false];
  events = new LiveEvents(
    {
      ticket: async () => {
        if (away) throw new Error("away");
        return `ticket-${++tickets}`;
      },
      open: () => {
        const socket = new Socket();
        sockets.push(socket);
        return socket as unknown as WebSocket;
      },
      later: (work) => {
        waiting.push(work);
        return () => {
          waiting = waiting.filter((other) => other !== work);
        };
      },
      random: () => 0.5,
    },
    { message: (message) => read.push(message), open: () => undefined, connected: () => undefined },
  );
});

async function opened(index: number): Promise<Socket> {
  await settled();
  const socket = sockets[index];
  if (!socket) throw new Error(`no socket ${index}`);
  socket.onopen?.();
  return socket;
}

describe("live events", () => {
  test("the ticket is the first message, never part of the address", async () => {
    events.start();
    const socket = await opened(0);
    expect(socket.sent).toEqual([{ ticket: "ticket-1" }]);
  });

  test("after a gap it asks for what it missed, with a new ticket", async () => {
    events.start();
    const first = await opened(0);
    first.tell({ type: "job", seq: 7, job: job("a") });
    first.close();
    waiting.pop()?.();
    const second = await opened(1);
    expect(second.sent).toEqual([{ ticket: "ticket-2", since: { a: 7 } }]);
  });

  test("an event that is told again is not read again", async () => {
    events.start();
    const socket = await opened(0);
    for (const seq of [1, 2, 2, 1, 3]) socket.tell({ type: "job", seq, job: job("a") });
    expect(read.map((message) => message.type === "job" && message.seq)).toEqual([1, 2, 3]);
  });

  test("it tries again when not even a ticket is to be had", async () => {
    away = true;
    events.start();
    await settled();
    expect(waiting).toHaveLength(1);
    away = false;
    waiting.pop()?.();
    expect((await opened(0)).sent).toHaveLength(1);
  });

  test("stopped, it does not come back, and forgets what it has seen", async () => {
    events.start();
    const socket = await opened(0);
    socket.tell({ type: "job", seq: 7, job: job("a") });
    events.stop();
    expect(socket.closed).toBe(true);
    expect(waiting).toHaveLength(0);
    events.start();
    expect((await opened(1)).sent).toEqual([{ ticket: "ticket-2" }]);
  });

  test("waits grow, are spread, and have a longest", () => {
    expect(waitBefore(0, 0.5)).toBe(500);
    expect(waitBefore(3, 0.5)).toBe(4000);
    expect(waitBefore(3, 0)).toBe(2000);
    expect(waitBefore(30, 0.5)).toBe(15_000);
  });
});
