import { authorized } from "@/api/client";
import { problemOf, ProblemError } from "@/api/problem";

export const FORMATS = ["csv", "xlsx", "json", "parquet"] as const;
export type Format = (typeof FORMATS)[number];

export type ExportOptions = { nested: "zip" | "folder"; others: "keep" | "drop"; tables: "all" | "main"; raw: boolean };
export const defaultOptions: ExportOptions = { nested: "zip", others: "keep", tables: "all", raw: false };

export type Scope = { group?: string; document?: string };

/** From here on a download is written to the disk as it comes, where the browser can. */
const BIG = 256 * 1024 * 1024;

type SaveHandle = { createWritable: () => Promise<WritableStream<Uint8Array>>; remove?: () => Promise<void> };
type Picker = (options: { suggestedName: string }) => Promise<SaveHandle>;

export function exportPath(collectionId: string, format: Format, scope: Scope, options: ExportOptions): string {
  const query = new URLSearchParams({ format });
  if (scope.group !== undefined) query.set("group", scope.group);
  if (scope.document !== undefined) query.set("document", scope.document);
  if (options.tables !== defaultOptions.tables) query.set("tables", options.tables);
  if (options.others !== defaultOptions.others) query.set("others", options.others);
  if (options.nested !== defaultOptions.nested) query.set("nested", options.nested);
  if (options.raw) query.set("raw", "true");
  return `/api/v1/collections/${encodeURIComponent(collectionId)}/export?${query.toString()}`;
}

/** The name in a Content-Disposition header: `filename*` before `filename` (RFC 6266). */
export function filenameOf(header: string | null): string | null {
  const star = /filename\*\s*=\s*utf-8'[^']*'([^;]+)/i.exec(header ?? "");
  if (star?.[1]) {
    try {
      return decodeURIComponent(star[1].trim());
    } catch {
      return null;
    }
  }
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(header ?? "");
  return plain?.[1]?.replace(/\\(.)/g, "$1") ?? plain?.[2] ?? null;
}

async function open(path: string): Promise<Response> {
  const response = await authorized(new Request(new URL(path, location.origin)));
  if (!response.ok) throw new ProblemError(await problemOf(response));
  return response;
}

/** Fetches with the session's token (never in the address) and saves. `expected` is a guess of the size in bytes. */
export async function download(path: string, suggestedName: string, expected: number): Promise<void> {
  const picker = (window as { showSaveFilePicker?: Picker }).showSaveFilePicker;
  if (picker && expected > BIG) {
    const handle = await picker({ suggestedName });
    try {
      const response = await open(path);
      await response.body?.pipeTo(await handle.createWritable());
    } catch (error) {
      // Nothing half-written stays behind under a good name.
      await handle.remove?.();
      throw error;
    }
    return;
  }
  const response = await open(path);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = filenameOf(response.headers.get("content-disposition")) ?? suggestedName;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 60_000);
}
