import type { Condition, Operator } from "@/grid/model";

export const OPERATORS = ["contains", "eq", "ne", "starts", "ends", "lt", "le", "gt", "ge", "in", "empty", "not_empty", "regex"] as const satisfies readonly Operator[];
export const MOST = 50;

/** A condition as it is typed: of several values each stands on its own line. */
export type Typed = { column: string; op: Operator; text: string };

export const takesValue = (op: Operator): boolean => op !== "empty" && op !== "not_empty";

export function typedFrom(condition: Condition): Typed {
  const value = "value" in condition ? condition.value : "";
  return { column: condition.column, op: condition.op, text: typeof value === "string" ? value : value.join("\n") };
}

/** The conditions that are whole; one without a column, or with no value where it takes one, is not yet one. */
export function conditionsFrom(typed: readonly Typed[], columns: readonly string[]): Condition[] {
  return typed
    .filter(({ column, op, text }) => columns.includes(column) && (!takesValue(op) || text !== ""))
    .map(({ column, op, text }): Condition => {
      if (op === "empty" || op === "not_empty") return { column, op };
      return op === "in" ? { column, op, value: text.split("\n").filter(Boolean) } : { column, op, value: text };
    });
}
