/** Four library operating systems on one kernel that do not trust each other, and what becomes of three when one is killed. */
import { createEnvironment, deviceCapability } from "@exolith/exokernel";
import {
  FRAME_BYTES,
  NEVER,
  capSlot,
  cycles,
  frame,
  must,
  rowOf,
  type EnvId,
  type Gate,
  type Program,
} from "@exolith/exokernel/abi";
import { checkTables, outcome } from "@exolith/exokernel/testing";
import { bindTransmission, serveSimulated, type SimulatedServed } from "@exolith/cheetah/board";
import type { Nic, StreamWorld } from "@exolith/hw-model";
import {
  Ping,
  claimSlices,
  eventProgram,
  makeEarliestDeadline,
  makeFramePool,
  makeStack,
  readiness,
  scheduleSlices,
} from "@exolith/libos-exos";
import { DescriptorTable, openSink, streamDescriptor, unixProgram } from "@exolith/libos-unix";
import { RIGHTS, makeModuleBuilder } from "@exolith/secure-bind";
import { expect, test } from "vitest";

const own = capSlot(0);
const device = capSlot(1);

/** Who is on the machine, beside the kernel. */
const NAMES = ["cheetah", "exos", "unix", "edf"] as const;
type Name = (typeof NAMES)[number];

/** One of them, as it is seen from outside. */
interface Resident {
  readonly gate: Gate;
  /** All that came of it, in order, without times. */
  readonly log: readonly string[];
  /** Lines of a whole log. */
  readonly whole: number;
}

const FILES = 60;
const CLIENTS = 3;
const bodyOf = (file: number): string => `file ${file}: ${"abcdefghij".repeat(20 + 31 * file)}`;

/** Clients of the web server: each asks for one file after the other and notes what it got. */
class Clients {
  readonly #world: StreamWorld;
  readonly #streams: Map<number, { client: number; next: number; text: string }> = new Map();
  readonly #logs: string[][] = Array.from({ length: CLIENTS }, () => []);

  constructor(world: StreamWorld) {
    this.#world = world;
    for (let client = 0; client < CLIENTS; client++) {
      const end = world.open();
      this.#streams.set(end, { client, next: client, text: "" });
      this.#ask(end, client);
    }
  }

  /** What each client got, one client after the other. */
  get logs(): readonly string[] {
    return this.#logs.flat();
  }

  #ask(end: number, file: number): void {
    this.#world.send(end, `GET /${file}.txt HTTP/1.1\r\nHost: here\r\n\r\n`);
  }

  step(): boolean {
    let acted = false;
    for (let end = this.#world.next(); end >= 0; end = this.#world.next()) {
      acted = true;
      this.#changed(end);
    }
    return acted;
  }

  wakeAt(): typeof NEVER {
    return NEVER;
  }

  #changed(end: number): void {
    const stream = this.#streams.get(end);
    if (stream === undefined) return;
    stream.text += String.fromCharCode(...this.#world.take(end));
    const [head = "", ...rest] = stream.text.split("\r\n\r\n");
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    const body = rest.join("\r\n\r\n");
    if (!(body.length >= length)) return;
    const isRight = body === bodyOf(stream.next);
    this.#logs[stream.client]?.push(`${stream.next} ${head.split("\r\n")[0]} ${length} ${isRight}`);
    stream.text = "";
    stream.next += CLIENTS;
    if (stream.next < FILES) this.#ask(end, stream.next);
  }
}

const site = {
  list: () =>
    Array.from({ length: FILES }, (_, i) => ({ path: `${i}.txt`, size: bodyOf(i).length, modified: 1e12 })),
  read: (path: string, offset: number, into: Uint8Array) => {
    const all = new TextEncoder().encode(bodyOf(Number.parseInt(path, 10)));
    const part = all.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  },
};

/** Creates an environment, and gives its gate as well. */
function place(
  root: Gate,
  name: readonly number[],
  program: Program,
  devices: readonly "nic"[] = [],
): { gate: Gate; id: EnvId } {
  let gate: Gate | undefined;
  const noted: Program = (mine) => program((gate = mine));
  const grants = devices.map((kind) => deviceCapability(kind, 0, RIGHTS.allocate));
  const id = must(createEnvironment(root, { name, grants, program: noted }));
  return { gate: gate as Gate, id };
}

const PINGS = 60;
const PINGED = 0x0a00_0003;
const PINGER = 0x0a00_0004;

/** A stack of ExOS that answers pings, and another on the other machine that asks. */
function placeExos({ server, gateway, run }: SimulatedServed): Resident {
  const log: string[] = [];
  const stackOf = (gate: Gate, address: number): ReturnType<typeof makeStack> =>
    makeStack(gate, {
      nic: 0,
      address,
      prefixLength: 24,
      slots: { device, guard: own },
      pool: makeFramePool(gate, own),
      receiveBuffers: 4,
    });
  let answers = false;
  const answering = eventProgram(2, (gate) => {
    const { network } = stackOf(gate, PINGED);
    answers = true;
    return [network];
  });
  const asking = eventProgram(4, (gate) => {
    const { network } = stackOf(gate, PINGER);
    const ping = new Ping(
      gate,
      network.icmp,
      { destination: PINGED, identifier: 7, count: PINGS, intervalCycles: gate.clock.hertz * 0.01 },
      { replied: (sequence) => void log.push(`reply ${sequence}`), done: () => {} },
    );
    return [network, { poll: () => ping.poll(), wakeAt: () => cycles(ping.wakeAt()) }];
  });
  const { gate, id } = place(server.kernel.root, [1, 3], answering, ["nic"]);
  bindTransmission(server.kernel, id, server.machine.nics[0] as Nic, PINGED);
  // A question for an address that nobody has yet would be asked again only a second later.
  run({ until: () => answers });
  const asker = place(gateway.kernel.root, [1, 4], asking, ["nic"]);
  bindTransmission(gateway.kernel, asker.id, gateway.machine.nics[0] as Nic, PINGER);
  return { gate, log, whole: PINGS };
}

const LINES = 60;
const TURNS = 5_000_000;

/** Computes for long, then writes a line of what came out, many times over; then exits with 7. */
function printer(): Uint8Array<ArrayBuffer> {
  const m = makeModuleBuilder();
  const wasi = "wasi_snapshot_preview1";
  const write = m.importFunction(wasi, "fd_write", m.type(["i32", "i32", "i32", "i32"], ["i32"]));
  const exit = m.importFunction(wasi, "proc_exit", m.type(["i32"], []));
  m.export("memory", "memory", m.memory({ minimum: 1 }));
  m.data(new Uint8Array(Uint32Array.of(16, 9).buffer), 0);
  const f = m.function([]);
  const [line, left, value, at] = ["i32", "i32", "i32", "i32"].map((type) => f.local(type as "i32")) as [
    number,
    number,
    number,
    number,
  ];
  f.i32(12345).set(value).open("loop");
  f.i32(TURNS).set(left).open("loop");
  f.get(value).i32(1_103_515_245).op("i32.mul").i32(12_345).op("i32.add").set(value);
  f.get(left).i32(1).op("i32.sub").tee(left).op("br_if", 0).end();
  f.i32(0).set(at).open("loop");
  f.get(at)
    .get(value)
    .get(at)
    .i32(2)
    .op("i32.shl")
    .op("i32.shr_u")
    .i32(15)
    .op("i32.and")
    .i32(97)
    .op("i32.add");
  f.memory("i32.store8", 16).get(at).i32(1).op("i32.add").tee(at).i32(8).op("i32.lt_u").op("br_if", 0).end();
  f.i32(24).i32(10).memory("i32.store8").i32(1).i32(0).i32(1).i32(8).op("call", write).op("drop");
  f.get(line).i32(1).op("i32.add").tee(line).i32(LINES).op("i32.lt_u").op("br_if", 0).end();
  f.i32(7).op("call", exit);
  m.export("_start", "function", f.index);
  return m.build();
}

/** A program of somebody's in the UNIX personality; its log has its calls, its output and how it ended. */
function placeUnix({ server }: SimulatedServed): Resident {
  const log: string[] = [];
  const descriptors = new DescriptorTable();
  const print = openSink((bytes) => void log.push(new TextDecoder().decode(bytes)));
  for (let i = 0; i < 3; i++) descriptors.open(streamDescriptor(print));
  const unix = unixProgram(
    {
      module: printer(),
      mode: "segment",
      descriptors,
      limits: { frames: 256 },
      random: (into) => void into.fill(1),
      trace: (line) => void log.push(line),
    },
    (how) => void log.push(JSON.stringify(how)),
  );
  const { gate } = place(server.kernel.root, [1, 5], unix.program);
  return { gate, log, whole: 2 * LINES + 2 };
}

const WORKERS = 3;
const ROUNDS = 8;
const SHARE = 0.9;
const PERIOD = 12;

/** A scheduler by earliest deadline with slices of its own, and workers that have none and note what they come to. */
function placeDeadlines({ server }: SimulatedServed): Resident {
  const { root } = server.kernel;
  const logs: string[][] = [];
  const workers = Array.from({ length: WORKERS }, (_, index) => {
    const log: string[] = [];
    logs.push(log);
    return place(root, [1, 6, index], working(index, log)).gate;
  });
  const missed: (() => number)[] = [];
  const { gate } = place(root, [1, 6], (mine) => {
    claimSlices(mine, 6);
    const cyclesUsed = (environment: number): number => mine.environments.cyclesUsed(rowOf(environment));
    const policy = makeEarliestDeadline({ isReady: readiness(mine), cyclesUsed, capacity: 0.4 });
    const quantum = mine.slices.quantum();
    for (const { self } of workers) {
      const task = { environment: self, period: PERIOD * quantum, slice: SHARE * quantum };
      expect(policy.admit(task, mine.clock.now())).toBe(true);
      missed.push(() => policy.missed(self));
    }
    return scheduleSlices(mine, policy);
  });
  return {
    gate,
    get log() {
      return [...logs.flat(), ...missed.map((of) => `missed ${of()}`)];
    },
    whole: WORKERS * (ROUNDS + 1),
  };
}

/** Fills its own memory until each slice ends, and notes the sum of it; after so many slices it has done its work. */
const working =
  (index: number, log: string[]): Program =>
  (gate) => {
    const pool = makeFramePool(gate, own, { start: 1, framesMax: 64 });
    const memory = must(pool.run(64));
    const sleep = (): void => void gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);
    const sliceBegin = (): void => {
      if (log.length === ROUNDS) return sleep();
      const value = (index * 31 + log.length) & 0xff;
      while (gate.clock.now() < gate.slices.ends()) memory.fill(0, 64 * FRAME_BYTES, value);
      log.push(`worker ${index}: ${memory.getU8(1000 * log.length)}`);
    };
    return { sliceBegin };
  };

interface World {
  readonly served: SimulatedServed;
  readonly residents: Readonly<Record<Name, Resident>>;
}

function makeWorld(): World {
  const served = serveSimulated({ source: site, cacheFrames: 512 });
  const clients = new Clients(served.world);
  served.play(clients);
  const cheetah: Resident = {
    gate: served.server.gate,
    get log() {
      return clients.logs;
    },
    whole: FILES,
  };
  const [exos, unix, edf] = [placeExos(served), placeUnix(served), placeDeadlines(served)];
  return { served, residents: { cheetah, exos, unix, edf } };
}

const SECONDS = 60;

/** Runs until `done`, which has to come. */
function until({ served }: World, done: () => boolean): void {
  expect(served.run({ until: done, seconds: SECONDS, steps: Infinity }).why).toBe("until");
  expect(served.faults).toEqual([]);
}

/** Everything that somebody may try with what is another's, by the gate it has. */
function meddle(from: Gate, other: Gate): readonly string[] {
  const frames = Array.from({ length: from.frames.count }, (_, f) => f);
  const theirs = frames.find((f) => from.frames.owner(f) === other.self);
  const slices = Array.from({ length: from.slices.count }, (_, i) => i);
  const slice = slices.find((i) => from.slices.owner(i) === other.self);
  return [
    ...(theirs === undefined
      ? []
      : [
          from.windowBind(frame(theirs), 1, false, own),
          from.windowBind(frame(theirs), 1, true, own),
          from.framesFree(frame(theirs), 1, own),
        ]),
    ...(slice === undefined ? [] : [from.sliceFree(slice as never, own)]),
    from.environmentDestroy(other.self, own),
    from.wake(other.self, own),
  ].map(outcome);
}

/** Runs all, kills `victim` in the middle of its work, and with all others in the middle of theirs, and gives the logs of these when they are whole. */
function runWith(victim: Name | undefined): Readonly<Partial<Record<Name, readonly string[]>>> {
  const world = makeWorld();
  const { residents, served } = world;
  const { root } = served.server.kernel;
  if (victim !== undefined) {
    const { gate, whole } = residents[victim];
    until(world, () => residents[victim].log.length > (victim === "edf" ? WORKERS + whole / 4 : whole / 4));
    for (const name of NAMES) expect(residents[name].log.length).toBeLessThan(residents[name].whole);
    // It does what harm it can first; nobody trusts anybody.
    for (const name of NAMES)
      if (name !== victim)
        expect([name, new Set(meddle(gate, residents[name].gate))]).toEqual([
          name,
          new Set(["BadCapability"]),
        ]);
    must(root.environmentDestroy(gate.self, own));
    for (let f = 0; f < root.frames.count; f++) expect(root.frames.owner(f)).not.toBe(gate.self);
    for (let i = 0; i < root.slices.count; i++) expect(root.slices.owner(i)).not.toBe(gate.self);
    checkTables(root);
  }
  const left = NAMES.filter((name) => name !== victim);
  until(world, () => left.every((name) => residents[name].log.length >= residents[name].whole));
  for (const name of left) {
    const { gate } = residents[name];
    const isOver = name === "unix";
    expect([name, root.environments.id(rowOf(gate.self)) === gate.self]).toEqual([name, !isOver]);
  }
  checkTables(root);
  return Object.fromEntries(left.map((name) => [name, [...residents[name].log]]));
}

test("[D2] ExOS, Cheetah, an earliest-deadline scheduler and the UNIX personality on one kernel, in mutual distrust: whichever is killed in the middle of its work, what the others do is the same", () => {
  const all = runWith(undefined);
  expect(all.cheetah).toHaveLength(FILES);
  for (const line of all.cheetah ?? []) expect(line).toMatch(/^\d+ HTTP\/1\.1 200 OK \d+ true$/);
  expect(all.exos).toEqual(Array.from({ length: PINGS }, (_, i) => `reply ${i}`));
  expect(new Set(all.unix?.filter((line) => line.endsWith("\n"))).size).toBe(LINES);
  expect(all.unix?.at(-1)).toBe('{"kind":"exited","code":7}');
  expect(all.edf?.slice(-WORKERS)).toEqual(Array<string>(WORKERS).fill("missed 0"));
  for (const victim of NAMES) {
    const { [victim]: _, ...others } = all;
    expect([victim, runWith(victim)]).toEqual([victim, others]);
  }
}, 120_000);
