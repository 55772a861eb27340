/** The README's examples, run; and they must be the ones that the README shows. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "../src/index.ts";
import {
  OwnershipCheck,
  compileUdf,
  inVlan,
  instantiateModule,
  isModuleRefusal,
  isRefusal,
  makeClassifier,
  makeDemultiplexer,
  makeModuleBuilder,
  makeUdfRun,
  ownedExtents,
  parseIpv4,
  readExtents,
  rewriteModule,
  tcpTo,
  udf,
  verifyFilter,
  verifyUdf,
} from "../src/index.ts";
import { ipv4Packet, ipv6Packet, tagged } from "../src/testing/index.ts";

test("the first example classifies a packet in three lines", () => {
  const frame = ipv6Packet({ port: 443 });

  const classify = makeClassifier({ web: "tcp port 80 or 443", names: "udp port 53", rest: "ip or ip6" });
  const name = classify(frame);

  expect(name).toBe("web");
  expect(classify(ipv4Packet({ protocol: 17, port: 53 }))).toBe("names");
  expect(classify(ipv4Packet({ port: 22 }))).toBe("rest");
  expect(classify(new Uint8Array(60))).toBeUndefined();
});

test("the second example verifies filters, asks whom they would rob, and classifies a packet", () => {
  const inside = tagged(ipv4Packet({ port: 443, options: 4 }), 5);

  const demultiplexer = makeDemultiplexer();
  const destination = parseIpv4("10.0.0.2");
  for (const port of [80, 443]) {
    const verified = verifyFilter(inVlan(5, tcpTo({ destination, port, fragments: true })));
    if (isRefusal(verified)) throw new Error(`${verified.rule} at term ${verified.term}`);
    const robbed = demultiplexer.lessSpecific(verified);
    if (robbed.length === 0) demultiplexer.insert(verified, port);
  }
  const tag = demultiplexer.classify(inside, 0, inside.length);

  expect(tag).toBe(443);
});

/** A module with a function that multiplies. */
function someModule(): Uint8Array {
  const builder = makeModuleBuilder();
  const multiply = builder.function(["i32", "i32"], ["i32"]);
  multiply.get(0).get(1).op("i32.mul");
  builder.export("multiply", "function", multiply.index);
  return builder.build();
}

test("the third example runs a foreign module", () => {
  const foreign = someModule();
  const memory = new WebAssembly.Memory({ initial: 1 });

  const rewritten = rewriteModule(foreign);
  if (isModuleRefusal(rewritten)) throw new Error(`${rewritten.rule} at byte ${rewritten.at}`);
  const sandbox = instantiateModule(rewritten, { memory, base: 4096 });
  if (isModuleRefusal(sandbox)) throw new Error(sandbox.rule);
  const multiply = sandbox.functions["multiply"] as (a: number, b: number) => number;
  sandbox.begin(10_000);
  const product = multiply(6, 7);

  expect(product).toBe(42);
  sandbox.begin(0);
  expect(() => multiply(6, 7)).toThrow();
});

test("the fourth example asks a block what it owns, and changes it as claimed", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer);
  bytes[4096] = 7;
  const program = udf.owns(0, udf.emit(udf.load(1, 0), 1, 5));
  const changes = [{ at: 0, bytes: Uint8Array.of(8) }];
  const claim = {
    gains: [{ start: 8, count: 1, type: 5 }],
    loses: [{ start: 7, count: 1, type: 5 }],
  };

  const verified = verifyUdf(program, "owns");
  if (isRefusal(verified)) throw new Error(`${verified.rule} at statement ${verified.term}`);
  const owns = compileUdf(verified).over(memory);
  const run = Object.assign(makeUdfRun(), { at: 4096, length: 512 });
  const refused = ownedExtents(owns, run);
  expect([refused, readExtents(run.extents)]).toEqual([undefined, claim.loses]);
  const made = new OwnershipCheck().propose({ owns, run, memory: bytes, changes, claim });

  expect(made).toEqual(claim);
  expect(bytes[4096]).toBe(8);
});

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the README shows those examples", () => {
  const here = readFileSync(new URL(import.meta.url), "utf8");
  const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = ""]) =>
    text.trim().split("\n"),
  );
  expect(examples.map((lines) => lines.length)).toEqual([3, 11, 9, 9]);
  for (const line of examples.flat().filter((text) => text !== "" && !text.startsWith("import ")))
    expect(here).toContain(line.split(" //")[0]);
});

test("the README's tables name what there is", () => {
  const rows = readme.split("\n").filter((line) => line.startsWith("|"));
  const names = rows.flatMap((row) =>
    [...row.matchAll(/`(?:udf\.)?([A-Za-z]\w*)(?:\([^`]*)?`/g)].map(([, name = ""]) => name),
  );
  expect(names.length).toBeGreaterThan(100);
  const known = new Set([...Object.keys(api), ...Object.keys(api.udf), ...Object.keys(makeDemultiplexer())]);
  const types = ["Refusal", "RangeError", "HandlerProgram", "ModuleRefusal"];
  const program = ["segment", "paged", "initialise", "enter", "resume", "suspend", "snapshot", "adopt"];
  const others = new Set([
    ...types,
    ...program,
    "BadFilter",
    "a",
    "b",
    "behind",
    "functions",
    "begin",
    "fuel",
    "cause",
  ]);
  expect(names.filter((name) => !known.has(name) && !others.has(name))).toEqual([]);
});

test("the README's limits are the constants'", () => {
  const values: Readonly<Record<string, unknown>> = api;
  const rows = readme.split("\n").filter((line) => /^\| `[A-Z_]+`/.test(line) && /\| [\d, ]+ +\|/.test(line));
  expect(rows.length).toBeGreaterThan(8);
  for (const row of rows) {
    const [, names = "", defaults = ""] = row.split("|");
    const stated = defaults
      .trim()
      .split(", ")
      .map((text) => Number(text.replaceAll(",", "")));
    expect([names, stated]).toEqual([names, names.match(/[A-Z_]+/g)?.map((name) => values[name])]);
  }
});
