import type { Condition, Operator, SortKey, View } from "./types";

export const PLAIN: View = { sort: [], filter: [] };
const OPERATORS: ReadonlySet<string> = new Set<Operator>([
  "eq", "ne", "contains", "starts", "ends", "lt", "le", "gt", "ge", "in", "empty", "not_empty", "regex",
]);

export const isPlain = (view: View): boolean => view.sort.length === 0 && view.filter.length === 0;

export const sameView = (one: View, other: View): boolean =>
  sortText(one.sort) === sortText(other.sort) && filterText(one.filter) === filterText(other.filter);

/** The API's `sort`: names encoded by themselves, a minus before those that fall; undefined for none. */
export const sortText = (sort: readonly SortKey[]): string | undefined =>
  sort.length === 0 ? undefined : sort.map(({ column, descending }) => `${descending ? "-" : ""}${encoded(column)}`).join(",");

/** A column whose own name begins with a minus must not be taken for one that falls. */
const encoded = (name: string): string => encodeURIComponent(name).replace(/^-/, "%2D");

/** The API's `filter`; undefined for none. */
export const filterText = (filter: readonly Condition[]): string | undefined =>
  filter.length === 0 ? undefined : JSON.stringify(filter.map(conditionBody));

const conditionBody = (condition: Condition): unknown =>
  "value" in condition
    ? { column: condition.column, op: condition.op, value: condition.value }
    : { column: condition.column, op: condition.op };

/** What an address says; whatever cannot be read is left out. */
export function viewFrom(sort: string | undefined, filter: string | undefined): View {
  return { sort: sortFrom(sort ?? ""), filter: filterFrom(filter ?? "") };
}

function sortFrom(text: string): SortKey[] {
  return text
    .split(",")
    .filter((part) => part !== "" && part !== "-")
    .flatMap((part) => {
      const descending = part.startsWith("-");
      try {
        return [{ column: decodeURIComponent(descending ? part.slice(1) : part), descending }];
      } catch {
        return [];
      }
    });
}

function filterFrom(text: string): Condition[] {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return [];
  }
  return Array.isArray(given) ? given.flatMap((one: unknown) => conditionFrom(one) ?? []) : [];
}

function conditionFrom(given: unknown): Condition | null {
  if (typeof given !== "object" || given === null) return null;
  const { column, op, value } = given as Record<string, unknown>;
  if (typeof column !== "string" || typeof op !== "string" || !OPERATORS.has(op)) return null;
  if (op === "empty" || op === "not_empty") return { column, op };
  if (op === "in") {
    return Array.isArray(value) && value.every((one) => typeof one === "string") ? { column, op, value } : null;
  }
  return typeof value === "string" ? { column, op: op as Exclude<Operator, "empty" | "not_empty" | "in">, value } : null;
}

/** With one column as the first key: rising, falling, then not sorted by it. With `add` the other keys stay. */
export function sortedBy(sort: readonly SortKey[], column: string, add = false): SortKey[] {
  const before = sort.find((key) => key.column === column);
  const others = add ? sort.filter((key) => key.column !== column) : [];
  if (before?.descending) return others;
  const key = { column, descending: before !== undefined };
  if (!add || !before) return [...others, key];
  return sort.map((one) => (one.column === column ? key : one));
}
