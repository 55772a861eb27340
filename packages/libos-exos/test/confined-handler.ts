/** Runs a handler in its sandbox, and shows what came of it as `RawHandler` does. */
import {
  HANDLER_OUTCOME,
  firstPiece,
  isHandlerRefusal,
  makeHandler,
  verifyHandler,
} from "@exolith/secure-bind";
import type { HandlerCode } from "../src/index.ts";
import type { RawRun } from "./raw-handler.ts";

const PAGE = 65_536;
const SEGMENT_AT = PAGE;
const MESSAGE_AT = 3 * PAGE + 2;

/** A handler that runs confined, as the kernel has it. */
export interface Confined {
  /** Its segment. */
  readonly segment: Uint8Array;
  run(message: Uint8Array): RawRun;
}

/** The handler of `code` in a sandbox. */
export function confine({ module, fuel, pipes }: HandlerCode): Confined {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const bytes = new Uint8Array(memory.buffer);
  const checked = verifyHandler({ module, fuel, pipes });
  if (isHandlerRefusal(checked)) throw new Error(checked.rule);
  const handler = makeHandler(checked, { memory, base: SEGMENT_AT, bytes: PAGE });
  if (isHandlerRefusal(handler)) throw new Error(handler.rule);
  const sentBy = ({ replies }: typeof handler): Uint8Array[] =>
    Array.from({ length: replies.count }, (_, i) => {
      const pieces: number[] = [];
      for (let piece = firstPiece(replies, i); piece < (replies.ends[i] ?? 0); piece++) {
        const at = replies.addresses[piece] ?? 0;
        pieces.push(...bytes.subarray(at, at + (replies.lengths[piece] ?? 0)));
      }
      return Uint8Array.from(pieces);
    });
  const run = (message: Uint8Array): RawRun => {
    bytes.fill(0, MESSAGE_AT);
    bytes.set(message, MESSAGE_AT);
    const outcome = handler.run(MESSAGE_AT, message.length);
    const result = outcome === HANDLER_OUTCOME.aborted ? undefined : outcome;
    return { result, sent: sentBy(handler), woke: handler.woke() };
  };
  return { segment: bytes.subarray(SEGMENT_AT, SEGMENT_AT + PAGE), run };
}
