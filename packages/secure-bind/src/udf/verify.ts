/** The verifier of untrusted deterministic functions: copies, bounds-checks and freezes. */
import { type Refusal, type RefusalRule, refuse } from "../refusal.ts";
import type { Verified } from "../verified.ts";
import { UDF_ARGUMENTS, UDF_DEPTH, UDF_LOCALS, UDF_REPEATS, UDF_STEPS, UDF_TERMS } from "./limits.ts";
import { worstSteps } from "./steps.ts";
import {
  UDF_KINDS,
  UDF_OPERATORS,
  UDF_ORDERS,
  UDF_RANGES,
  type Udf,
  type UdfExpression,
  type UdfKind,
  type UdfRange,
  type UdfStatement,
} from "./term.ts";

const { freeze } = Object;
const { isArray } = Array;
const WORD_MAX = 0xffff_ffff;

type Alien = { readonly [name: string]: unknown };

/** How far the reading of one alien program has come. */
interface Reader {
  readonly kind: UdfKind;
  readonly locals: number;
  /** Statements and expressions so far, each of which was looked at once. */
  terms: number;
  /** Statements so far; the number of the next one. */
  statements: number;
  /** The statement that is guilty if something is wrong; -1 for the program. */
  guilty: number;
  /** There is a loop whose turns nothing bounds but the steps. */
  hasWhile: boolean;
}

type Copied<T> = T | RefusalRule;

const isRule = (copied: unknown): copied is RefusalRule => typeof copied === "string";

const isAlien = (value: unknown): value is Alien => typeof value === "object" && value !== null;

/** True for an integer from 0 to `most`; negative zero is none. */
const isWithin = (value: unknown, most: number): value is number =>
  typeof value === "number" &&
  Number.isInteger(value) &&
  value >= 0 &&
  value <= most &&
  !Object.is(value, -0);

/** Found by comparing: a set's methods could be somebody else's by now. */
function isOneOf<T>(known: readonly T[], value: unknown): value is T {
  for (let i = 0; i < known.length; i++) if (known[i] === value) return true;
  return false;
}

/** Counts one more term that stands this deep; says what is wrong with that. */
function count(reader: Reader, depth: number): RefusalRule | undefined {
  if (depth > UDF_DEPTH) return "TooDeep";
  return ++reader.terms > UDF_TERMS ? "TooLong" : undefined;
}

/** A range that this kind of program may read. */
function checkRange(reader: Reader, of: unknown): Copied<{ readonly of: UdfRange }> {
  if (!isOneOf(UDF_RANGES, of)) return "BadRange";
  return of === "proposed" && reader.kind !== "acl" ? "Forbidden" : { of };
}

function copyArgument(reader: Reader, { index }: Alien): Copied<UdfExpression> {
  if (reader.kind !== "acl") return "Forbidden";
  return isWithin(index, UDF_ARGUMENTS - 1) ? freeze({ kind: "argument", index }) : "BadArgument";
}

function copyLength(reader: Reader, alien: Alien): Copied<UdfExpression> {
  const range = checkRange(reader, alien["of"]);
  return isRule(range) ? range : freeze({ kind: "length", of: range.of });
}

function copyLoad(reader: Reader, alien: Alien, depth: number): Copied<UdfExpression> {
  const { of, width, order, at } = alien;
  const range = checkRange(reader, of);
  if (isRule(range)) return range;
  if (width !== 1 && width !== 2 && width !== 4) return "BadWidth";
  if (!isOneOf(UDF_ORDERS, order)) return "BadOrder";
  const offset = copyExpression(reader, at, depth + 1);
  if (isRule(offset)) return offset;
  // One byte has no order: programs that mean the same have one form.
  return freeze({ kind: "load", of: range.of, width, order: width === 1 ? "big" : order, at: offset });
}

function copyBinary(reader: Reader, alien: Alien, depth: number): Copied<UdfExpression> {
  const { operator, left, right } = alien;
  if (!isOneOf(UDF_OPERATORS, operator)) return "BadOperator";
  const first = copyExpression(reader, left, depth + 1);
  if (isRule(first)) return first;
  const second = copyExpression(reader, right, depth + 1);
  return isRule(second) ? second : freeze({ kind: "binary", operator, left: first, right: second });
}

function copyExpression(reader: Reader, alien: unknown, depth: number): Copied<UdfExpression> {
  const broken = count(reader, depth);
  if (broken !== undefined) return broken;
  if (!isAlien(alien)) return "BadKind";
  switch (alien["kind"]) {
    case "constant": {
      const { value } = alien;
      return isWithin(value, WORD_MAX) ? freeze({ kind: "constant", value }) : "BadValue";
    }
    case "local": {
      const { index } = alien;
      return isWithin(index, reader.locals - 1) ? freeze({ kind: "local", index }) : "BadLocal";
    }
    case "argument":
      return copyArgument(reader, alien);
    case "length":
      return copyLength(reader, alien);
    case "load":
      return copyLoad(reader, alien, depth);
    case "binary":
      return copyBinary(reader, alien, depth);
    default:
      return "BadKind";
  }
}

function copySet(reader: Reader, alien: Alien, depth: number): Copied<UdfStatement> {
  const { local, value } = alien;
  if (!isWithin(local, reader.locals - 1)) return "BadLocal";
  const copied = copyExpression(reader, value, depth + 1);
  return isRule(copied) ? copied : freeze({ kind: "set", local, value: copied });
}

function copyIf(reader: Reader, alien: Alien, depth: number): Copied<UdfStatement> {
  const { guilty } = reader;
  const { condition, body, otherwise } = alien;
  const test = copyExpression(reader, condition, depth + 1);
  if (isRule(test)) return test;
  const first = copyList(reader, body, depth + 1);
  if (isRule(first)) return first;
  reader.guilty = guilty;
  const second = copyList(reader, otherwise, depth + 1);
  return isRule(second) ? second : freeze({ kind: "if", condition: test, body: first, otherwise: second });
}

function copyRepeat(reader: Reader, alien: Alien, depth: number): Copied<UdfStatement> {
  const { index, count: turns, limit, body } = alien;
  if (!isWithin(index, reader.locals - 1)) return "BadLocal";
  if (!isWithin(limit, UDF_REPEATS) || limit === 0) return "BadLimit";
  const copied = copyExpression(reader, turns, depth + 1);
  if (isRule(copied)) return copied;
  const list = copyList(reader, body, depth + 1);
  return isRule(list) ? list : freeze({ kind: "repeat", index, count: copied, limit, body: list });
}

function copyWhile(reader: Reader, alien: Alien, depth: number): Copied<UdfStatement> {
  const { condition, body } = alien;
  reader.hasWhile = true;
  const test = copyExpression(reader, condition, depth + 1);
  if (isRule(test)) return test;
  const list = copyList(reader, body, depth + 1);
  return isRule(list) ? list : freeze({ kind: "while", condition: test, body: list });
}

function copyEmit(reader: Reader, alien: Alien, depth: number): Copied<UdfStatement> {
  if (reader.kind !== "owns") return "Forbidden";
  const { start, count: blocks, type } = alien;
  const first = copyExpression(reader, start, depth + 1);
  if (isRule(first)) return first;
  const second = copyExpression(reader, blocks, depth + 1);
  if (isRule(second)) return second;
  const third = copyExpression(reader, type, depth + 1);
  return isRule(third) ? third : freeze({ kind: "emit", start: first, count: second, type: third });
}

function copyAnswer(reader: Reader, alien: Alien, depth: number): Copied<UdfStatement> {
  if (reader.kind === "owns") return "Forbidden";
  const value = copyExpression(reader, alien["value"], depth + 1);
  return isRule(value) ? value : freeze({ kind: "answer", value });
}

function copyStatement(reader: Reader, alien: unknown, depth: number): Copied<UdfStatement> {
  reader.guilty = reader.statements++;
  const broken = count(reader, depth);
  if (broken !== undefined) return broken;
  if (!isAlien(alien)) return "BadKind";
  switch (alien["kind"]) {
    case "set":
      return copySet(reader, alien, depth);
    case "if":
      return copyIf(reader, alien, depth);
    case "repeat":
      return copyRepeat(reader, alien, depth);
    case "while":
      return copyWhile(reader, alien, depth);
    case "emit":
      return copyEmit(reader, alien, depth);
    case "answer":
      return copyAnswer(reader, alien, depth);
    case "fault":
      return freeze({ kind: "fault" });
    default:
      return "BadKind";
  }
}

function copyList(reader: Reader, alien: unknown, depth: number): Copied<readonly UdfStatement[]> {
  if (!isArray(alien)) return "NotAProgram";
  const length: unknown = alien.length;
  if (!isWithin(length, UDF_TERMS - reader.terms)) return "TooLong";
  const copy: UdfStatement[] = [];
  for (let i = 0; i < length; i++) {
    const statement = copyStatement(reader, alien[i], depth);
    if (isRule(statement)) return statement;
    copy[i] = statement;
  }
  return freeze(copy);
}

/** True when nobody comes to the end of `list` without an answer. */
const ends = (list: readonly UdfStatement[]): boolean =>
  list.some(
    (statement) =>
      statement.kind === "answer" ||
      statement.kind === "fault" ||
      (statement.kind === "if" && ends(statement.body) && ends(statement.otherwise)),
  );

function copyProgram(alien: Alien, wanted: UdfKind | undefined): Udf | Refusal {
  const { kind, locals, body } = alien;
  if (!isOneOf(UDF_KINDS, kind)) return refuse("BadKind", -1);
  if (wanted !== undefined && kind !== wanted) return refuse("BadKind", -1);
  if (!isWithin(locals, UDF_LOCALS)) return refuse("BadLocal", -1);
  const reader: Reader = { kind, locals, terms: 0, statements: 0, guilty: -1, hasWhile: false };
  const list = copyList(reader, body, 1);
  if (isRule(list)) return refuse(list, reader.guilty);
  if (kind !== "owns" && !ends(list)) return refuse("NoAnswer", -1);
  const program: Udf = freeze({ kind, locals, body: list });
  if (!reader.hasWhile && worstSteps(program) > UDF_STEPS) return refuse("TooManySteps", -1);
  return program;
}

/**
 * A checked, deeply frozen copy of an alien program, or why it was refused.
 *
 * A refusal's `term` is the guilty statement's number, counted from 0 in the
 * order of their first lines (`printUdf` shows it). A program of another kind
 * than the one that is wanted is refused: `BadKind`. A program whose longest run
 * the text bounds is refused if that is more than `UDF_STEPS`; one with a
 * `while` ends by a fault when its steps are used up.
 *
 * **Holds** every property is read exactly once, so what was checked is what is
 * kept. Never throws, not even when a getter does. A getter runs its owner's
 * code: call this before looking at any state of your own.
 * **Cost** O(UDF_TERMS * UDF_DEPTH), also for what is endless or part of itself.
 */
export function verifyUdf(program: unknown): Verified<Udf> | Refusal;
export function verifyUdf<K extends UdfKind>(program: unknown, kind: K): Verified<Udf<K>> | Refusal;
export function verifyUdf(program: unknown, kind?: UdfKind): Verified<Udf> | Refusal {
  try {
    if (!isAlien(program)) return refuse("NotAProgram", -1);
    return copyProgram(program, kind) as Verified<Udf> | Refusal;
  } catch {
    return refuse("NotAProgram", -1);
  }
}
