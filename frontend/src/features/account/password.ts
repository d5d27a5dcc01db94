export const SHORTEST = 12;

export type Fault = "short" | "differs" | "same";

/** What the page can say about a new password before it is sent; the server knows more (common passwords). */
export function faultOf(next: string, repeated: string, current = ""): Fault | null {
  if ([...next].length < SHORTEST) return "short";
  if (current !== "" && next === current) return "same";
  if (next !== repeated) return "differs";
  return null;
}
