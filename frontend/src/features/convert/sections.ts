/** Documents of the chosen groups as one long list, fetched a page at a time.
 *
 *  The listing is asked for one group at a time, so a choice of several is laid out as sections, one a group. */
export type Section = { group: string | null; total: number };

export type Place = { section: number; page: number; offset: number };

export const PAGE = 100;

export function lengthOf(sections: readonly Section[]): number {
  return sections.reduce((sum, section) => sum + section.total, 0);
}

/** Where the n-th row of the whole list is; null past its end. */
export function placeOf(sections: readonly Section[], index: number): Place | null {
  let left = index;
  for (const [section, { total }] of sections.entries()) {
    if (left < total) return { section, page: Math.floor(left / PAGE), offset: left % PAGE };
    left -= total;
  }
  return null;
}

export type PageKey = { section: number; page: number };

/** The pages that rows `from` to `to` (inclusive) need, each once. */
export function pagesFor(sections: readonly Section[], from: number, to: number): PageKey[] {
  const pages: PageKey[] = [];
  for (let index = from; index <= to; index++) {
    const place = placeOf(sections, index);
    if (!place) break;
    const last = pages.at(-1);
    if (last?.section !== place.section || last.page !== place.page)
      pages.push({ section: place.section, page: place.page });
  }
  return pages;
}
