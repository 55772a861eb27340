/** The meaning of a program: slow, obvious, and the specification. */
import { pushExtent, wipeExtents } from "./extents.ts";
import type { Verified } from "../verified.ts";
import {
  type UdfFault,
  type UdfFaultReason,
  type UdfOutcome,
  type UdfProgram,
  type UdfRun,
  checkRun,
  udfFault,
  udfProgram,
} from "./run.ts";
import { listSteps, turnSteps } from "./steps.ts";
import type {
  Udf,
  UdfExpression,
  UdfKind,
  UdfLoad,
  UdfOperator,
  UdfRange,
  UdfRepeat,
  UdfStatement,
} from "./term.ts";

interface State {
  readonly program: Udf;
  readonly memory: Uint8Array;
  readonly run: UdfRun;
  readonly locals: Uint32Array;
  /** Steps that are left. */
  left: number;
  answer: number;
  /** The first fault; after it nothing has an effect any more. */
  fault: UdfFault | undefined;
}

/** Ends the run with a fault, unless it has one; gives 0, for what is evaluated in vain. */
function raise(state: State, reason: UdfFaultReason): 0 {
  state.fault ??= udfFault(reason);
  return 0;
}

/** What two words give; undefined for a division by zero. */
export function combine(operator: UdfOperator, left: number, right: number): number | undefined {
  switch (operator) {
    case "add":
      return (left + right) >>> 0;
    case "subtract":
      return (left - right) >>> 0;
    case "multiply":
      return Math.imul(left, right) >>> 0;
    case "divide":
      return right === 0 ? undefined : Math.floor(left / right);
    case "remainder":
      return right === 0 ? undefined : left % right;
    case "and":
      return (left & right) >>> 0;
    case "or":
      return (left | right) >>> 0;
    case "xor":
      return (left ^ right) >>> 0;
    case "shiftLeft":
      return (left << right) >>> 0;
    case "shiftRight":
      return left >>> right;
    case "equal":
      return Number(left === right);
    case "notEqual":
      return Number(left !== right);
    case "less":
      return Number(left < right);
    case "lessOrEqual":
      return Number(left <= right);
    case "greater":
      return Number(left > right);
    case "greaterOrEqual":
      return Number(left >= right);
    default:
      return operator satisfies never;
  }
}

const lengthOf = ({ run }: State, of: UdfRange): number => (of === "block" ? run.length : run.proposedLength);

function load(state: State, { of, width, order, at }: UdfLoad): number {
  const offset = evaluate(state, at);
  if (offset + width > lengthOf(state, of)) return raise(state, "OutOfBounds");
  const first = (of === "block" ? state.run.at : state.run.proposedAt) + offset;
  let value = 0;
  for (let i = 0; i < width; i++)
    value = value * 256 + (state.memory[first + (order === "big" ? i : width - 1 - i)] ?? 0);
  return value;
}

function evaluate(state: State, term: UdfExpression): number {
  switch (term.kind) {
    case "constant":
      return term.value;
    case "local":
      return state.locals[term.index] ?? 0;
    case "argument":
      return (state.run.arguments[term.index] ?? 0) >>> 0;
    case "length":
      return lengthOf(state, term.of);
    case "load":
      return load(state, term);
    case "binary": {
      const left = evaluate(state, term.left);
      const right = evaluate(state, term.right);
      return combine(term.operator, left, right) ?? raise(state, "DivideByZero");
    }
    default:
      return term satisfies never;
  }
}

/** Pays for what comes next; false when that is more than is left. */
function pay(state: State, steps: number): boolean {
  if (steps > state.left) raise(state, "OutOfSteps");
  else state.left -= steps;
  return state.fault === undefined;
}

/** Whether a condition holds and nothing went wrong. */
const holds = (state: State, condition: UdfExpression): boolean =>
  evaluate(state, condition) !== 0 && state.fault === undefined;

function repeat(state: State, loop: UdfRepeat): boolean {
  const turns = Math.min(evaluate(state, loop.count), loop.limit);
  if (state.fault !== undefined) return false;
  for (let turn = 0; turn < turns; turn++) {
    if (!pay(state, turnSteps(loop))) return false;
    state.locals[loop.index] = turn;
    if (!each(state, loop.body)) return false;
  }
  return true;
}

function emit(state: State, statement: Extract<UdfStatement, { readonly kind: "emit" }>): boolean {
  const start = evaluate(state, statement.start);
  const count = evaluate(state, statement.count);
  const type = evaluate(state, statement.type);
  if (state.fault !== undefined) return false;
  const refused = pushExtent(state.run.extents, start, count, type);
  if (refused !== undefined) raise(state, refused);
  return refused === undefined;
}

function answer(state: State, value: UdfExpression): false {
  state.answer = evaluate(state, value);
  if (state.program.kind === "acl" && state.answer > 1) raise(state, "BadAnswer");
  return false;
}

/** One statement, its list already paid for; false when the program has come to its end. */
function step(state: State, statement: UdfStatement): boolean {
  switch (statement.kind) {
    case "set": {
      const value = evaluate(state, statement.value);
      if (state.fault === undefined) state.locals[statement.local] = value;
      return state.fault === undefined;
    }
    case "if": {
      const chosen = holds(state, statement.condition) ? statement.body : statement.otherwise;
      return state.fault === undefined && enter(state, chosen);
    }
    case "repeat":
      return repeat(state, statement);
    case "while":
      while (holds(state, statement.condition))
        if (!pay(state, turnSteps(statement)) || !each(state, statement.body)) return false;
      return state.fault === undefined;
    case "emit":
      return emit(state, statement);
    case "answer":
      return answer(state, statement.value);
    case "fault":
      raise(state, "Raised");
      return false;
    default:
      return statement satisfies never;
  }
}

const each = (state: State, list: readonly UdfStatement[]): boolean =>
  list.every((statement) => step(state, statement));

const enter = (state: State, list: readonly UdfStatement[]): boolean =>
  pay(state, listSteps(list)) && each(state, list);

/**
 * Runs a program over the bytes in `memory` that `run` names.
 *
 * **Holds** it depends on the program, those bytes, the arguments, the limit of
 * steps and the room in the list, and on nothing else; it writes to `run` only.
 * **Fails** throws when those bytes do not lie in `memory`: the caller's mistake.
 */
export function interpretUdf(program: Udf, memory: Uint8Array, run: UdfRun): UdfOutcome {
  checkRun(run, memory.length);
  const locals = new Uint32Array(program.locals);
  const state: State = { program, memory, run, locals, left: run.stepLimit, answer: 0, fault: undefined };
  run.extents.count = 0;
  enter(state, program.body);
  run.steps = run.stepLimit - state.left;
  if (state.fault !== undefined) {
    wipeExtents(run.extents);
    return state.fault;
  }
  return program.kind === "owns" ? run.extents.count : state.answer;
}

/** A verified program that is interpreted over the bytes in `memory`: for whoever cannot or will not compile it. */
export const makeUdfInterpreter = <K extends UdfKind>(
  program: Verified<Udf<K>>,
  memory: Uint8Array,
): UdfProgram<K> => udfProgram(program.kind, (run) => interpretUdf(program, memory, run));
