import createClient from "openapi-fetch";
import { session } from "@/session/store";
import { problemFrom, ProblemError, unreachable } from "./problem";
import type { paths } from "./schema";

function withToken(request: Request, token: string): Request {
  request.headers.set("Authorization", `Bearer ${token}`);
  return request;
}

/** A fetch with the session's token; a 401 renews it and tries again, once. */
export async function authorized(request: Request): Promise<Response> {
  const again = request.clone();
  const token = await session.accessToken();
  if (!token) throw new ProblemError({ ...unreachable, status: 401, code: "UNAUTHENTICATED" });
  const send = (with_: Request) =>
    fetch(with_).catch((error: unknown) => {
      // A call that the page itself gave up is no failure of the network.
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ProblemError(unreachable);
    });
  const response = await send(withToken(request, token));
  if (response.status !== 401) return response;
  const renewed = await session.renew(token);
  return renewed ? send(withToken(again, renewed)) : response;
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: authorized });

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of an answer, or its problem thrown. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) {
    const problem = problemFrom(response.status, error, (name) => response.headers.get(name));
    // A password that must be changed is the session's matter, wherever the call came from.
    if (problem.code === "PASSWORD_CHANGE_REQUIRED") void session.extend();
    throw new ProblemError(problem);
  }
  return data as T;
}
