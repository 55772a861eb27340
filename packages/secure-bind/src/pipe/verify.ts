/** The verifier of pipes: copies, checks and freezes. */
import { type Refusal, type RefusalRule, refuse } from "../refusal.ts";
import type { Verified } from "../verified.ts";
import type { Pipe, PipeStage, SwapBytes } from "./term.ts";

const { freeze } = Object;
const { isArray } = Array;

/** Stages of the longest pipe. */
export const PIPE_STAGES = 8;

type Alien = { readonly [name: string]: unknown };

/** True for an unsigned 32-bit number; negative zero is none. */
const isWord = (value: unknown): value is number =>
  typeof value === "number" && value >>> 0 === value && !Object.is(value, -0);

const isSwapBytes = (value: unknown): value is SwapBytes => value === 2 || value === 4 || value === 8;

function copyStage(stage: unknown): PipeStage | RefusalRule {
  if (typeof stage !== "object" || stage === null) return "BadKind";
  switch ((stage as Alien)["kind"]) {
    case "checksum":
      return freeze({ kind: "checksum" });
    case "swap": {
      const { bytes } = stage as Alien;
      return isSwapBytes(bytes) ? freeze({ kind: "swap", bytes }) : "BadWidth";
    }
    case "xor": {
      const { word } = stage as Alien;
      return isWord(word) ? freeze({ kind: "xor", word }) : "BadValue";
    }
    default:
      return "BadKind";
  }
}

function copyStages(pipe: readonly unknown[]): Pipe | Refusal {
  const length: unknown = pipe.length;
  if (!isWord(length) || length > PIPE_STAGES) return refuse("TooLong", -1);
  const copy: PipeStage[] = [];
  for (let i = 0; i < length; i++) {
    const stage = copyStage(pipe[i]);
    if (typeof stage === "string") return refuse(stage, i);
    copy[i] = stage;
  }
  return freeze(copy);
}

/**
 * A checked, deeply frozen copy of an alien pipe, or why it was refused.
 *
 * **Holds** every property is read exactly once, so what was checked is what is
 * kept. Never throws, not even when a getter does. A getter runs its owner's
 * code: call this before looking at any state of your own.
 * **Cost** O(PIPE_STAGES).
 */
export function verifyPipe(pipe: unknown): Verified<Pipe> | Refusal {
  try {
    return isArray(pipe) ? (copyStages(pipe) as Verified<Pipe> | Refusal) : refuse("NotAProgram", -1);
  } catch {
    return refuse("NotAProgram", -1);
  }
}
