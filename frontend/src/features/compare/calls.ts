import { authorized } from "@/api/client";
import { problemOf, ProblemError } from "@/api/problem";
import type { Job } from "@/api/types";
import type { Change, Comparison, Finding, Listed, Options, Pair, Pattern, Recipe, SideChoice, SideName, TreeNode } from "./types";

type Query = Record<string, string | number | boolean | null | undefined>;

const BASE = "/api/v1/comparisons";
const part = encodeURIComponent;

/** A path with what is asked: what is empty is not said. */
export function addressOf(path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === null || value === "" || value === false ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length > 0 ? `${path}?${new URLSearchParams(given).toString()}` : path;
}

async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method, ...(signal ? { signal } : {}) };
  if (body !== undefined) Object.assign(init, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const response = await authorized(new Request(new URL(path, location.origin), init));
  if (!response.ok) throw new ProblemError(await problemOf(response));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const get = async <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> => send<T>("GET", addressOf(path, query), undefined, signal);

export type Order = { a: SideChoice; b: SideChoice; groups?: string[]; options?: Partial<Options> };
export type PairFilter = { group?: string; status?: string; q?: string; offset?: number; limit?: number };

const pairPath = (id: string, pair: string): string => `${BASE}/${part(id)}/pairs/${part(pair)}`;
const recipePath = (name: string): string => `/api/v1/comparison-recipes/${part(name)}`;

/** The comparison routes. Each throws its problem; the caller says it where it belongs. */
export const calls = {
  list: async () => get<Listed<Comparison>>(BASE, { limit: 200 }),
  start: async (order: Order) => send<{ comparison: Pick<Comparison, "id" | "status">; job: Job }>("POST", BASE, order),
  one: async (id: string) => get<Comparison>(`${BASE}/${part(id)}`),
  remove: async (id: string) => send<undefined>("DELETE", `${BASE}/${part(id)}`),
  pairs: async (id: string, filter: PairFilter) => get<Listed<Pair>>(`${BASE}/${part(id)}/pairs`, filter),
  pair: async (id: string, pair: string) => get<Pair>(pairPath(id, pair)),
  review: async (id: string, pair: string, change: { reviewed?: boolean; note?: string }) => send<Pair>("PATCH", pairPath(id, pair), change),
  tree: async (id: string) => get<TreeNode>(`${BASE}/${part(id)}/tree`),
  findings: async (id: string) => get<Listed<Finding>>(`${BASE}/${part(id)}/findings`),
  patterns: async (id: string, pair: string | null, query: { table?: string; offset?: number; limit?: number }) =>
    get<Listed<Pattern>>(pair === null ? `${BASE}/${part(id)}/patterns` : `${pairPath(id, pair)}/patterns`, query),
  repair: async (id: string, a_path: string | null, b_path: string | null) => send<{ job: Job }>("PUT", `${BASE}/${part(id)}/pairs`, { a_path, b_path }),
  recompare: async (id: string, pair: string, options: Options) => send<{ job: Job }>("POST", `${pairPath(id, pair)}/recompare`, { options }),
  apply: async (id: string, pair: string, changes: Change[] | "all", into: SideName) =>
    send<{ job: Job }>("POST", `${BASE}/${part(id)}/apply`, { pair, changes, into }),
  recipes: async () => get<Listed<Recipe>>("/api/v1/comparison-recipes"),
  putRecipe: async ({ name, options }: Recipe) => send<Recipe>("PUT", recipePath(name), { options }),
  removeRecipe: async (name: string) => send<undefined>("DELETE", recipePath(name)),
};

/** Where the evidence of a comparison is downloaded. */
export const reportPath = (id: string, format: "xlsx" | "html"): string => addressOf(`${BASE}/${part(id)}/report`, { format });

/** Reads what belongs to a pair: rows, places, strips. */
export const ofPair = async <T>(id: string, pair: string, what: string, query: Query, signal?: AbortSignal): Promise<T> =>
  get<T>(`${pairPath(id, pair)}/${what}`, query, signal);
