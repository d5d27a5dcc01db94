import type { Outcome, Refusal } from "./types";

export const DONE: Outcome = { done: true };
export type Refused = Extract<Outcome, { done: false }>;
export const refused = (why: Refusal): Refused => ({ done: false, why });
