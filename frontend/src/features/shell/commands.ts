export type Command = { id: string; text: string; run: () => unknown };

/** Commands that hold every word typed, in any order; those that begin with the first word come first. */
export function matching(commands: readonly Command[], term: string): Command[] {
  const words = term.toLowerCase().split(/\s+/).filter(Boolean);
  const first = words[0];
  if (first === undefined) return [...commands];
  const found = commands.filter(({ text }) => words.every((word) => text.toLowerCase().includes(word)));
  const begins = ({ text }: Command): number => (text.toLowerCase().split(/\s+/).some((word) => word.startsWith(first)) ? 0 : 1);
  return found.sort((a, b) => begins(a) - begins(b));
}
