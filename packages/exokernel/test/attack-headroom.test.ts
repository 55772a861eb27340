/** Whoever calls at the very end of the stack, in whatever state the engine's compilers are. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { attackAll, climb } from "./headroom-attack.ts";
import { HEADROOM_BYTES, descend, isSound, proveHeadroom } from "../src/gate/headroom.ts";
import { makeFrame } from "../src/gate/stack-frame.ts";

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL("./headroom-child.ts", import.meta.url));

test("every call at the end of the stack is refused with nothing changed, or made whole", () => {
  expect(attackAll()).toEqual({});
});

/** Everything is run for the first time in each of them, so that what is not compiled yet is compiled there. */
const ENGINES: readonly (readonly [string, readonly string[]])[] = [
  ["interpreted", ["--no-opt", "--no-maglev", "--no-sparkplug"]],
  ["compiled without optimisation", ["--always-sparkplug", "--no-opt", "--no-maglev", "--liftoff-only"]],
  [
    "optimised at once",
    ["--no-liftoff", "--invocation-count-for-maglev=1", "--invocation-count-for-turbofan=2"],
  ],
  ["throwing compiled code away", ["--expose-gc", "--stress-flush-code"]],
  ["with a small stack", ["--stack-size=400"]],
  ["with a stack whose end is too far to try the quick proof", ["--stack-size=7800"]],
];

describe.concurrent("the same in an engine", () => {
  test.each(ENGINES)("%s", async (_, flags) => {
    const { stdout } = await run(process.execPath, ["--conditions=@exolith/source", ...flags, CHILD]);
    expect(JSON.parse(stdout)).toEqual({});
  });
});

describe("the proof", () => {
  /** Levels of small frames that are free; the first call compiles what is needed. */
  const levels = Math.floor(HEADROOM_BYTES / 200);
  const hasRoom = (): boolean => {
    try {
      descend(levels, 0, 0, 0, 0);
      return true;
    } catch {
      return false;
    }
  };

  test("refuses at the end of the stack, and where it does not there is room", () => {
    expect(hasRoom()).toBe(true);
    let found = false;
    const { refusals } = climb(() => {
      proveHeadroom();
      found = hasRoom();
    });
    expect(refusals).toBeGreaterThan(0);
    expect(found).toBe(true);
  });

  test("is not taken from a frame that never refuses, always does, or is smaller than it says", () => {
    const held: { run: () => void } = { run: () => {} };
    const real = makeFrame(HEADROOM_BYTES, () => held.run());
    const small = makeFrame(HEADROOM_BYTES / 8, () => {});
    const hold = (then: () => void): void => {
      held.run = then;
      real(1);
    };
    expect(isSound(real, hold)).toBe(true);
    expect(isSound(() => {}, hold)).toBe(false);
    expect(isSound(small, hold)).toBe(false);
    const never = (): never => {
      throw new RangeError("never");
    };
    expect(isSound(never, hold)).toBe(false);
    expect(isSound(real, (then) => then())).toBe(false);
  });
});
