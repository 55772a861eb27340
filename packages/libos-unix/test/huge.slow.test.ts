/** The largest program, in all modes, on one board: what was rewritten once is not rewritten again. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeBoard, type UnixBoard } from "../src/board/unix-board.ts";
import { FOREIGN_CASES } from "./cases.ts";
import { runUnderNodeWasi } from "./node-wasi.ts";
import { program } from "./programs.ts";
import { MANNERS, readable, runHere } from "./run-here.ts";

const HUGE = "esbuild";
const { bytes } = await program(HUGE);
let board: UnixBoard;
beforeAll(() => {
  board = makeBoard({ frames: 65_536, spaces: 1 });
});
afterAll(() => board.close());

for (const given of FOREIGN_CASES.filter((each) => each.program === HUGE))
  for (const [mode, manner] of Object.entries(MANNERS))
    test.skipIf(bytes === undefined)(`${given.title}: ${mode}`, async () => {
      const there = runUnderNodeWasi(bytes as Uint8Array<ArrayBuffer>, given);
      const { result, ...here } = await runHere(bytes as Uint8Array, given, { ...manner, board });
      expect(result.outcome).toEqual({ kind: "exited", code: there.code });
      expect(readable(here)).toEqual(readable(there));
    });
