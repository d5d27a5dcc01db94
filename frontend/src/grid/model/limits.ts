/** Rows and columns of one request: what the server answers in one go without thinking. */
export const BLOCK_ROWS = 200;
export const BLOCK_COLUMNS = 40;
/** Requests under way at once; the browser has six connections, and others need them as well. */
export const REQUESTS = 4;
/** What loaded cells may weigh, in bytes as they are guessed. */
export const CACHE_BYTES = 64 * 1024 * 1024;

/** A cell at most, in bytes of UTF-8 (the API's limit). */
export const CELL_BYTES = 1024 * 1024;
/** Edits, insertions and deletions of one call (the API's limit). */
export const CALL_EDITS = 10_000;
/** What the body of one call should weigh at most, so that no gateway refuses it. */
export const CALL_BYTES = 700_000;

/** Blocks that are loaded for one command at most: as many cells as the cache has room for, were their values short. */
export const COMMAND_BLOCKS = 150;
/** Cells that one command changes or copies at most. */
export const COMMAND_CELLS = 100_000;
/** Rows that one command inserts or deletes at most. */
export const COMMAND_ROWS = 10_000;
/** Cells that are loaded for statistics at most, unless the view asks for more. */
export const STATISTICS_CELLS = 200_000;
/** A draft of more cells is stored a moment later rather than with every keystroke. */
export const SMALL_DRAFT = 500;

/** Bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) bytes += 1;
    // Each half of a pair is counted as two: four bytes together.
    if (code > 0x7ff && (code < 0xd800 || code > 0xdfff)) bytes += 1;
  }
  return bytes;
}

export const isTooLong = (value: string | null): boolean =>
  value !== null && value.length * 3 > CELL_BYTES && utf8Bytes(value) > CELL_BYTES;
