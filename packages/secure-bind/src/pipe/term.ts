/** Pipes: what is done to bytes while they are copied (integrated layer processing, SIGCOMM'96). */

/** Bytes of a unit that is turned round. */
export type SwapBytes = 2 | 4 | 8;

/** One stage of a pipe. Bytes are numbered from the first of the run, wherever it lies in memory. */
export type PipeStage =
  /** The ones' complement sum of the bytes as they are here (RFC 1071); a last odd byte is the high half of a word. */
  | { readonly kind: "checksum" }
  /** Every `bytes` bytes in reverse order; the run has whole units only. */
  | { readonly kind: "swap"; readonly bytes: SwapBytes }
  /** Every byte xor one of `word`'s, again and again, the most significant first. */
  | { readonly kind: "xor"; readonly word: number };

/** A pipe: its stages see the bytes one after another. The empty pipe copies. */
export type Pipe = readonly PipeStage[];

/** What is known of a stage before it runs. */
export interface StageAttributes {
  /** Bytes that it takes at once: a run's length is a multiple of it. */
  readonly unitBytes: 1 | SwapBytes;
  /** Whether bytes leave it other than they came. */
  readonly modifies: boolean;
  /**
   * Whether it may take its units in any order and many at once.
   *
   * All stages may, and the compiler rests on it: a stage that may not is none
   * of this language.
   */
  readonly inAnyOrder: true;
}

/** The ones' complement sum of the bytes as they are at this stage (RFC 1071). Changes nothing. */
export const internetChecksum = (): PipeStage => ({ kind: "checksum" });

/** Turns every `bytes` bytes round. */
export const byteSwap = (bytes: SwapBytes): PipeStage => ({ kind: "swap", bytes });

/** Xors all bytes with those of an unsigned 32-bit `word`, the most significant first. */
export const xorWord = (word: number): PipeStage => ({ kind: "xor", word });

/** The attributes of `stage`. */
export function stageAttributes(stage: PipeStage): StageAttributes {
  switch (stage.kind) {
    case "checksum":
      return { unitBytes: 1, modifies: false, inAnyOrder: true };
    case "swap":
      return { unitBytes: stage.bytes, modifies: true, inAnyOrder: true };
    case "xor":
      return { unitBytes: 1, modifies: stage.word !== 0, inAnyOrder: true };
    default:
      return stage satisfies never;
  }
}

/** Bytes of the largest unit of `pipe`: every run's length is a multiple of it. */
export const pipeUnit = (pipe: Pipe): number =>
  pipe.reduce((most, stage) => Math.max(most, stageAttributes(stage).unitBytes), 1);
