/** What the sandbox costs: a handler as the kernel runs it beside its module as it was written. */
import { makePhysicalMemory } from "@exolith/hw-model";
import { HANDLER_CODE, type HandlerName } from "@exolith/libos-exos";
import { exposeMemory } from "@exolith/libos-exos/testing";
import {
  HANDLER_MODULE,
  HANDLER_OUTCOME,
  isHandlerRefusal,
  isRefusal,
  makeHandler,
  makePipe,
  verifyHandler,
  verifyPipe,
} from "@exolith/secure-bind";
import type { Operation } from "../kernel/world.ts";
import { HEADER_BYTES, udpFrame } from "./frames.ts";

/** A handler and the length of the frames it is given. */
export interface SandboxPair {
  readonly what: string;
  readonly bytes: number;
  readonly confined: Operation;
  readonly raw: Operation;
  /** Fuel of one run. */
  readonly fuel: number;
}

const PAGE_BYTES = 65_536;
const SEGMENT_AT = PAGE_BYTES;
const MESSAGE_AT = 4 * PAGE_BYTES;
const FRAMES = 128;

const CASES: readonly (readonly [HandlerName, number])[] = [
  ["udpEcho", 60],
  ["remoteIncrement", 60],
  ["remoteIncrement", 1460],
  ["deliverTo", 1460],
];

/** In its sandbox; and what a run takes of its fuel. */
function confined(name: HandlerName, frame: Uint8Array): { run: () => number; fuel: number } {
  const memory = makePhysicalMemory(FRAMES);
  const checked = verifyHandler(HANDLER_CODE[name]);
  if (isHandlerRefusal(checked)) throw new Error(`${name}: ${checked.rule}`);
  const handler = makeHandler(checked, { memory: memory.wasm, base: SEGMENT_AT, bytes: PAGE_BYTES });
  if (isHandlerRefusal(handler)) throw new Error(`${name}: ${handler.rule}`);
  memory.bytes.set(frame, MESSAGE_AT);
  const run = (): number => handler.run(MESSAGE_AT, frame.length);
  run();
  return { run, fuel: handler.used() };
}

/** Unconfined, in a memory of its own; what it imports notes nothing, but pipes are pipes. */
function raw(name: HandlerName, frame: Uint8Array): () => number {
  const { module, pipes = [] } = HANDLER_CODE[name];
  const compiled = new WebAssembly.Module(exposeMemory(module));
  const made: ReturnType<typeof makePipe>[] = [];
  const { exports } = new WebAssembly.Instance(compiled, {
    [HANDLER_MODULE]: {
      append: () => 0,
      send: () => 0,
      wake: () => {},
      pipe: (index: number, to: number, from: number, length: number) =>
        made[index]?.run(to, from, length) ?? -1,
    },
  });
  const memory = exports["memory"] as WebAssembly.Memory;
  for (const pipe of pipes) {
    const verified = verifyPipe(pipe);
    if (!isRefusal(verified)) made.push(makePipe(verified, memory));
  }
  new Uint8Array(memory.buffer).set(frame, PAGE_BYTES);
  const handle = exports["handle"] as (address: number, length: number) => number;
  return () => handle(PAGE_BYTES, frame.length);
}

const operation = (name: string, once: () => number): Operation => ({
  name,
  run: (times) => {
    let consumed = 0;
    for (let i = 0; i < times; i++) consumed += once();
    if (consumed !== times * HANDLER_OUTCOME.consumed) throw new Error(`${name}: a frame was not consumed`);
  },
});

/** Every case, both ways. */
export const sandboxPairs = (): readonly SandboxPair[] =>
  CASES.map(([name, bytes]) => {
    const frame = udpFrame(bytes - HEADER_BYTES);
    const { run, fuel } = confined(name, frame);
    return {
      what: name,
      bytes,
      fuel,
      confined: operation(`${name} of ${bytes} bytes in its sandbox`, run),
      raw: operation(`${name} of ${bytes} bytes as written`, raw(name, frame)),
    };
  });
