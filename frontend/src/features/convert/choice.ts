import type { Group } from "@/api/types";

/** Which groups are chosen. "All" is its own word: a group that appears later belongs to it. */
export type Choice = { kind: "all" } | { kind: "some"; names: readonly string[] };

export const everything: Choice = { kind: "all" };

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** From the address: absent is all, empty is none. A comma inside a name is escaped. */
export function choiceFromQuery(value: string | null | undefined): Choice {
  if (value === null || value === undefined) return everything;
  return { kind: "some", names: value.split(",").filter(Boolean).map(decoded) };
}

export function choiceToQuery(choice: Choice): string | undefined {
  return choice.kind === "all" ? undefined : choice.names.map(encodeURIComponent).join(",");
}

/** The chosen groups that exist, in the collection's order. */
export function chosenOf(choice: Choice, groups: readonly Group[]): Group[] {
  if (choice.kind === "all") return [...groups];
  const names = new Set(choice.names);
  return groups.filter((group) => names.has(group.name));
}

/** A choice made in the list; all of them one by one is the same as "all". */
export function choose(names: readonly string[], groups: readonly Group[]): Choice {
  const kept = groups.filter((group) => names.includes(group.name)).map((group) => group.name);
  return kept.length === groups.length ? everything : { kind: "some", names: kept };
}

/** After a rename or a merge, the group is still chosen under its new name. */
export function renamed(choice: Choice, from: string, to: string): Choice {
  if (choice.kind === "all") return choice;
  const names = choice.names.map((name) => (name === from ? to : name));
  return { kind: "some", names: [...new Set(names)] };
}
