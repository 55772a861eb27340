/** The README's example, run as it is printed. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cycles, makePcapCapture, makePhysicalGather, makeSimulatedPair, tracedNic } from "../src/index.ts";

/** The example; the test below keeps it the same as the README's. */
const example = () => {
  const capture = makePcapCapture({ hertz: 3e9 });
  const { left, right } = makeSimulatedPair({
    seed: 7,
    wire: { bitsPerSecond: 1e9, delaySeconds: 0.001, faults: { loss: 0.02 } },
    left: { frames: 16, wrapNic: (nic) => tracedNic(nic, capture) },
    right: { frames: 16 },
  });
  const gather = makePhysicalGather(1);
  gather.lengths[0] = gather.length = 60;
  gather.count = 1;
  left.nics[0]?.transmit(left.clock, left.memory.bytes, gather);
  left.nics[0]?.flush(left.clock.now());
  right.clock.advance(right.nics[0]?.wakeAt(cycles(0)) ?? cycles(0));
  const length = right.nics[0]?.receive(right.clock.now(), right.memory.bytes, 0);
  return { capture, length, arrived: right.clock.now() };
};

test("the README's example carries a frame over the wire and captures it", () => {
  const { capture, length, arrived } = example();
  expect(length).toBe(60);
  expect(arrived).toBe(3e9 * (0.001 + (84 * 8) / 1e9));
  expect(capture.bytes()).toHaveLength(24 + 16 + 60);
});

test("the README prints the example that is run", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const printed = /<!-- example -->\n+```ts\n([^`]*)```/.exec(readme)?.[1] ?? "";
  const [imports = "", ...lines] = printed
    .trim()
    .split("\n")
    .filter((line) => line !== "");
  expect(imports).toContain('from "@exolith/hw-model"');
  const source = readFileSync(new URL(import.meta.url), "utf8");
  for (const line of lines) expect(source).toContain(line);
});
