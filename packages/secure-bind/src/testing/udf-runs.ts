/** Running programs in both ways: for tests of untrusted deterministic functions. */
import { isRefusal } from "../refusal.ts";
import type { Verified } from "../verified.ts";
import { compileUdf } from "../udf/compile.ts";
import { type Extent, makeExtentList, readExtents } from "../udf/extents.ts";
import { interpretUdf } from "../udf/interpret.ts";
import { UDF_STEPS } from "../udf/limits.ts";
import {
  type UdfFaultReason,
  type UdfProgram,
  type UdfRun,
  isUdfFault,
  makeUdfRun,
  udfProgram,
} from "../udf/run.ts";
import type { Udf, UdfKind } from "../udf/term.ts";
import { verifyUdf } from "../udf/verify.ts";
import type { UdfInput } from "./arbitrary-udf.ts";

/** `program`, verified. **Fails** throws when it is refused. */
export function mustVerifyUdf<K extends UdfKind>(program: Udf<K>): Verified<Udf<K>> {
  const result = verifyUdf(program, program.kind);
  if (isRefusal(result)) throw new Error(`program refused: ${result.rule} at statement ${result.term}`);
  return result;
}

/** All that can be seen of a run. */
export interface UdfResult {
  readonly outcome: number | UdfFaultReason;
  readonly steps: number;
  readonly extents: readonly Extent[];
  /** The whole list's words, also behind the last extent. */
  readonly words: readonly number[];
  /** The memory after the run. */
  readonly memory: readonly number[];
}

/** An input of these bytes alone, with room and steps for everything. */
export const inputOf = (block: ArrayLike<number>, more: Partial<UdfInput> = {}): UdfInput => ({
  memory: Uint8Array.from(block),
  at: 0,
  length: block.length,
  proposedAt: 0,
  proposedLength: 0,
  arguments: [],
  room: 64,
  stepLimit: UDF_STEPS,
  ...more,
});

function runOf(input: UdfInput): UdfRun {
  const run = makeUdfRun(makeExtentList(input.room));
  const { at, length, proposedAt, proposedLength, stepLimit } = input;
  Object.assign(run, { at, length, proposedAt, proposedLength, stepLimit });
  run.arguments.set(input.arguments);
  return run;
}

function observe(program: UdfProgram, input: UdfInput, memory: Uint8Array): UdfResult {
  const run = runOf(input);
  const outcome = program(run);
  return {
    outcome: isUdfFault(outcome) ? outcome.reason : outcome,
    steps: run.steps,
    extents: readExtents(run.extents),
    words: [...run.extents.words],
    memory: [...memory.subarray(0, input.memory.length)],
  };
}

/** What the specification says of `program` over `input`. */
export const interpretOver = (program: Udf, input: UdfInput): UdfResult =>
  observe(
    udfProgram(program.kind, (run) => interpretUdf(program, input.memory, run)),
    input,
    input.memory,
  );

/** Compiles `program` once; then runs it over one input after another. */
export function compiledOver(program: Verified<Udf>): (input: UdfInput) => UdfResult {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer);
  const compiled = compileUdf(program).over(memory);
  return (input) => {
    bytes.set(input.memory);
    return observe(compiled, input, bytes);
  };
}
