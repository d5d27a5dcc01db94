/** A text in three parts: what stands before the difference, the difference, and what stands behind it. */
export type Parts = { readonly before: string; readonly middle: string; readonly after: string };

const isLow = (text: string, at: number): boolean => at > 0 && at < text.length && /[\uDC00-\uDFFF]/.test(text.charAt(at));

/** Where two texts differ, as one stretch of each. A character is never cut in two. */
export function partsOf(one: string, other: string): [Parts, Parts] {
  const shortest = Math.min(one.length, other.length);
  let start = 0;
  while (start < shortest && one.charCodeAt(start) === other.charCodeAt(start)) start += 1;
  if (isLow(one, start) || isLow(other, start)) start -= 1;
  let end = 0;
  while (end < shortest - start && one.charCodeAt(one.length - 1 - end) === other.charCodeAt(other.length - 1 - end)) end += 1;
  if (isLow(one, one.length - end) || isLow(other, other.length - end)) end -= 1;
  const cut = (text: string): Parts => ({ before: text.slice(0, start), middle: text.slice(start, text.length - end), after: text.slice(text.length - end) });
  return [cut(one), cut(other)];
}
