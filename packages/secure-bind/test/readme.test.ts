/** The README's example, run; and it must be the one that the README shows. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isRefusal, makeDemultiplexer, tcpTo, verifyFilter } from "../src/index.ts";
import { ipv4Packet } from "../src/testing/index.ts";

test("the example in the README compiles a filter set and classifies a packet", () => {
  const frame = ipv4Packet({ port: 443, options: 4 });

  const demultiplexer = makeDemultiplexer();
  for (const port of [80, 443]) {
    const filter = verifyFilter(tcpTo({ destination: 0x0a000002, port }));
    if (!isRefusal(filter)) demultiplexer.insert(filter, port);
  }
  const tag = demultiplexer.classify(frame, 0, frame.length);

  expect(tag).toBe(443);
});

test("the README shows that example", () => {
  const here = readFileSync(new URL(import.meta.url), "utf8");
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const lines = example.split("\n").filter((line) => line !== "" && !line.startsWith("import "));
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) expect(here).toContain(line.split(" //")[0]);
});
