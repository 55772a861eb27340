/**
 * Headroom for a callee: it runs on its caller's stack, and must not be the one that the stack ends for.
 *
 * Entering a callee proves more than other calls do: enough for the callee's own
 * code, and for what its calls prove in turn, but for one of them: that there is
 * room for a callee of the callee's. That would take a stack that is larger with
 * every level. So whoever is in nobody's transfer has its `RangeError` for want
 * of that room, and a callee a refusal, which it can expect as of any depth.
 */
import { HEADROOM_BYTES, makeProof } from "../gate/headroom.ts";

/** What a callee's own code may take, whatever its caller has left. */
const CODE_BYTES = 32 * 1024;

/** Throws a `RangeError` unless a callee has stack to run on. */
export const proveCalleeHeadroom: () => void = makeProof(HEADROOM_BYTES + CODE_BYTES);

/** True when a callee has stack to run on. */
export function hasCalleeHeadroom(): boolean {
  try {
    proveCalleeHeadroom();
    return true;
  } catch {
    return false;
  }
}
