import { asProblem, problemFrom, ProblemError, unreachable, type Problem } from "@/api/problem";
import type { Collection, Grouping, Job } from "@/api/types";
import { Rate } from "./rate";

export type UploadState =
  | { kind: "sending"; sent: number; total: number; perSecond: number | null; etaSeconds: number | null }
  /** All bytes are there; the server stores them and answers. */
  | { kind: "storing"; total: number }
  | { kind: "done"; collection: Collection; job: Job }
  | { kind: "failed"; problem: Problem }
  | { kind: "cancelled" };

type Accepted = { collection: Collection; job: Job };

/** One file on its way. XMLHttpRequest, because fetch does not tell how much of a body has gone. */
export class Upload {
  state: UploadState;
  private readonly request = new XMLHttpRequest();
  private readonly rate = new Rate();
  private cancelled = false;

  constructor(
    readonly file: File,
    private readonly grouping: Grouping,
    private readonly token: () => Promise<string | null>,
    private readonly changed: () => void,
  ) {
    this.state = { kind: "sending", sent: 0, total: file.size, perSecond: null, etaSeconds: null };
  }

  async run(): Promise<void> {
    try {
      const accepted = await this.send();
      this.become({ kind: "done", ...accepted });
    } catch (error) {
      this.become(this.cancelled ? { kind: "cancelled" } : { kind: "failed", problem: asProblem(error) });
    }
  }

  cancel(): void {
    this.cancelled = true;
    this.request.abort();
  }

  private async send(): Promise<Accepted> {
    const token = await this.token();
    if (this.cancelled || !token) throw new ProblemError(unreachable);
    const form = new FormData();
    // Fields before the file: the server reads the form as it comes.
    form.append("grouping", this.grouping);
    form.append("file", this.file);
    return new Promise((resolve, reject) => {
      const request = this.request;
      request.open("POST", "/api/v1/collections");
      request.setRequestHeader("Authorization", `Bearer ${token}`);
      request.upload.onprogress = (event) => {
        this.progress(event.loaded, event.total);
      };
      request.onerror = request.onabort = () => {
        reject(new ProblemError(unreachable));
      };
      request.onload = () => {
        const body = parse(request.responseText);
        if (request.status === 202) resolve(body as Accepted);
        else reject(new ProblemError(problemFrom(request.status, body, (name) => request.getResponseHeader(name))));
      };
      request.send(form);
    });
  }

  private progress(sent: number, total: number): void {
    this.rate.add(performance.now(), sent);
    this.become(
      sent >= total
        ? { kind: "storing", total }
        : {
            kind: "sending",
            sent,
            total,
            perSecond: this.rate.perSecond(),
            etaSeconds: this.rate.secondsFor(total - sent),
          },
    );
  }

  private become(state: UploadState): void {
    this.state = state;
    this.changed();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
