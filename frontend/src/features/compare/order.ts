import type { Collection } from "@/api/types";
import type { Order } from "./calls";
import type { Options, SideChoice, SideName, Version } from "./types";

/** What one side is chosen to be. No document: the whole upload. */
export type Source = { collection: string; document: string; version: Version };

export const PLAIN: Options = { keys: [], ignore_columns: [], ignore_case: false, ignore_space: false, numeric_tolerance: 0 };

export const isPlain = (options: Options): boolean =>
  options.keys.length === 0 && options.ignore_columns.length === 0 && !options.ignore_case && !options.ignore_space && options.numeric_tolerance === 0;

/** Options as somebody sent them: what is missing is off. */
export function optionsOf(given: Partial<Options> | null | undefined): Options {
  return { ...PLAIN, ...Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== null && value !== undefined)) };
}

const sideOf = ({ collection, document, version }: Source): SideChoice => ({ ...(document ? { document_id: document } : { collection_id: collection }), version });

export function orderOf(a: Source, b: Source, groups: readonly string[] | null, options: Options): Order {
  return { a: sideOf(a), b: sideOf(b), ...(groups === null ? {} : { groups: [...groups] }), ...(isPlain(options) ? {} : { options }) };
}

export type Hindrance = "chooseA" | "chooseB" | "same" | "scanning" | "noGroup";

/** Why a comparison cannot be started; null: it can. */
export function hindranceOf(a: Source, b: Source, found: Record<SideName, Collection | undefined>, groups: readonly string[] | null): Hindrance | null {
  if (!a.collection) return "chooseA";
  if (!b.collection) return "chooseB";
  if (a.collection === b.collection && a.document === b.document && a.version === b.version) return "same";
  if (found.a?.status === "scanning" || found.b?.status === "scanning") return "scanning";
  return groups?.length === 0 ? "noGroup" : null;
}

export type GroupCount = { name: string; a: number; b: number };

/** The groups of both sides by name, with how many documents each has. */
export function groupsOf(a: Collection | undefined, b: Collection | undefined): GroupCount[] {
  const found = new Map<string, GroupCount>();
  for (const side of ["a", "b"] as const) {
    for (const { name, documents } of (side === "a" ? a : b)?.groups ?? []) {
      const known = found.get(name) ?? { name, a: 0, b: 0 };
      found.set(name, { ...known, [side]: documents });
    }
  }
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name));
}

const encoded = (names: readonly string[]): string => names.map(encodeURIComponent).join(",");
function decoded(text: string): string[] {
  return text.split(",").filter(Boolean).map((name) => {
    try {
      return decodeURIComponent(name);
    } catch {
      return name;
    }
  });
}

/** Options in an address, and back. */
export const optionsToQuery = (options: Options): Record<string, string> => ({
  keys: encoded(options.keys),
  ignore: encoded(options.ignore_columns),
  case: options.ignore_case ? "1" : "",
  space: options.ignore_space ? "1" : "",
  tolerance: options.numeric_tolerance > 0 ? String(options.numeric_tolerance) : "",
});

export function optionsFromQuery(read: (name: string) => string): Options {
  const tolerance = Number(read("tolerance"));
  return {
    keys: decoded(read("keys")),
    ignore_columns: decoded(read("ignore")),
    ignore_case: read("case") === "1",
    ignore_space: read("space") === "1",
    numeric_tolerance: Number.isFinite(tolerance) && tolerance > 0 ? tolerance : 0,
  };
}
