/** Arbitrary untrusted deterministic functions and their inputs, for property tests with fast-check. */
import * as fc from "fast-check";
import { UDF_ARGUMENTS } from "../udf/limits.ts";
import {
  UDF_KINDS,
  UDF_OPERATORS,
  UDF_ORDERS,
  type Udf,
  type UdfExpression,
  type UdfKind,
  type UdfOperator,
  type UdfStatement,
  answer,
  argument,
  binary,
  emit,
  fault,
  ifElse,
  length,
  load,
  loadProposed,
  local,
  repeat,
  set,
  whileLoop,
} from "../udf/term.ts";

/** Locals of every arbitrary program. */
const LOCALS = 4;
/** Bytes of the longest arbitrary block: loads inside it are as frequent as loads beyond. */
const BYTES = 24;

/** Words near every edge of the unsigned numbers, of the signed ones and of a block. */
const edgyWord = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 9 }) },
    { weight: 2, arbitrary: fc.integer({ min: BYTES - 5, max: BYTES + 1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 30, max: 33 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0x7fff_fffe, max: 0x8000_0001 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0xffff_fffd, max: 0xffff_ffff }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff_ffff }) },
  );

const index = (): fc.Arbitrary<number> => fc.integer({ min: 0, max: LOCALS - 1 });

/** A place in the block that is mostly inside, whatever a local has come to be. */
const nearby = (): fc.Arbitrary<UdfExpression> =>
  fc
    .tuple(index(), fc.constantFrom(3, 7, 15), fc.integer({ min: 0, max: 8 }))
    .map(([i, mask, more]) => binary("add", binary("and", local(i), mask), more));

function leaf(kind: UdfKind): fc.Arbitrary<UdfExpression> {
  const leaves: fc.WeightedArbitrary<UdfExpression>[] = [
    { weight: 4, arbitrary: edgyWord().map((value) => ({ kind: "constant", value })) },
    { weight: 4, arbitrary: index().map(local) },
    { weight: 1, arbitrary: fc.constant(length()) },
  ];
  const places = fc.integer({ min: 0, max: UDF_ARGUMENTS - 1 });
  if (kind === "acl")
    leaves.push(
      { weight: 3, arbitrary: places.map(argument) },
      { weight: 1, arbitrary: fc.constant(length("proposed")) },
    );
  return fc.oneof(...leaves);
}

/** The right operand, made odd when something is divided by it. */
const divisor = (operator: UdfOperator, right: UdfExpression): UdfExpression =>
  operator === "divide" || operator === "remainder" ? binary("or", right, 1) : right;

/** Expressions of at most `depth` further levels, as a program of `kind` may have them. */
export function arbitraryUdfExpression(kind: UdfKind, depth: number): fc.Arbitrary<UdfExpression> {
  if (depth === 0) return leaf(kind);
  const inner = arbitraryUdfExpression(kind, depth - 1);
  const place = fc.oneof({ weight: 3, arbitrary: nearby() }, { weight: 1, arbitrary: inner });
  const width = fc.constantFrom<1 | 2 | 4>(1, 2, 4);
  const order = fc.constantFrom(...UDF_ORDERS);
  const isProposed = kind === "acl" ? fc.boolean() : fc.constant(false);
  return fc.oneof(
    { weight: 3, arbitrary: leaf(kind) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(width, place, order, isProposed)
        .map(([bytes, at, first, proposed]) =>
          (proposed ? loadProposed : load)(bytes, at, bytes === 1 ? "big" : first),
        ),
    },
    {
      weight: 5,
      arbitrary: fc
        .tuple(fc.constantFrom(...UDF_OPERATORS), inner, inner, fc.nat(3))
        .map(([operator, left, right, rare]) =>
          binary(operator, left, rare > 0 ? divisor(operator, right) : right),
        ),
    },
  );
}

/** Small numbers of blocks and types mostly, so that extents touch and overlap. */
const small = (kind: UdfKind): fc.Arbitrary<UdfExpression> =>
  arbitraryUdfExpression(kind, 1).chain((value) =>
    fc.constantFrom(
      value,
      binary("and", value, 1),
      binary("and", value, 3),
      binary("and", value, 7),
      binary("and", value, 15),
    ),
  );

/** A first block, sometimes so high that the blocks after it do not exist. */
const first = (): fc.Arbitrary<UdfExpression> =>
  fc.oneof(
    { weight: 4, arbitrary: small("owns") },
    { weight: 1, arbitrary: small("owns").map((value) => binary("subtract", 0xffff_fffe, value)) },
  );

/** How a program of `kind` says something: an extent, or its answer. */
const saying = (kind: UdfKind): fc.Arbitrary<UdfStatement> =>
  kind === "owns"
    ? fc.tuple(first(), small(kind), small(kind)).map(([a, b, c]) => emit(a, b, c))
    : (kind === "acl" ? small(kind) : arbitraryUdfExpression(kind, 2)).map(answer);

function simple(kind: UdfKind): fc.Arbitrary<UdfStatement> {
  return fc.oneof(
    {
      weight: 20,
      arbitrary: fc.tuple(index(), arbitraryUdfExpression(kind, 2)).map(([i, e]) => set(i, e)),
    },
    { weight: kind === "owns" ? 30 : 2, arbitrary: saying(kind) },
    { weight: 1, arbitrary: fc.constant(fault()) },
  );
}

/** Loops that mostly end: every turn makes the local grow that the test is about. */
const loop = (
  value: fc.Arbitrary<UdfExpression>,
  list: fc.Arbitrary<readonly UdfStatement[]>,
): fc.Arbitrary<UdfStatement> =>
  fc.tuple(index(), fc.nat(20), fc.nat(7), value, list).map(([i, most, rare, other, body]) => {
    const test = rare > 0 ? binary("less", local(i), most) : other;
    return whileLoop(test, [...body, set(i, binary("add", local(i), 1))]);
  });

function statement(kind: UdfKind, depth: number): fc.Arbitrary<UdfStatement> {
  if (depth === 0) return simple(kind);
  const list = fc.array(statement(kind, depth - 1), { maxLength: 3 });
  const value = arbitraryUdfExpression(kind, 1);
  return fc.oneof(
    { weight: 4, arbitrary: simple(kind) },
    {
      weight: 2,
      arbitrary: fc.tuple(value, list, list).map(([test, body, other]) => ifElse(test, body, other)),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(index(), value, fc.constantFrom(1, 2, 5, 12), list)
        .map(([i, turns, limit, body]) => repeat(i, turns, limit, body)),
    },
    {
      weight: 1,
      arbitrary: loop(value, list),
    },
  );
}

/** Programs of some kind that the verifier takes. */
export const arbitraryUdf = (): fc.Arbitrary<Udf> =>
  fc
    .constantFrom(...UDF_KINDS)
    .chain((kind) =>
      fc
        .tuple(fc.array(statement(kind, 2), { minLength: 1, maxLength: 4 }), saying(kind))
        .map(([body, last]) => ({ kind, locals: LOCALS, body: [...body, last] })),
    );

/** What a program is run over: bytes somewhere in a memory, and words. */
export interface UdfInput {
  readonly memory: Uint8Array;
  readonly at: number;
  readonly length: number;
  readonly proposedAt: number;
  readonly proposedLength: number;
  readonly arguments: readonly number[];
  /** Extents that the list takes. */
  readonly room: number;
  readonly stepLimit: number;
}

const octet = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 4 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
  );

const byteCount = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(BYTES) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: BYTES }) },
  );

/** Inputs of at most 24 bytes twice, with bytes before, between and behind that no program may see. */
export const arbitraryUdfInput = (): fc.Arbitrary<UdfInput> =>
  fc
    .record({
      bytes: fc.array(octet(), { minLength: 64, maxLength: 64 }),
      at: fc.integer({ min: 0, max: 7 }),
      length: byteCount(),
      proposedLength: byteCount(),
      words: fc.array(edgyWord(), { minLength: UDF_ARGUMENTS, maxLength: UDF_ARGUMENTS }),
      room: fc.oneof({ weight: 2, arbitrary: fc.constant(64) }, { weight: 1, arbitrary: fc.nat(5) }),
      stepLimit: fc.oneof({ weight: 3, arbitrary: fc.constant(2000) }, { weight: 1, arbitrary: fc.nat(100) }),
    })
    .map(({ bytes, words, proposedLength, ...rest }) => ({
      ...rest,
      memory: Uint8Array.from(bytes),
      arguments: words,
      proposedAt: rest.at + rest.length + 1,
      proposedLength,
    }));
