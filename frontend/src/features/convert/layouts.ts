export const LAYOUTS = ["auto", "single", "related"] as const;

/** How what repeats inside a record is laid out. */
export type Layout = (typeof LAYOUTS)[number];
