/** A pipe between two processes of Node, with blocking reads and writes: for a host without a C compiler. */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timed } from "../measure.ts";
import { reasonOf, type Peers } from "./peer.ts";

/** Name of the subject. */
export const NODE_PIPE = "pipe round trip in Node";

/** What the other process runs: an echo, until the pipe ends. */
const ECHO = `
const { openSync, readSync, writeSync } = require("node:fs");
const [there, back] = process.argv.slice(1);
const from = openSync(there, "r");
const to = openSync(back, "w");
const byte = new Uint8Array(1);
while (readSync(from, byte, 0, 1, null) === 1) writeSync(to, byte, 0, 1);
`;

/** Opens both ends of two named pipes; `times` round trips in a round. */
export function nodePipePeer(times: number): Peers {
  const directory = mkdtempSync(join(tmpdir(), "exolith-bench-pipe-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const [there, back] = [join(directory, "there"), join(directory, "back")];
  try {
    execFileSync("mkfifo", [there, back], { stdio: "pipe" });
  } catch (reason) {
    remove();
    return { subjects: [], skipped: [{ name: NODE_PIPE, why: reasonOf(reason) }], close: () => {} };
  }
  const child = spawn(process.execPath, ["-e", ECHO, there, back], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const to = openSync(there, "w");
  const from = openSync(back, "r");
  const byte = new Uint8Array(1);
  const trips = (count: number): void => {
    for (let i = 0; i < count; i++) {
      writeSync(to, byte, 0, 1);
      if (readSync(from, byte, 0, 1, null) !== 1) throw new Error("the other process ended");
    }
  };
  return {
    subjects: [{ name: NODE_PIPE, round: () => timed(trips, times) }],
    skipped: [],
    close: async () => {
      closeSync(to);
      closeSync(from);
      await gone;
      remove();
    },
  };
}
