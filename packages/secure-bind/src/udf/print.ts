/** Programs for people: one statement a line. */
import type { Udf, UdfExpression, UdfLoad, UdfOperator, UdfStatement } from "./term.ts";

const SIGNS: { readonly [O in UdfOperator]: string } = {
  add: "+",
  subtract: "-",
  multiply: "*",
  divide: "/",
  remainder: "%",
  and: "&",
  or: "|",
  xor: "^",
  shiftLeft: "<<",
  shiftRight: ">>",
  equal: "==",
  notEqual: "!=",
  less: "<",
  lessOrEqual: "<=",
  greater: ">",
  greaterOrEqual: ">=",
};

const printLoad = ({ of, width, order, at }: UdfLoad): string =>
  `${of}${width * 8}${order === "little" && width > 1 ? "le" : ""}[${printUdfExpression(at)}]`;

const printOperand = (term: UdfExpression): string =>
  term.kind === "binary" ? `(${printUdfExpression(term)})` : printUdfExpression(term);

/** One expression; `block16[4]` are the two bytes from byte 4 of the block on, `block16le` with the lowest first. */
export function printUdfExpression(term: UdfExpression): string {
  switch (term.kind) {
    case "constant":
      return String(term.value);
    case "local":
      return `local${term.index}`;
    case "argument":
      return `argument${term.index}`;
    case "length":
      return `${term.of}.length`;
    case "load":
      return printLoad(term);
    case "binary":
      return `${printOperand(term.left)} ${SIGNS[term.operator]} ${printOperand(term.right)}`;
    default:
      return term satisfies never;
  }
}

function head(statement: UdfStatement): string {
  const print = printUdfExpression;
  switch (statement.kind) {
    case "set":
      return `local${statement.local} = ${print(statement.value)}`;
    case "if":
      return `if ${print(statement.condition)}`;
    case "repeat":
      return `repeat ${print(statement.count)} at most ${statement.limit} with local${statement.index}`;
    case "while":
      return `while ${print(statement.condition)}`;
    case "emit":
      return `emit ${print(statement.start)}, ${print(statement.count)}, ${print(statement.type)}`;
    case "answer":
      return `answer ${print(statement.value)}`;
    case "fault":
      return "fault";
    default:
      return statement satisfies never;
  }
}

/** Lines so far, and the number of the next statement. */
interface Page {
  readonly lines: string[];
  next: number;
}

function printList(page: Page, list: readonly UdfStatement[], indent: string): void {
  for (const statement of list) {
    page.lines.push(`${page.next++}:${indent} ${head(statement)}`);
    if ("body" in statement) printList(page, statement.body, `${indent}  `);
    if (statement.kind !== "if" || statement.otherwise.length === 0) continue;
    page.lines.push(`-:${indent} else`);
    printList(page, statement.otherwise, `${indent}  `);
  }
}

/** A program, one statement a line behind its number, by which a refusal names it. */
export function printUdf({ kind, locals, body }: Udf): string {
  const page: Page = { lines: [`${kind}, locals: ${locals}`], next: 0 };
  printList(page, body, "");
  return page.lines.join("\n");
}
