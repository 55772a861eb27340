/**
 * Headroom for a callee: it runs on its caller's stack, and must not be the one that the stack ends for.
 *
 * A transfer proves more than other calls do: enough for the callee's own code,
 * and for the proof that each kernel call of the callee makes in turn.
 */
import { HEADROOM_BYTES, makeProof } from "../gate/headroom.ts";

/** What a callee's own code may take, whatever its caller has left. */
const CODE_BYTES = 32 * 1024;

/** Throws a `RangeError` unless a callee has stack to run on. */
export const proveCalleeHeadroom: () => void = makeProof(HEADROOM_BYTES + CODE_BYTES);
