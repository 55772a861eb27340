/** A module of fifty megabytes: rewritten in bounded time, and run; or refused by name. */
import { expect, test } from "vitest";
import { EXIT, instantiateProgram, isModuleRefusal, rewriteProgram } from "../../src/index.ts";
import { buildModule } from "../../src/testing/sandbox.ts";
import { CopiedSpace } from "./copied-space.ts";

const FUNCTIONS = 3_400;
const STEPS = 1_000;
/** Functions that call one another. */
const CHAIN = 50;
const MEGABYTE = 1_000_000;

/** Functions that each call the one before, with loads, blocks and loops. */
const large = buildModule((m) => {
  m.memory({ minimum: 1 });
  const first = m.function(["i32"], ["i32"]);
  first.get(0).i32(1).op("i32.add");
  for (let i = 1; i < FUNCTIONS; i++) {
    const f = m.function(["i32"], ["i32"]);
    for (let step = 0; step < STEPS; step++) {
      f.get(0)
        .memory("i32.load8_u", step)
        .get(0)
        .i32(step)
        .ops("i32.add", "i32.xor")
        .i32(0xff)
        .op("i32.and")
        .set(0);
      if (step % 100 === 0) f.open("loop").get(0).i32(0x1000).op("i32.and").op("br_if", 0).end();
    }
    if (i % CHAIN !== 0)
      f.get(0)
        .op("call", first.index + i - 1)
        .set(0);
    f.get(0);
  }
  m.export("f", "function", FUNCTIONS - 1);
});

test("fifty megabytes of code are rewritten, and run", () => {
  expect(large.length).toBeGreaterThan(50 * MEGABYTE);
  const start = performance.now();
  const rewritten = rewriteProgram(large, { mode: "segment" });
  const seconds = (performance.now() - start) / 1_000;
  if (isModuleRefusal(rewritten)) throw new Error(rewritten.what);
  console.log(
    `${(large.length / MEGABYTE / seconds).toFixed(1)} MB/s, ${rewritten.bytes.length / large.length} times as large`,
  );
  const space = new CopiedSpace("segment", 1);
  let turns = 0;
  const refill = (): number => (turns++ % 2 === 0 ? 0 : 500);
  const program = instantiateProgram(rewritten, { ...space.place(0), refill });
  if (isModuleRefusal(program)) throw new Error(program.what);
  program.initialise();
  let exit = program.enter("f", 8);
  while (exit === EXIT.suspended) exit = program.resume();
  expect([exit, program.thrown()]).toEqual([EXIT.returned, undefined]);
  expect(turns).toBeGreaterThan(CHAIN);
});

test("when it would become too large it is refused by name", () => {
  const rewritten = rewriteProgram(large, { mode: "paged", limits: { rewrittenBytes: 64 << 20 } });
  expect(rewritten).toMatchObject({ rule: "TooLarge", what: "rewrittenBytes" });
  expect(rewriteProgram(large, { mode: "segment", limits: { bytes: 50 << 20 } })).toMatchObject({
    rule: "TooLarge",
    what: "bytes",
  });
});
