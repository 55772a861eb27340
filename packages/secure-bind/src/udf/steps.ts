/**
 * What a program costs, in steps.
 *
 * A list of statements is paid for as a whole when it is entered: one step for
 * each statement and one for each term of the expressions that the statement
 * itself evaluates. The test that comes after a turn of a `while` is paid for
 * with that turn; the first one, with the statement. A turn of a `repeat` is one
 * step more than its body. What does not fit into what is left is not paid, and
 * the run ends.
 */
import type { Udf, UdfExpression, UdfStatement } from "./term.ts";

function expressionSteps(term: UdfExpression): number {
  switch (term.kind) {
    case "load":
      return 1 + expressionSteps(term.at);
    case "binary":
      return 1 + expressionSteps(term.left) + expressionSteps(term.right);
    default:
      return 1;
  }
}

function statementSteps(statement: UdfStatement): number {
  switch (statement.kind) {
    case "set":
    case "answer":
      return 1 + expressionSteps(statement.value);
    case "if":
    case "while":
      return 1 + expressionSteps(statement.condition);
    case "repeat":
      return 1 + expressionSteps(statement.count);
    case "emit":
      return (
        1 +
        expressionSteps(statement.start) +
        expressionSteps(statement.count) +
        expressionSteps(statement.type)
      );
    case "fault":
      return 1;
    default:
      return statement satisfies never;
  }
}

/** Steps for entering a list. O(its terms). */
export const listSteps = (list: readonly UdfStatement[]): number =>
  list.reduce((sum, statement) => sum + statementSteps(statement), 0);

/** Steps for one turn of a loop: its body, and the `while`'s next test. */
export const turnSteps = (loop: Extract<UdfStatement, { readonly kind: "while" | "repeat" }>): number =>
  1 + listSteps(loop.body) + (loop.kind === "while" ? expressionSteps(loop.condition) : 0);

function worstInside(statement: UdfStatement): number {
  switch (statement.kind) {
    case "if":
      return Math.max(worstOf(statement.body), worstOf(statement.otherwise));
    case "repeat":
      return statement.limit * (1 + worstOf(statement.body));
    case "while":
      return Infinity;
    default:
      return 0;
  }
}

const worstOf = (list: readonly UdfStatement[]): number =>
  list.reduce((sum, statement) => sum + worstInside(statement), listSteps(list));

/**
 * Steps of the longest run that the program's text allows; `Infinity` when it has a `while`.
 *
 * **Holds** no run of a program takes more. **Cost** O(UDF_TERMS * UDF_DEPTH).
 */
export const worstSteps = (program: Udf): number => worstOf(program.body);
