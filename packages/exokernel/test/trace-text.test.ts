import { makeSimulatedMachine } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import { CALLS, ERRORS, capSlot, frame, must, rowOf } from "../src/abi/index.ts";
import {
  NO_TRACE,
  TRACE_EVENTS,
  boot,
  callSummary,
  makeTrace,
  tableLines,
  isTraceDetail,
  makeInspection,
  traceLines,
  withTraceDetail,
  type TraceEvent,
} from "../src/index.ts";
import { makeRig, placeEnvironment } from "../src/testing/index.ts";

const own = capSlot(0);

test("every event has its words, and no event comes out as a bare number", () => {
  const clock = { now: () => 3000 };
  for (const [name, event] of Object.entries(TRACE_EVENTS)) {
    const trace = makeTrace(1);
    trace.record(clock, event, 1, 1);
    const [line, ...others] = traceLines(trace, 3e6);
    expect(others).toEqual([]);
    expect(line).toMatch(new RegExp(`^ +1000\\.000 µs  ${name} +[a-z]`));
  }
  const trace = makeTrace(1);
  trace.record(clock, 250 as TraceEvent, 7, 8);
  expect(traceLines(trace, 3e6)[0]).toContain("event 250");
});

test("a ring that was too short says how many events it lost", () => {
  const trace = makeTrace(2);
  for (let i = 0; i < 5; i++) trace.record({ now: () => i }, TRACE_EVENTS.deliver, i, 60);
  const lines = traceLines(trace, 1e6);
  expect(lines).toHaveLength(3);
  expect(lines[0]).toBe("(3 earlier events were overwritten)");
  expect(lines[2]).toContain("ring 4, 60 bytes");
});

test("a trace of calls names each call, its way into the kernel, and why it was refused, in batches too", () => {
  const trace = makeTrace(100, { calls: true });
  const { root } = boot(makeSimulatedMachine({ frames: 64 }), { trace });
  root.nullCall();
  root.framesAlloc(frame(64), 1, own);
  const batch = root.batch();
  batch.add("frameAllocAny", own);
  batch.add("frameAllocAny", capSlot(9));
  root.batchRun(batch);
  const text = traceLines(trace, 1e6).join("\n");
  expect(text).toContain("environment 1, nullCall by the short way");
  expect(text).toContain("environment 1, framesAlloc by the long way");
  expect(text).toContain("environment 1, framesAlloc: BadFrame");
  expect(text).toContain("environment 1, frameAllocAny in a batch");
  expect(text).toContain("environment 1, frameAllocAny: BadSlot");
});

test("a trace that is not asked for calls notes none, and one that is off holds nothing and asks for no time", () => {
  const trace = makeTrace(100);
  const { root } = boot(makeSimulatedMachine({ frames: 64 }), { trace });
  root.nullCall();
  expect(traceLines(trace, 1e6).every((line) => line.includes("environmentCreate"))).toBe(true);
  let asked = 0;
  NO_TRACE.record({ now: () => (asked += 1) }, TRACE_EVENTS.fault, 1, 1);
  expect([asked, traceLines(NO_TRACE, 1e6)]).toEqual([0, []]);
});

test("the browser of tables shows every environment and what it holds, and the summary its calls by name", () => {
  const { root, grant } = makeRig(64);
  const gate = placeEnvironment(root, [1, 115], { slices: [3, 9] });
  must(gate.framesAlloc(frame(4), 4, own));
  must(gate.windowBind(frame(4), 1, true, own));
  const ring = must(gate.ringBind(frame(5), 3, own));
  const nic = grant(gate, { name: [2, 0], rights: RIGHTS.all });
  must(gate.filterInsert(0, [], ring, nic, own));
  must(gate.transmitBind(0, [], gate.self, nic, own));
  const disk = grant(gate, { name: [3, 0], rights: RIGHTS.all });
  must(gate.extentAlloc(0, 5, 7, disk, own));
  const before = root.environments.calls(rowOf(gate.self));
  const text = tableLines(root).join("\n");
  const summary = callSummary(root);
  expect(root.environments.calls(rowOf(gate.self))).toBe(before);
  const row = rowOf(gate.self);
  expect(text).toMatch(new RegExp(`^ +${row}  1\\.115 +1 `, "m"));
  expect(text).toContain(`environment ${row}: 3 9`);
  for (const title of ["Packet rings", "Filters", "Transmit bindings", "Extents", "Disks", "Revocation"])
    expect(text).toContain(title);
  expect(text).toMatch(new RegExp(`^ +1 +${row} +0 +5 +7 +0$`, "m"));
  expect(summary).toContain(`Environment ${row}: ${before} calls`);
  const mine = summary.slice(summary.indexOf(`Environment ${row}: ${before} calls`));
  expect(mine.map((line) => line.trim())).toContain("2  sliceAlloc");
  const counted = mine.slice(1).map((line) => Number(line.trim().split(/\s+/)[0]));
  expect(counted.reduce((sum, count) => sum + count, 0)).toBe(before);
  expect(counted).toEqual(counted.toSorted((a, b) => b - a));
});

test("an inspection shows what it was asked for and no more; asked for nothing, it keeps no trace", () => {
  const shown = (options: Parameters<typeof makeInspection>[0]): readonly string[] => {
    const inspection = makeInspection(options);
    const { root } = boot(makeSimulatedMachine({ frames: 64 }), { trace: inspection.trace });
    root.nullCall();
    return inspection.lines("the machine", root).filter((line) => line.endsWith("of the machine"));
  };
  expect(shown({})).toEqual([]);
  expect(makeInspection().trace).toBe(NO_TRACE);
  expect(shown({ calls: true })).toEqual(["Kernel calls of the machine"]);
  expect(shown({ trace: "calls", tables: true })).toEqual([
    "Trace of the machine",
    "Published tables of the machine",
  ]);
});

test("a bare --trace takes no word that it does not know", () => {
  expect(withTraceDetail(["--trace", "site", "--calls"])).toEqual(["--trace=events", "site", "--calls"]);
  expect(withTraceDetail(["--trace", "calls", "site"])).toEqual(["--trace=calls", "site"]);
  expect(withTraceDetail(["calls", "--trace=x", "--trace"])).toEqual([
    "calls",
    "--trace=x",
    "--trace=events",
  ]);
  expect(["events", "calls", "x", true, undefined].map(isTraceDetail)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("every number of a call and of a refusal fits where the trace puts it", () => {
  for (const { number } of Object.values(CALLS)) expect(number).toBeLessThan(256);
  for (const { code } of Object.values(ERRORS)) expect(code).toBeLessThan(2 ** 16);
});
