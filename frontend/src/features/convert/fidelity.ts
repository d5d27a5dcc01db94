/** The ways of reading a document, the best first. */
export const METHODS = ["native", "repaired", "recovered", "salvaged", "lines"] as const;

/** The ways that count every value, and do not only compare text. */
const COUNTED: readonly string[] = ["native", "repaired"];
export const isCounted = (method: string | null): boolean => method !== null && COUNTED.includes(method);

/** A share as a percentage that never says 100 % of what is not whole, nor 0 % of what is something. */
export function percent(share: number): string {
  if (share >= 1) return "100 %";
  if (share <= 0) return "0 %";
  return `${Math.min(99.9, Math.max(0.1, Math.round(share * 1000) / 10))} %`;
}

/** Whether less than the whole text of a document was kept; null is "not converted". */
export const isPartial = (fidelity: number | null): fidelity is number => fidelity !== null && fidelity < 1;
