/** The README's example, run as it is printed. */
import { readFileSync } from "node:fs";
import { makeSimulatedMachine } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { ERRORS, capSlot, frame, must, type Gate } from "../src/abi/index.ts";
import { boot, createEnvironment } from "../src/index.ts";

/** The example; the test below keeps it the same as the README's. */
const example = (): readonly unknown[] => {
  const { root } = boot(makeSimulatedMachine({ frames: 64 }));
  const gates: Gate[] = [];
  const program = (gate: Gate) => (gates.push(gate), { sliceBegin: () => {} });
  for (const name of [1, 2]) must(createEnvironment(root, { name: [1, name], grants: [], program }));
  const [alice, bob] = gates as [Gate, Gate];
  const own = capSlot(0);
  must(alice.framesAlloc(frame(7), 1, own));
  must(alice.windowBind(frame(7), 1, true, own)).setU32(0, 42);
  const refused = bob.windowBind(frame(7), 1, true, own);
  return [bob.frames.owner(7) === alice.self, refused];
};

test("the README's example lets one environment have a frame, and not the other", () => {
  expect(example()).toEqual([true, ERRORS.BadCapability]);
});

test("the README prints the example that is run", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const printed = /<!-- example -->\n+```ts\n([^`]*)```/.exec(readme)?.[1] ?? "";
  const lines = printed.split("\n").filter((line) => line !== "" && !/^import |console\.log/.test(line));
  const source = readFileSync(new URL(import.meta.url), "utf8");
  expect(lines.length).toBeGreaterThan(8);
  for (const line of lines) expect(source).toContain(line);
});
