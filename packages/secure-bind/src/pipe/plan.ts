/** A pipe in the fewest steps that do the same. */
import { type Pipe, type PipeStage, stageAttributes } from "./term.ts";

/**
 * One step of a plan.
 *
 * Whatever stands between two checksums is one `map`: byte `i` becomes byte
 * `i ^ turn` xor byte `i % 4` of `mask`, its lowest first. Turning units round
 * is to xor an index, and the mask repeats after any of it, so stages of both
 * kinds combine in any number and order.
 */
export type PipeStep =
  | { readonly kind: "map"; readonly turn: number; readonly mask: number }
  /** One sum, that of all these stages: nothing changed in between. */
  | { readonly kind: "sum"; readonly stages: readonly number[] };

/** The 32-bit word whose bytes are those of `word` at their indices xor `turn`. */
function turnWord(word: number, turn: number): number {
  let turned = word;
  if ((turn & 1) !== 0) turned = ((turned & 0x00ff_00ff) << 8) | ((turned >>> 8) & 0x00ff_00ff);
  if ((turn & 2) !== 0) turned = (turned << 16) | (turned >>> 16);
  return turned >>> 0;
}

/** `word` with its bytes in memory's order, the most significant lowest. */
const inMemory = (word: number): number => turnWord(word, 3);

interface ByteMap {
  readonly turn: number;
  readonly mask: number;
}

const NOTHING: ByteMap = { turn: 0, mask: 0 };

/** A map, and then `stage`. */
function extend({ turn, mask }: ByteMap, stage: PipeStage): ByteMap {
  if (stage.kind === "swap") return { turn: turn ^ (stage.bytes - 1), mask: turnWord(mask, stage.bytes - 1) };
  return stage.kind === "xor" ? { turn, mask: (mask ^ inMemory(stage.word)) >>> 0 } : { turn, mask };
}

/** The steps of `pipe`: none when it only copies. */
export function planPipe(pipe: Pipe): readonly PipeStep[] {
  const steps: PipeStep[] = [];
  let map = NOTHING;
  const settle = (): void => {
    if (map.turn !== 0 || map.mask !== 0) steps.push({ kind: "map", ...map });
    map = NOTHING;
  };
  for (const [i, stage] of pipe.entries()) {
    if (stageAttributes(stage).modifies) map = extend(map, stage);
    if (stage.kind !== "checksum") continue;
    settle();
    const last = steps.at(-1);
    if (last?.kind === "sum") steps[steps.length - 1] = { kind: "sum", stages: [...last.stages, i] };
    else steps.push({ kind: "sum", stages: [i] });
  }
  settle();
  return steps;
}
