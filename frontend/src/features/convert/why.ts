import type { Document } from "@/api/types";

export type Why = { reason: string; count: number };

/** Why documents are in their group, the most frequent reason first. */
export function whyOf(documents: readonly Pick<Document, "group_reason">[]): Why[] {
  const counts = new Map<string, number>();
  for (const { group_reason: reason } of documents) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
}

/** The folder part of a path; empty at the top. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));
