/**
 * Headroom: proof that a kernel call has stack to finish on.
 *
 * The kernel runs on its caller's stack. A call must not die between two
 * changes, so it first asks for a frame larger than all of its own: a caller at
 * the end of its stack gets the `RangeError` here, before anything has happened.
 */
import { makeFrame, type Frame } from "./stack-frame.ts";

/** What V8 wants to see free when it compiles a function, which may be any that a call comes to. */
const COMPILER_BYTES = 40 * 1024;
/** What the deepest call takes, with room for it to be several times deeper. */
const CALL_BYTES = 24 * 1024;
/** Stack that a call is sure of. */
export const HEADROOM_BYTES: number = COMPILER_BYTES + CALL_BYTES;

/** Bytes of the smallest frame of `descend`: five arguments, their count, and what any frame has. */
const LEVEL_BYTES = 88;
/** Bytes of the largest one, in an interpreter. */
const LEVEL_BYTES_MAX = 200;

/** Takes at least `levels * LEVEL_BYTES` of stack, in any engine. O(levels). */
export function descend(levels: number, a: number, b: number, c: number, d: number): number {
  return levels === 0 ? a + b + c + d : descend(levels - 1, b, c, d, a + levels) + 1;
}

/** Frames that are held at most to come near the end of the stack: some 6 MiB of it. */
const FRAMES_HELD = 96;
/** Small frames that fill what is then left, and how many of them from one attempt to the next. */
const SMALL_FRAMES = 4000;
const STEP = 8;

/** Runs `then` while a frame is held. */
type Hold = (then: () => void) => void;

/**
 * True when `frame` refuses at the end of the stack, and wherever it does not, `bytes` are free.
 *
 * Goes to the end of the stack with frames that are held, then on with small
 * ones, and back: the first place where `frame` passes must have room. False
 * when that could not be seen, on a stack that is larger than the frames held.
 */
export function isSound(frame: Frame, hold: Hold, bytes: number = HEADROOM_BYTES): boolean {
  const sureLevels = Math.floor(bytes / LEVEL_BYTES_MAX);
  let refusals = 0;
  let passed = false;
  let hasRoom = false;
  const back = (levels: number): void => {
    try {
      if (levels > 0) back(levels - 1);
    } catch {
      // The end of the stack: from here on, back.
    }
    if (passed || levels % STEP !== 0) return;
    try {
      frame(0);
      passed = true;
      descend(sureLevels, 0, 0, 0, 0);
      hasRoom = true;
    } catch {
      if (!passed) refusals += 1;
    }
  };
  const down = (levels: number): void => {
    if (levels === 0) return;
    try {
      hold(() => down(levels - 1));
      if (!passed) back(SMALL_FRAMES);
    } catch {
      // No room for another one: then `frame` does not pass before it is back where the last one was.
    }
  };
  // Once where there is room: what is compiled only now would need more of it than there is down there.
  back(0);
  passed = hasRoom = false;
  down(FRAMES_HELD);
  return refusals > 0 && hasRoom;
}

/** The quick proof of `bytes`, if this engine gives it. */
function quickProof(bytes: number): (() => void) | undefined {
  let held = (): void => {};
  try {
    const frame = makeFrame(bytes, () => held());
    const hold: Hold = (then) => {
      held = then;
      frame(1);
    };
    return isSound(frame, hold, bytes) ? () => frame(0) : undefined;
  } catch {
    return undefined;
  }
}

/** The proof of `bytes` that any engine gives. */
function slowProof(bytes: number): () => void {
  const levels = Math.ceil(bytes / LEVEL_BYTES);
  return () => {
    descend(levels, 0, 0, 0, 0);
  };
}

/** Makes what throws a `RangeError` unless `bytes` of stack are free. O(1), but where it has to be shown by going there. */
export const makeProof = (bytes: number): (() => void) => quickProof(bytes) ?? slowProof(bytes);

/** Throws a `RangeError` unless `HEADROOM_BYTES` of stack are free. */
export const proveHeadroom: () => void = makeProof(HEADROOM_BYTES);
