/** A program run as anybody would run it: `runWasi`, on a board that stays. */
import { makeBoard, startWasi, type RunOptions, type UnixBoard } from "@exolith/libos-unix/board";
import type { Given } from "./libos.ts";
import { MODES, type Mode } from "./rewritten.ts";
import { collector, type Run, type Way } from "./runner.ts";

/** Frames of 4 KiB that a program may have, and frames of the board for them and what saves its calls. */
export const FRAMES = 6144;
const BOARD_FRAMES = FRAMES + 256;

/** A board for one program at a time. */
export const benchBoard = (): UnixBoard => makeBoard({ frames: BOARD_FRAMES, spaces: 1 });

/** What `runWasi` is told of a mode. */
export const optionsOf = ({ mode, pageBits }: Mode): Pick<RunOptions, "mode" | "pageBytes" | "limits"> => ({
  mode,
  pageBytes: pageBits === 16 ? 65_536 : 4096,
  limits: { frames: FRAMES },
});

/** Nanoseconds of processor time since `begun`. */
export function processorSince(begun: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begun);
  return (user + system) * 1000;
}

async function runOnce(board: UnixBoard, mode: Mode, bytes: Uint8Array, given: Given): Promise<Run> {
  const { add, text } = collector();
  const begun = process.cpuUsage();
  const { outcome, exitCode } = await startWasi(bytes, {
    ...optionsOf(mode),
    board,
    args: ["program", ...(given.args ?? [])],
    mounts: given.files === undefined ? {} : { "/": given.files },
    stdout: given.output ?? add,
  }).result;
  const nanoseconds = processorSince(begun);
  if (exitCode !== 0) throw new Error(`a program ended with ${JSON.stringify(outcome)}`);
  return { nanoseconds, output: text() };
}

/** On boards of `boards`, in every mode; the start of the program is included. */
export const onBoard = (board: UnixBoard): readonly Way[] =>
  MODES.map((mode) => ({
    name: mode.name,
    prepare: (bytes) => ({ run: (given) => runOnce(board, mode, bytes, given) }),
  }));
