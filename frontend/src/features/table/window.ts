/** Which part of a table is looked at, as plain numbers: rows and columns count from 1, as people read them. */
export const SIZES = [50, 100, 200] as const;
/** Columns drawn at once: a plain table of all of them would not be drawn in time. */
export const COLUMNS = 40;

const whole = (text: string | undefined): number | null => (text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : null);

/** A row or column from the address; anything that is none is the first. */
export const firstFrom = (text: string | undefined): number => Math.max(1, whole(text) ?? 1);

export const sizeFrom = (text: string | undefined): number => SIZES.find((size) => size === whole(text)) ?? 100;

/** Where the last page begins. */
export const lastStart = (total: number, size: number): number => Math.max(0, Math.ceil(total / size) - 1) * size + 1;

/** Where the pages before and after begin; null where there is none. */
export function neighbours(first: number, size: number, total: number): { before: number | null; after: number | null } {
  return {
    before: first > 1 ? Math.max(1, Math.min(first - size, lastStart(total, size))) : null,
    after: first + size <= total ? first + size : null,
  };
}

/** Column names for a query: each encoded by itself, for a name may have a comma. */
export const listed = (names: readonly string[]): string => names.map(encodeURIComponent).join(",");

const LONG = 120;
/** Whether a cell is better read by itself than in its row. */
export const isLong = (value: string): boolean => value.length > LONG || value.includes("\n");
/** What a cell shows of its value: enough to fill it. */
export const shortened = (value: string): string => value.slice(0, LONG);
