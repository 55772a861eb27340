/** A handler in a memory of its own, for tests: what it may touch, and all around it. */
import type { Handler } from "../handler/handler.ts";
import { makeHandler } from "../handler/handler.ts";
import type { HandlerProgram } from "../handler/program.ts";
import { firstPiece } from "../handler/reply-list.ts";
import { type HandlerRefusal, isHandlerRefusal, verifyHandler } from "../handler/verify.ts";

const PAGE = 65_536;
const PAGES = 4;
/** Where the segment and the message lie; neither is where a page begins. */
const BASE = 3 * 4096;
const SEGMENT = 2 * PAGE;
const MESSAGE = 3 * PAGE + 77;

/** A placed handler and its memory. */
export interface PlacedHandler {
  readonly handler: Handler;
  /** All of the memory: a pattern before anybody wrote to it. */
  readonly bytes: Uint8Array;
  /** The segment. */
  readonly segment: Uint8Array;
  /** Runs it on a message, which is put there first; what `run` of the handler says. */
  run(message: ArrayLike<number>): number;
  /** Bytes of every message that the last run sent. */
  sent(): number[][];
  /** True when nothing outside the segment and the message is other than it was. */
  isConfined(): boolean;
}

const PATTERN: Uint8Array = Uint8Array.from(
  { length: PAGES * PAGE },
  (_, i) => (i * 7 + (i >> 8) * 13) & 0xff,
);

function sentBy({ replies }: Handler, bytes: Uint8Array): number[][] {
  return Array.from({ length: replies.count }, (_, i) => {
    const message: number[] = [];
    for (let piece = firstPiece(replies, i); piece < (replies.ends[i] ?? 0); piece++) {
      const from = replies.addresses[piece] ?? 0;
      message.push(...bytes.subarray(from, from + (replies.lengths[piece] ?? 0)));
    }
    return message;
  });
}

/** A memory for one handler at a time. Each reserves a large part of the address space. */
export const handlerMemory = (): WebAssembly.Memory => new WebAssembly.Memory({ initial: PAGES });

/** Verifies and places `program`; the refusal when it is refused. */
export function tryHandler(
  program: unknown,
  segmentBytes: number = SEGMENT,
  memory: WebAssembly.Memory = handlerMemory(),
): PlacedHandler | HandlerRefusal {
  const checked = verifyHandler(program);
  if (isHandlerRefusal(checked)) return checked;
  const bytes = new Uint8Array(memory.buffer);
  const before = PATTERN.slice();
  bytes.set(before);
  const handler = makeHandler(checked, { memory, base: BASE, bytes: segmentBytes });
  if (isHandlerRefusal(handler)) return handler;
  const words = new BigUint64Array(memory.buffer);
  const wordsBefore = new BigUint64Array(before.buffer);
  const isSame = (from: number, to: number): boolean => {
    for (let i = from / 8; i < to / 8; i++) if (words[i] !== wordsBefore[i]) return false;
    return true;
  };
  return {
    handler,
    bytes,
    segment: bytes.subarray(BASE, BASE + segmentBytes),
    run: (message) => {
      bytes.set(message, MESSAGE);
      before.set(message, MESSAGE);
      return handler.run(MESSAGE, message.length);
    },
    sent: () => sentBy(handler, bytes),
    isConfined: () => isSame(0, BASE) && isSame(BASE + checked.rewritten.memoryBytes, PAGES * PAGE),
  };
}

/** The same for a program that is known to be right. **Fails** throws when it is refused. */
export function placeHandler(program: HandlerProgram, memory?: WebAssembly.Memory): PlacedHandler {
  const placed = tryHandler(program, SEGMENT, memory);
  if (isHandlerRefusal(placed))
    throw new Error(`handler refused: ${placed.rule} ${placed.module?.what ?? ""}`);
  return placed;
}
