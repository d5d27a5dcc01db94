import { api, ask, authorized } from "@/api/client";
import { problemOf, ProblemError } from "@/api/problem";
import { filterText, SaveRefused, sortText, StaleVersion, type Cell, type HistoryEntry, type Page, type Saved, type ServerConflict, type TablePort } from "@/grid/model";

/** Column names for a query: each encoded by itself, for a name may have a comma. */
export const listed = (names: readonly string[]): string => names.map(encodeURIComponent).join(",");

/** A key by which the server knows a call that comes twice. (`randomUUID` needs TLS, which not every site has.) */
const fresh = (): string => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

type Stale = { code?: string; current_version?: number; conflicts?: ServerConflict[]; more?: number };

/** Sends a change of a table. What the server refuses is a StaleVersion or SaveRefused; of any other failure it is open
 *  whether the change was made, and the same key asks again without making it twice. */
async function change<T>(path: string, method: "PATCH" | "POST", body: unknown, key = fresh()): Promise<T> {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  const response = await authorized(new Request(new URL(path, location.origin), { method, headers, body: JSON.stringify(body) }));
  if (response.ok) return (await response.json()) as T;
  if (response.status === 409) {
    const stale = (await response.clone().json().catch(() => ({}))) as Stale;
    if (stale.code === "STALE_VERSION") throw new StaleVersion(stale.current_version ?? 0, stale.conflicts ?? [], stale.more ?? 0);
  }
  const problem = new ProblemError(await problemOf(response));
  throw response.status < 500 ? new SaveRefused(problem) : problem;
}

/** The server's table, as the grid asks for it. */
export function tablePort(id: string): TablePort {
  const base = `/api/v1/tables/${encodeURIComponent(id)}`;
  const params = <Q>(query: Q) => ({ path: { table_id: id }, query });
  return {
    async page({ offset, limit, columns, view, signal }) {
      const query = { offset, limit, columns: listed(columns), sort: sortText(view.sort), filter: filterText(view.filter) };
      return (await ask(api.GET("/api/v1/tables/{table_id}", { params: params(query), signal }))) as Page;
    },
    save: async (patch, key) => change<Saved>(base, "PATCH", patch, key),
    undo: async () => change(`${base}/undo`, "POST", {}),
    redo: async () => change(`${base}/redo`, "POST", {}),
    history: async (offset, limit) => {
      const query = new URLSearchParams({ offset: String(offset), limit: String(limit) });
      return read<{ items: HistoryEntry[]; total: number }>(`${base}/history?${query.toString()}`);
    },
    find: async ({ text, from, signal }) => {
      const query = new URLSearchParams({ q: text, ...(from === null ? {} : { from_row: String(from) }) });
      return read<Cell>(`${base}/find?${query.toString()}`, signal).catch((error: unknown) => {
        // No such cell is an answer; no such table is a failure.
        if (error instanceof ProblemError && error.problem.status === 404 && /\bcell\b/.test(error.problem.detail)) return null;
        throw error;
      });
    },
  };
}

async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await authorized(new Request(new URL(path, location.origin), { ...(signal ? { signal } : {}) }));
  if (!response.ok) throw new ProblemError(await problemOf(response));
  return (await response.json()) as T;
}

export type Profile = { columns: { name: string; count: number; nulls: number; distinct: number; min: string | null; max: string | null; top: { value: string; count: number }[] }[] };

/** What all columns of a table hold. */
export const profile = async (id: string): Promise<Profile> => read(`/api/v1/tables/${encodeURIComponent(id)}/profile`);
