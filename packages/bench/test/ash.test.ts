/** `bench ash`: what it shows of handlers in simulated time, and that it runs. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NEVER, rowOf, type Gate, type Upcalls } from "@exolith/exokernel/abi";
import {
  ACTIVE_MESSAGE,
  ANSWER_BIT,
  HANDLER_CODE,
  REMOTE_INCREMENT,
  REMOTE_LOCK,
  eventLoop,
  installHandler,
  makeFramePool,
  makeNetwork,
  ringOf,
  type HandlerName,
  type InstalledHandler,
  type Network,
} from "@exolith/libos-exos";
import { makeTwoHosts, type HostContext, type TwoHosts } from "@exolith/libos-exos/testing";
import { must, type Window } from "@exolith/exokernel/abi";
import { udpTo } from "@exolith/secure-bind";
import { afterAll, expect, test } from "vitest";
import { measurePoint } from "../src/ash/environments.ts";
import { SETTINGS, measureSeries, type Series } from "../src/ash/series.ts";
import { isBroken } from "../src/ash/bench-ash.ts";
import { short } from "../src/statistics.ts";
import { printTrip } from "../src/ash/print-ash.ts";
import { checkSeries, latenessOf, spreadOf } from "../src/ash/shape.ts";
import type { AshBenchReport } from "../src/index.ts";

const PINGPONGS = 24;
const UP_TO_TEN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const PORTS = { remoteIncrement: 10, remoteLock: 11, activeMessage: 12 } as const;

/** The environment with the handlers, and what it did. */
interface Owner {
  readonly handlers: Map<HandlerName, InstalledHandler>;
  /** Slices in which it found a lock held that it had not seen held before. */
  noticed: number;
}

/** Installs a handler on each port, and sleeps; when it is woken it looks at the first lock. */
const ownerProgram =
  (owner: Owner) =>
  (gate: Gate, context: HostContext): Upcalls => {
    const pool = makeFramePool(gate, context.slots.guard);
    const network = makeNetwork(gate, { ...context.network, pool });
    const ring = ringOf(gate, network.filters[1] as never);
    for (const [name, port] of Object.entries(PORTS) as [HandlerName, number][]) {
      const filter = udpTo({ destination: context.address, port });
      const options = { nic: 0, filter, ring, slots: context.slots, pool, code: HANDLER_CODE[name] };
      owner.handlers.set(name, must(installHandler(gate, options)));
    }
    let wasHeld = false;
    const watch = {
      poll: (): boolean => {
        const isHeld = owner.handlers.get("remoteLock")?.memory.getU32(REMOTE_LOCK.locksAt + 4) !== 0;
        if (isHeld && !wasHeld) owner.noticed += 1;
        wasHeld = isHeld;
        return false;
      },
      wakeAt: () => NEVER,
    };
    return eventLoop(gate, [network, watch]);
  };

/** Whoever asks: sends words to a port and has the words of the answer. */
interface Asker {
  readonly network: Network;
  readonly window: Window;
  readonly answers: number[][];
}

const askerProgram =
  (made: (asker: Asker) => void) =>
  (gate: Gate, context: HostContext): Upcalls => {
    const pool = makeFramePool(gate, context.slots.guard);
    const network = makeNetwork(gate, { ...context.network, pool });
    const answers: number[][] = [];
    for (const port of [5000, 5001])
      network.udp.bind(port, (window, at, length) => {
        answers.push(Array.from({ length: length / 4 }, (_, i) => window.getU32(at + i * 4)));
      });
    network.arp.addPermanent(context.peer, 0x0200, 2);
    made({ network, window: must(pool.run(1)), answers });
    return eventLoop(gate, [network]);
  };

/** Sends `words` and runs both hosts until nothing happens; the words of the answer. */
function ask(hosts: TwoHosts, asker: Asker, port: number, words: readonly number[], from = 5000): number[] {
  const { network, window, answers } = asker;
  words.forEach((value, i) => window.setU32(i * 4, value));
  const datagram = { sourcePort: from, destination: hosts.right.context.address, destinationPort: port };
  expect(network.udp.send({ ...datagram, window, at: 0, length: words.length * 4 })).toBe("sent");
  answers.length = 0;
  hosts.run({ seconds: 0.01 });
  return answers[0] ?? [];
}

/** Two hosts, one asleep with handlers. */
function makeConversation(): { hosts: TwoHosts; asker: Asker; owner: Owner } {
  const owner: Owner = { handlers: new Map(), noticed: 0 };
  const askers: Asker[] = [];
  const hosts = makeTwoHosts({
    left: askerProgram((one) => void askers.push(one)),
    right: ownerProgram(owner),
  });
  hosts.run({ seconds: 0.1 });
  return { hosts, asker: askers[0] as Asker, owner };
}

/** The three on the wire: the answers, what the owner sees, and whether it ran for them. */
function converse(): void {
  const { hosts, asker, owner } = makeConversation();
  const slices = (): number => {
    const { environments } = hosts.right.root;
    return environments.slicesBegun(rowOf(hosts.right.environment));
  };
  const memory = (name: HandlerName): Window => owner.handlers.get(name)?.memory as Window;
  const asleep = slices();
  expect(ask(hosts, asker, PORTS.remoteIncrement, [7, 5])).toEqual([ANSWER_BIT + 7, 5]);
  expect(ask(hosts, asker, PORTS.remoteIncrement, [8, 10])).toEqual([ANSWER_BIT + 8, 15]);
  expect(memory("remoteIncrement").getU32(REMOTE_INCREMENT.wordAt)).toBe(15);
  memory("remoteIncrement").setU32(REMOTE_INCREMENT.wordAt, 100);
  expect(ask(hosts, asker, PORTS.remoteIncrement, [9, 1])).toEqual([ANSWER_BIT + 9, 101]);

  const { functions, wordsAt } = ACTIVE_MESSAGE;
  expect(ask(hosts, asker, PORTS.activeMessage, [1, functions.exchange, 3, 30, 0])).toEqual([
    ANSWER_BIT + 1,
    0,
    3,
    0,
    0,
  ]);
  expect(ask(hosts, asker, PORTS.activeMessage, [2, functions.add, 3, 4, 0])).toEqual([
    ANSWER_BIT + 2,
    1,
    3,
    30,
    0,
  ]);
  expect(memory("activeMessage").getU32(wordsAt + 12)).toBe(34);
  expect(slices()).toBe(asleep);

  const { operations, results } = REMOTE_LOCK;
  const acquire = operations.acquire << 16;
  expect(ask(hosts, asker, PORTS.remoteLock, [1, acquire, 0])).toEqual([
    ANSWER_BIT + 1,
    results.granted << 16,
    1,
  ]);
  expect(owner.noticed).toBe(1);
  expect(slices()).toBe(asleep + 1);
  expect(ask(hosts, asker, PORTS.remoteLock, [2, acquire, 0], 5001)).toEqual([
    ANSWER_BIT + 2,
    results.denied << 16,
    1,
  ]);
  expect(slices()).toBe(asleep + 1);
  const released = ask(hosts, asker, PORTS.remoteLock, [3, operations.release << 16, 0]);
  expect(released).toEqual([ANSWER_BIT + 3, results.released << 16, 1]);
  expect(ask(hosts, asker, PORTS.remoteLock, [4, acquire, 0], 5001)).toEqual([
    ANSWER_BIT + 4,
    results.granted << 16,
    2,
  ]);
  expect(owner.noticed).toBe(2);
  expect(memory("remoteLock").getU32(REMOTE_LOCK.locksAt + 4)).toBe(5001);
}

/** The row of Table 11, beside the paper's figures where the machine is the paper's. */
function printsTrip(series: Series): void {
  const { machine, idle } = series;
  const papers = machine === "dec5000-125" ? ["259", "320"] : [];
  const cells = printTrip(series)
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const row = (name: string): string[] | undefined => cells.find(([, first]) => first?.startsWith(name));
  expect(row(`${machine}: 60-byte UDP/IP round trip`)?.[2]).toBe("µs");
  expect(row("with a handler")?.slice(2, -1)).toEqual([short(idle.handler.mean), ...papers.slice(0, 1)]);
  expect(row("by ExOS from its ring")?.slice(2, -1)).toEqual([short(idle.ring.mean), ...papers.slice(1)]);
  expect(row("by ExOS from its ring")?.[1]).toContain("not comparable");
  expect(row("Ultrix")?.slice(2, -1)).toEqual(papers.length > 0 ? ["-", "3400"] : undefined);
}

test("[N11] ASH reply & control initiation (remote increment, remote lock, active message): Fig 2 series: flat with ASH for n=1..10, linear without; prints T11-like row", () => {
  converse();
  for (const setting of SETTINGS) {
    const series = measureSeries(setting, PINGPONGS, UP_TO_TEN);
    for (const { what, holds } of checkSeries(series)) expect(holds, what).toBe(true);
    expect(series.handler.map(({ busy }) => busy)).toEqual(UP_TO_TEN);
    for (const spread of Object.values(spreadOf(series))) expect(spread).toBeLessThan(1.05);
    const [, two = series.idle.ring, ...more] = series.ring;
    for (const { busy, mean } of more) expect((2 * mean) / (busy * two.mean)).toBeCloseTo(1, 1);
    for (const point of series.ring) expect(point.serverSlices).toBeGreaterThanOrEqual(PINGPONGS);
    for (const point of series.handler.filter(({ busy }) => busy > 4))
      expect(point.serverSlices).toBeLessThan(PINGPONGS / 2);
    expect(series.idle.handler.serverSlices).toBe(0);
    expect(latenessOf(series)).toBeGreaterThan(0);
    expect(latenessOf(series)).toBeLessThanOrEqual(series.work);
    printsTrip(series);
    const { profile, wire } = setting;
    const bits = (wire.delaySeconds ?? 0) + ((60 + 24) * 8) / (wire.bitsPerSecond ?? Infinity);
    for (const point of [series.idle.ring, series.idle.handler]) {
      expect(point.mean, profile.name).toBeGreaterThan(2 * bits * 1e6);
      expect(point.mean, profile.name).toBeLessThan(2 * bits * 1e6 * 1.2);
    }
  }
});

test("a series that rises with the environments, or does not where it should, is found out", () => {
  const [setting] = SETTINGS;
  const good = measureSeries(setting as (typeof SETTINGS)[number], 4, [1, 2, 3, 4]);
  const holds = (series: Series): boolean[] => checkSeries(series).map((each) => each.holds);
  expect(holds(good)).toEqual([true, true, true, true, true, true]);
  expect(holds({ ...good, handler: good.ring })).toEqual([false, false, false, true, true, false]);
  expect(holds({ ...good, ring: good.handler, line: { slope: 0, at0: 300, worst: 0 } })[4]).toBe(false);
  expect(holds({ ...good, line: { ...good.line, worst: 0.2 } })[3]).toBe(false);
  // Flat, but every answer a little later than the slice that it waits for.
  const late = good.idle.handler.mean + good.work + 1;
  const handler = good.handler.map((point) => ({ ...point, mean: late, median: late }));
  expect(holds({ ...good, handler }).slice(0, 3)).toEqual([true, true, false]);
});

test("a run is broken by an invariant that does not hold, and by a pipe of any length that is too slow", () => {
  const holds = { id: "S9", what: "", holds: true };
  const reached = { what: "", measured: "", reached: true };
  expect(isBroken({ invariants: [holds], goals: [reached, reached] })).toBe(false);
  expect(isBroken({ invariants: [holds], goals: [reached, { ...reached, reached: undefined }] })).toBe(false);
  expect(isBroken({ invariants: [holds, { ...holds, holds: false }], goals: [reached] })).toBe(true);
  expect(isBroken({ invariants: [holds], goals: [reached, { ...reached, reached: false }, reached] })).toBe(
    true,
  );
});

test("the same options give the same figures", () => {
  const point = () =>
    measurePoint({
      ...(SETTINGS[0] as (typeof SETTINGS)[number]),
      busy: 3,
      workBytes: 5000,
      hasHandler: true,
      pingPongs: 5,
    });
  expect(point()).toEqual(point());
});

test("a handler that has used its environment's slice leaves frames to the ring, and they are answered", () => {
  const [setting] = SETTINGS;
  const options = { ...(setting as (typeof SETTINGS)[number]), busy: 0, workBytes: 0 };
  const point = measurePoint({ ...options, hasHandler: true, pingPongs: 3000 });
  expect(point.skipped).toBeGreaterThan(0);
  expect(point.skipped).toBeLessThan(100);
});

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "exolith-bench-test-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const bench = (words: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const args = ["--conditions=@exolith/source", CLI, "ash", ...words];
    const child = execFile(process.execPath, args, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });

test("every point, treatment, handler and pipe is in the report, as text and as JSON", async () => {
  const json = join(scratch, "ash.json");
  const few = "--pingpongs 4 --rounds 1 --frames 200".split(" ");
  const { code, out, err } = await bench([...few, "--json", json]);
  expect({ code, err: err.split("\n").filter((line) => /rror/.test(line)) }).toEqual({ code, err: [] });
  const report = JSON.parse(readFileSync(json, "utf8")) as AshBenchReport;
  // One round of a few frames is no measurement; that the code follows from the goals is all that is asked.
  expect(code).toBe(Number(isBroken(report)));
  expect(report.series.map(({ machine }) => machine)).toEqual(["dec5000-125", "modern-3ghz"]);
  for (const { ring, handler } of report.series)
    for (const points of [ring, handler]) expect(points.map(({ busy }) => busy)).toEqual([...UP_TO_TEN, 100]);
  expect(out).toMatch(/\| with a handler +\| +\d+ \| +259 \|/);
  expect(out).toMatch(/\| by ExOS from its ring \(not comparable[^|]+\| +\d+ \| +320 \|/);
  expect(out).toMatch(/\| Ultrix +\| +- \| +3400 \|/);
  expect(out).toMatch(/\| 10 +\| +\d+ \| +3520 \|/);
  expect(report.packets).toHaveLength(5);
  for (const { name, nanoseconds } of report.packets) {
    expect(out).toContain(`| ${name}`);
    expect(nanoseconds.median, name).toBeGreaterThan(0);
  }
  expect(report.sandbox).toHaveLength(4);
  for (const { fuel, sandbox, raw } of report.sandbox)
    expect([fuel > 0, sandbox.median > 0, raw.median > 0]).toEqual([true, true, true]);
  expect(report.pipes.length).toBeGreaterThan(0);
  expect(report.goals).toHaveLength(report.pipes.length);
  expect(report.invariants).toHaveLength(12);
  expect(report.invariants.every(({ holds }) => holds)).toBe(true);
});

test("an option that makes no sense is explained", async () => {
  const { code, err } = await bench(["--pingpongs", "0"]);
  expect(code).toBe(2);
  expect(err).toContain("--pingpongs takes a whole number");
});
