/** What went wrong, as the gateway says it (RFC 9457), or as the page says it when no answer came. */
export type Problem = {
  status: number;
  code: string;
  title: string;
  detail: string;
  correlationId: string;
  /** Seconds to wait before trying again, when the answer names them. */
  retryAfter: number | null;
};

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title || problem.code);
    this.name = "ProblemError";
  }
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** The problem in an answer's body; an answer without one (a proxy's page) still gives status and correlation id. */
export function problemFrom(
  status: number,
  body: unknown,
  header: (name: string) => string | null,
): Problem {
  const given = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const wait = Number.parseInt(header("retry-after") ?? "", 10);
  return {
    status,
    code: text(given["code"]) || `HTTP_${status}`,
    title: text(given["title"]),
    detail: text(given["detail"]),
    correlationId: text(given["correlation_id"]) || (header("x-correlation-id") ?? ""),
    retryAfter: Number.isNaN(wait) ? null : wait,
  };
}

export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  return problemFrom(response.status, body, (name) => response.headers.get(name));
}

/** No answer at all: the network or the server is away. */
export const unreachable: Problem = {
  status: 0,
  code: "UNREACHABLE",
  title: "",
  detail: "",
  correlationId: "",
  retryAfter: null,
};

/** Any failure as a problem; what is no ProblemError is a request that never came back. */
export function asProblem(error: unknown): Problem {
  return error instanceof ProblemError ? error.problem : unreachable;
}
