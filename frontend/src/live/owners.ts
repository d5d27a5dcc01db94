export const KEY = "ret.jobs";

/** Which collection a job works for: ids only, kept over a reload, forgotten with the session. */
export function readOwners(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
}

export function writeOwners(owners: Record<string, string>): void {
  if (Object.keys(owners).length > 0) localStorage.setItem(KEY, JSON.stringify(owners));
  else localStorage.removeItem(KEY);
}
