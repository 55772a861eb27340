/** Copy, checksum and byte swap: one fused pipe beside one pass for each, over the same bytes. */
import {
  byteSwap,
  internetChecksum,
  isRefusal,
  makePipe,
  type CompiledPipe,
  type Pipe,
  type PipeMemory,
  type PipeStage,
  verifyPipe,
} from "@exolith/secure-bind";
import { makePhysicalMemory, type PhysicalMemory } from "@exolith/hw-model";
import { interleaved, timed, type Rounds, type Subject } from "../kernel/measure.ts";
import { sink } from "../kernel/world.ts";

/** Lengths that are measured: a small message, a full segment, a page, and much. */
export const PIPE_LENGTHS: readonly number[] = [64, 1460, 4096, 65_536];

/** One length: medians of nanoseconds for one message, and what fusing leaves of them. */
export interface PipeRow {
  readonly bytes: number;
  readonly fusedNs: number;
  readonly separateNs: number;
  readonly ratio: number;
}

const MEMORY_FRAMES = 64;
const SOURCE = 0;
/** Bytes of the longest message. */
const SOURCE_BYTES = 65_536;
/** Where messages go. */
export const DESTINATION: number = 2 * SOURCE_BYTES;
/** Bytes that one round moves, so that short messages are not timed by the clock's grain. */
const ROUND_BYTES = 8_388_608;
const ROUND_MESSAGES = 50_000;

/** What is measured: a copy, a sum of what was copied, and words turned round. */
export const STAGES: readonly PipeStage[] = [internetChecksum(), byteSwap(4)];

function compose(pipe: Pipe, memory: PipeMemory): CompiledPipe {
  const verified = verifyPipe(pipe);
  if (isRefusal(verified)) throw new Error(`pipe refused: ${verified.rule}`);
  return makePipe(verified, memory);
}

/** What takes a message from the source to the destination; its sum. */
export type Mover = (bytes: number) => number;

/** All stages in one pass. */
export function makeFused(stages: Pipe, memory: PipeMemory): Mover {
  const { run } = compose(stages, memory);
  return (bytes) => run(DESTINATION, SOURCE, bytes);
}

/** The engine's copy, then one pass in place for each stage, made by the same compiler; the first stage's sum. */
export function makeSeparate(stages: Pipe, memory: PipeMemory): Mover {
  const copy = compose([], memory).run;
  const passes = stages.map((stage) => compose([stage], memory).run);
  const [first, ...others] = passes;
  return (bytes) => {
    copy(DESTINATION, SOURCE, bytes);
    const sum = first?.(DESTINATION, DESTINATION, bytes) ?? 0;
    for (const pass of others) pass(DESTINATION, DESTINATION, bytes);
    return sum;
  };
}

/** Physical memory of a small machine, with arbitrary bytes at the source. */
export function makePipeMemory(): PhysicalMemory {
  const memory = makePhysicalMemory(MEMORY_FRAMES);
  for (let i = 0, state = 1; i < SOURCE_BYTES; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    memory.bytes[SOURCE + i] = state >>> 24;
  }
  return memory;
}

function subject(name: string, move: Mover, bytes: number): Subject {
  const times = Math.min(ROUND_MESSAGES, Math.ceil(ROUND_BYTES / bytes));
  const run = (count: number): void => {
    for (let i = 0; i < count; i++) sink.value += move(bytes);
  };
  return { name, round: () => timed(run, times) };
}

/** Measures every length of `lengths`, fused and separate in turn. */
export async function measurePipes(
  rounds: Rounds,
  say: (line: string) => void = () => {},
  lengths: readonly number[] = PIPE_LENGTHS,
): Promise<readonly PipeRow[]> {
  const memory = makePipeMemory().wasm;
  const fused = makeFused(STAGES, memory);
  const separate = makeSeparate(STAGES, memory);
  const subjects = lengths.flatMap((bytes) => [
    subject(`fused ${bytes}`, fused, bytes),
    subject(`separate ${bytes}`, separate, bytes),
  ]);
  const figures = await interleaved(subjects, rounds, say);
  return lengths.map((bytes) => {
    const fusedNs = figures.get(`fused ${bytes}`)?.median ?? Number.NaN;
    const separateNs = figures.get(`separate ${bytes}`)?.median ?? Number.NaN;
    return { bytes, fusedNs, separateNs, ratio: fusedNs / separateNs };
  });
}
