import { ProblemError } from "@/api/problem";
import { ofPair } from "../calls";
import type { Located, PanesPort, RowsPage } from "./types";

/** What of a table pair is looked at. */
export type View = { table: string; view: "changed" | "full"; columns: "changed" | "all"; moves: boolean };

/** The server's rows of one table pair in one view. */
export function panesPort(comparison: string, pair: string, { table, view, columns, moves }: View): PanesPort {
  return {
    page: async ({ offset, limit, signal }) => ofPair<RowsPage>(comparison, pair, "rows", { table, view, columns, moves, offset, limit }, signal),
    locate: async (sought) =>
      ofPair<Located>(comparison, pair, "locate", { table, view, moves, ...sought }).catch((error: unknown) => {
        // That there is no such place is an answer; that there is no such pair shows in the pages.
        if (error instanceof ProblemError && error.problem.status === 404) return null;
        throw error;
      }),
  };
}
