import type { Value } from "./types";

/** Rows of cells as spreadsheets exchange them: tabs between cells, CRLF between rows, quotes around what needs them. */
export function toTsv(rows: readonly (readonly Value[])[]): string {
  const text = rows.map((row) => row.map(quoted).join("\t")).join("\r\n");
  // An empty last row would be taken for the end of the row before.
  return rows.length > 1 && text.endsWith("\r\n") ? `${text}\r\n` : text;
}

const quoted = (value: Value): string => (value !== null && /[\t\r\n"]/.test(value) ? `"${value.replaceAll('"', '""')}"` : (value ?? ""));

/**
 * Cells of a text as Excel and LibreOffice put it on the clipboard. A cell is quoted only when its quotes close right
 * before a tab, the end of the line or of the text: Excel leaves a cell such as `"a" b` as it is.
 */
export function fromTsv(text: string): string[][] {
  const rows: string[][] = [[]];
  let at = 0;
  for (;;) {
    const cell = cellAt(text, at);
    rows.at(-1)?.push(cell.value);
    at = cell.end;
    if (at >= text.length) break;
    if (text[at] === "\t") at += 1;
    else {
      at += text.startsWith("\r\n", at) ? 2 : 1;
      // The line's end at the end of the text closes the last row and opens none.
      if (at >= text.length) break;
      rows.push([]);
    }
  }
  return rows;
}

function cellAt(text: string, start: number): { value: string; end: number } {
  const close = text[start] === '"' ? closingQuote(text, start + 1) : -1;
  if (close >= 0) return { value: text.slice(start + 1, close).replaceAll('""', '"'), end: close + 1 };
  const plain = /[^\t\r\n]*/y;
  plain.lastIndex = start;
  const value = plain.exec(text)?.[0] ?? "";
  return { value, end: start + value.length };
}

/** Where the quote is that ends a cell; -1 when the first one that is not doubled ends none. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at >= 0 && (at + 1 === text.length || "\t\r\n".includes(text.charAt(at + 1))) ? at : -1;
}
