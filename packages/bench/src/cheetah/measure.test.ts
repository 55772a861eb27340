import { expect, test } from "vitest";
import { sampleOf } from "./measure.ts";
import { deferredThread, readCoreTime, readPackets, readProcessTime, statFields } from "./processor-time.ts";
import { parseCores } from "./requirements.ts";
import { parseWebswamp } from "./webswamp.ts";
import { parseWrk } from "./wrk.ts";

const latency = { p50: 1, p90: 2, p99: 3, p999: 4 };

test("a sample is what was used between, for each request", () => {
  const before = {
    process: { nanoseconds: 1e9, userTicks: 10, systemTicks: 20 },
    core: { milliseconds: 0, idleMilliseconds: 500, deferredNanoseconds: 100 },
    packets: { received: 5, sent: 7 },
  };
  const after = {
    process: { nanoseconds: 1.5e9, userTicks: 20, systemTicks: 60 },
    core: { milliseconds: 1000, idleMilliseconds: 800, deferredNanoseconds: 1_000_100 },
    packets: { received: 1005, sent: 2007 },
  };
  const sample = sampleOf(before, after, { requests: 1000, seconds: 2, failures: 3, latency, busy: 0.5 });
  expect(sample).toMatchObject({ rate: 500, processor: 500, user: 100, system: 400, deferred: 1, busy: 700 });
  expect(sample).toMatchObject({ packets: 3, failures: 3, latency });
  expect(sample).toMatchObject({ serverShare: 0.25, clientShare: 0.5 });
});

test("what webswamp printed is read, and nothing else", () => {
  const figures = {
    requests: 5,
    failed: 1,
    seconds: 2,
    bodyBytes: 100,
    headBytes: 20,
    latency: { p50: 1, p90: 2, p99: 3, p999: 4, mean: 2, most: 9 },
    userShare: 0.5,
    systemShare: 0.25,
  };
  expect(parseWebswamp(`${JSON.stringify(figures)}\n`)).toEqual({
    requests: 5,
    seconds: 2,
    bytes: 120,
    failures: 1,
    latency,
    busy: 0.75,
  });
  expect(() => parseWebswamp("no")).toThrow("webswamp did not report: no");
});

test("what wrk printed is read, and nothing else", () => {
  const line =
    'REPORT {"requests":1000,"microseconds":2000000,"bytes":5000,"failures":1,"latency":[10,20,30,40]}';
  const whole = parseWrk(`Running 2s test\n${line}\n0m0.00s 0m0.01s\n0m1.200s 0m0.300s\n`);
  expect(parseWrk(line).busy).toBeUndefined();
  expect(parseWrk(`${line}\n0m0.0s 0m0.0s\n1m1.5s 0m0.5s`).busy).toBe(31);
  expect(whole).toEqual({
    requests: 1000,
    seconds: 2,
    bytes: 5000,
    failures: 1,
    latency: { p50: 10, p90: 20, p99: 30, p999: 40 },
    busy: 0.75,
  });
  expect(() => parseWrk("unable to connect")).toThrow("wrk did not report: unable to connect");
});

test.each([
  ["0", [0]],
  ["0-1", [0, 1]],
  ["0,2-4,7", [0, 2, 3, 4, 7]],
])("cores %s are %j", (list, cores) => expect(parseCores(list)).toEqual(cores));

test("a name with spaces and brackets does not move the fields of stat", () => {
  const fields = statFields("12 (a) b (c) S 1 12 12 0 -1 4194304 1 0 0 0 31 17 0 0");
  expect([fields[0], fields[11], fields[12]]).toEqual(["S", "31", "17"]);
});

const isLinux = process.platform === "linux";
if (!isLinux) console.log("skipped: /proc is Linux's");

test.skipIf(!isLinux)("this process is seen to work", () => {
  const begun = readProcessTime([process.pid]);
  const cpu = process.cpuUsage();
  while (process.cpuUsage(cpu).user < 100_000);
  const { nanoseconds } = readProcessTime([process.pid]);
  expect((nanoseconds - begun.nanoseconds) / 1e6).toBeGreaterThan(90);
  expect(readProcessTime([2 ** 30])).toEqual({ nanoseconds: 0, userTicks: 0, systemTicks: 0 });
});

test.skipIf(!isLinux)("a core and an interface are read", () => {
  const core = readCoreTime(0, deferredThread(0));
  expect(core.idleMilliseconds).toBeGreaterThan(0);
  expect(readPackets(process.pid, "lo").received).toBeGreaterThanOrEqual(0);
  expect(readPackets(process.pid, "none")).toEqual({ received: 0, sent: 0 });
});
