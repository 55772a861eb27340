import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PIPE_MEMORY_BYTES, arbitraryPipe, arbitraryRun, mustVerifyPipe } from "../testing/arbitrary-pipe.ts";
import { runBoth } from "../testing/pipe-runs.ts";
import { makePipe } from "./compile.ts";

const PIPES = 20_000;
const RUNS = 64;

test("a compiled pipe does what its interpreter does, over a million times", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer, 0, PIPE_MEMORY_BYTES);
  const cases = arbitraryPipe().chain((pipe) =>
    fc.record({
      pipe: fc.constant(pipe),
      runs: fc.array(arbitraryRun(pipe), { minLength: RUNS, maxLength: RUNS }),
      seed: fc.uint8Array({ minLength: 64, maxLength: 257 }),
    }),
  );
  let compared = 0;
  fc.assert(
    fc.property(cases, ({ pipe, runs, seed }) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = seed[i % seed.length] ?? 0;
      const compiled = makePipe(mustVerifyPipe(pipe), memory);
      for (const run of runs) {
        const difference = runBoth(pipe, compiled, bytes, run);
        if (difference !== undefined) expect.fail(difference);
        compared++;
      }
    }),
    { numRuns: PIPES },
  );
  expect(compared).toBe(PIPES * RUNS);
});
