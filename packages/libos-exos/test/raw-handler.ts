/** Runs a handler that nobody rewrote, with a model of what it imports. */
import { interpretPipe, isRefusal, verifyPipe, type Pipe } from "@exolith/secure-bind";
import { exposeMemory } from "../src/testing/index.ts";

/** Where its messages are: behind its segment of one page. */
export const RAW_MESSAGE_AT = 65_536;

/** What came of a run. */
export interface RawRun {
  /** What `handle` returned; `undefined` when it trapped. */
  readonly result: number | undefined;
  /** The messages that it sent, as they are when it is done. */
  readonly sent: readonly Uint8Array[];
  readonly woke: boolean;
}

/** A handler that runs unconfined in a memory of its own. */
export interface RawHandler {
  /** Its segment, then the message. */
  readonly memory: Uint8Array;
  run(message: Uint8Array): RawRun;
}

type Range = readonly [address: number, length: number];

/** Instantiates `module`, which has one page of memory, with `pipes`. */
export function makeRawHandler(module: Uint8Array, pipes: readonly Pipe[] = []): RawHandler {
  let pieces: Range[] = [];
  let sent: Range[][] = [];
  let woke = false;
  const handler = {
    append: (address: number, length: number) => (pieces.push([address, length]), 0),
    send: () => (sent.push(pieces), (pieces = []), 0),
    wake: () => void (woke = true),
    pipe: (index: number, to: number, from: number, length: number) =>
      runPipe(memory, pipes[index] ?? [], [to, from, length]),
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(exposeMemory(module)), { handler });
  const { buffer } = exports["memory"] as WebAssembly.Memory;
  const memory = new Uint8Array(buffer);
  const handle = exports["handle"] as (address: number, length: number) => number;
  const run = (message: Uint8Array): RawRun => {
    [pieces, sent, woke] = [[], [], false];
    memory.fill(0, RAW_MESSAGE_AT);
    memory.set(message, RAW_MESSAGE_AT);
    const result = attempt(() => handle(RAW_MESSAGE_AT, message.length));
    const bytes = sent.map((ranges) => Uint8Array.from(ranges.flatMap((range) => bytesOf(memory, range))));
    return { result, sent: bytes, woke };
  };
  return { memory, run };
}

function attempt(act: () => number): number | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

const bytesOf = (memory: Uint8Array, [address, length]: Range): number[] => [
  ...memory.subarray(address, address + length),
];

/** The pipe's interpreter, and the sum of its first checksum. */
function runPipe(
  memory: Uint8Array,
  pipe: Pipe,
  [to, from, length]: readonly [number, number, number],
): number {
  const verified = verifyPipe(pipe);
  if (isRefusal(verified)) throw new Error("a pipe that does not verify");
  return interpretPipe(verified, memory, to, from, length)?.[0] ?? 0;
}
