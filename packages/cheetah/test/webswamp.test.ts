import { expect, test } from "vitest";
import { figuresOf, printSwamp } from "../src/board/print-swamp.ts";
import { crc32 } from "../src/webswamp/crc32.ts";
import type { Plan } from "../src/webswamp/plan.ts";
import { FAILURE_NAMES } from "../src/webswamp/results.ts";
import { makeMemorySource, patternBytes } from "./memory-source.ts";
import { makeSwampRig, planFor, type SwampRig } from "./swamp-rig.ts";

const PAGE = patternBytes(10_240, 3);
const SITE = {
  "index.html": "<p>page</p>",
  "10K.bin": PAGE,
  "empty.bin": "",
  "1K.bin": patternBytes(1024, 5),
};

/** Follows a plan to its end on a site of four files. */
function followed(change: Partial<Plan>, seconds = 60): SwampRig {
  const rig = makeSwampRig({ source: makeMemorySource(SITE), plan: planFor(change) });
  const result = rig.run({ until: () => rig.webswamp.finished() || rig.faults.length > 0, seconds });
  expect(rig.faults).toEqual([]);
  expect(result.why).toBe("until");
  return rig;
}

const failuresOf = ({ webswamp }: SwampRig): Readonly<Record<string, number>> =>
  Object.fromEntries(
    FAILURE_NAMES.map((name) => [name, webswamp.results.failures[name]] as const).filter(([, n]) => n > 0),
  );

test.each([false, true])("every page is counted, byte for byte (a connection for each: %s)", (close) => {
  const rig = followed({ pages: [{ target: "/10K.bin" }], concurrency: 8, requests: 200, close });
  const { results } = rig.webswamp;
  expect(failuresOf(rig)).toEqual({});
  expect(results.pages).toBe(200);
  expect(results.bodyBytes).toBe(200 * PAGE.length);
  expect(results.connections).toBe(close ? 200 : 8);
  expect(results.latency.count).toBe(200);
  expect(results.headBytes).toBeGreaterThan(200 * 50);
  expect(rig.server?.cheetah.counters.requests()).toBe(200);
});

test("pages are asked for in turns, and each has a body of its own", () => {
  const pages = [{ target: "/" }, { target: "/10K.bin" }, { target: "/empty.bin" }];
  const rig = followed({ pages, concurrency: 4, requests: 300 });
  expect(failuresOf(rig)).toEqual({});
  expect(rig.webswamp.results.bodyBytes).toBe(100 * (PAGE.length + SITE["index.html"].length));
});

test("a body that is not what was asked for is no page", () => {
  const right = { bytes: PAGE.length, crc32: crc32(0, PAGE, PAGE.length) };
  const ask = (body: typeof right): SwampRig =>
    followed({ pages: [{ target: "/10K.bin", body }], concurrency: 2, requests: 10 });
  expect(failuresOf(ask(right))).toEqual({});
  expect(failuresOf(ask({ ...right, crc32: 1 }))).toEqual({ contents: 10 });
  expect(failuresOf(ask({ ...right, bytes: 10_239 }))).toEqual({ length: 10 });
  const missing = followed({ pages: [{ target: "/none" }], concurrency: 2, requests: 10 });
  expect(failuresOf(missing)).toEqual({ status: 10 });
  expect(missing.webswamp.results.pages).toBe(0);
});

test("a page that changes under load is noticed", () => {
  const source = makeMemorySource(SITE);
  const plan = planFor({ pages: [{ target: "/10K.bin" }], concurrency: 2, requests: 2000 });
  const rig = makeSwampRig({ source, plan });
  rig.run({ until: () => rig.webswamp.results.pages >= 100 });
  source.put("10K.bin", patternBytes(10_240, 4), Date.UTC(2026, 0, 1));
  rig.server?.cheetah.refresh();
  rig.run({ until: () => rig.webswamp.finished() });
  const { contents } = rig.webswamp.results.failures;
  expect(contents).toBeGreaterThan(0);
  expect(rig.webswamp.results.pages + contents).toBe(2000);
});

test("nobody there, and nobody listening", () => {
  const nobody = makeSwampRig({ plan: planFor({ requests: 3, concurrency: 2, timeoutSeconds: 2 }) });
  nobody.run({ until: () => nobody.webswamp.finished(), seconds: 30 });
  expect(failuresOf(nobody)).toEqual({ unreachable: 3 });
  const closed = followed({ port: 81, requests: 5, concurrency: 2 });
  expect(failuresOf(closed)).toEqual({ refused: 5 });
});

test("a lossy wire costs time, and no page", () => {
  const source = makeMemorySource(SITE);
  const plan = planFor({ pages: [{ target: "/10K.bin" }], concurrency: 8, requests: 300, close: true });
  const rig = makeSwampRig({ source, plan, wire: { faults: { loss: 0.02 } } });
  rig.run({ until: () => rig.webswamp.finished(), seconds: 120 });
  expect(failuresOf(rig)).toEqual({});
  expect(rig.webswamp.results.pages).toBe(300);
});

test("time ends it too, and nothing is left", () => {
  const rig = followed({ concurrency: 16, requests: Infinity, seconds: 0.05 });
  const { results } = rig.webswamp;
  expect(results.seconds).toBeGreaterThanOrEqual(0.05);
  expect(results.seconds).toBeLessThan(0.051);
  expect(results.pages).toBeGreaterThan(100);
  expect(rig.webswamp.gone()).toBe(true);
  rig.run({ until: () => rig.stack.tcp.use.connections() === 0, seconds: 5 });
  expect(rig.stack.tcp.use.connections()).toBe(0);
  const { pages } = results;
  rig.run({ seconds: 1 });
  expect(results.pages).toBe(pages);
});

/** Nothing that Cheetah does and others do not. */
const PLAIN = {
  grouping: false,
  packetMerging: false,
  precomputedChecksums: false,
  preformattedHeads: false,
  rememberedRequests: false,
};

/**
 * Two machines of the same speed, on a wire that keeps neither waiting.
 *
 * The server's interface sums nothing, and the server does what any server has to: against Cheetah as it is, with an
 * interface that cuts super-segments, one machine's load is not enough, for receiving costs a copy and sending does not.
 */
function loaded(close: boolean, target: string): SwampRig {
  const wire = { bitsPerSecond: 1e12, delaySeconds: 1e-6 };
  const pages = [{ target }];
  const plan = planFor({ pages, close, concurrency: 256, requests: Infinity, seconds: 0.02, check: false });
  const rig = makeSwampRig({ source: makeMemorySource(SITE), plan, wire, techniques: PLAIN });
  rig.run({ until: () => rig.webswamp.finished() });
  return rig;
}

const LOADS = [
  { close: false, page: "empty.bin", bytes: 0 },
  { close: false, page: "1K.bin", bytes: 1024 },
  { close: false, page: "10K.bin", bytes: 10_240 },
  { close: true, page: "1K.bin", bytes: 1024 },
  { close: true, page: "10K.bin", bytes: 10_240 },
] as const;

test("[N15] webswamp prints bytes/s and pages/s, and saturates a plain server before itself", () => {
  for (const { close, page, bytes } of LOADS) {
    const what = `${page}, ${close ? "a connection for each" : "kept connections"}`;
    const rig = loaded(close, `/${page}`);
    const { server, client } = rig.shares();
    expect(server, what).toBeGreaterThan(0.97);
    expect(client, what).toBeLessThan(server - 0.05);
    const report = { results: rig.webswamp.results, userShare: client, systemShare: 0, isPartial: false };
    const { pagesPerSecond, bytesPerSecond, failed, requests } = figuresOf(report);
    expect([failed, requests], what).toEqual([0, rig.webswamp.results.latency.count]);
    // What the server has counted, but for what was under way at the end.
    const served = rig.server?.cheetah.counters.requests() ?? 0;
    expect(served - requests, what).toBeGreaterThanOrEqual(0);
    expect(served - requests, what).toBeLessThanOrEqual(256);
    expect(pagesPerSecond * rig.webswamp.results.seconds, what).toBeCloseTo(requests);
    expect(bytesPerSecond, what).toBeCloseTo(pagesPerSecond * bytes, 0);
    const printed = printSwamp(report);
    expect(printed).toContain(`pages/s  ${pagesPerSecond.toFixed(0)}`);
    expect(printed).toMatch(/bytes\/s {2}\d+(\.\d\d [KMG])? ?B/);
    expect(printed).toContain(`busy     ${(client * 100).toFixed(0)} % user`);
  }
});
