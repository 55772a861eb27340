/** Pipes for people: one stage a line. */
import type { Pipe, PipeStage } from "./term.ts";

/** One stage; no two different stages have the same text. */
export function printStage(stage: PipeStage): string {
  switch (stage.kind) {
    case "checksum":
      return "checksum";
    case "swap":
      return `swap ${stage.bytes}`;
    case "xor":
      return `xor 0x${stage.word.toString(16).padStart(8, "0")}`;
    default:
      return stage satisfies never;
  }
}

/** All stages of `pipe`, one a line; "" copies. */
export const printPipe = (pipe: Pipe): string => pipe.map(printStage).join("\n");
