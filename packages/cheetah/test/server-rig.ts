/** A server on the real kernel of a simulated machine; only TCP is played by the test. */
import { boot } from "@exolith/exokernel";
import { capSlot, failed, must, sliceIndex } from "@exolith/exokernel/abi";
import type { Gate } from "@exolith/exokernel/abi";
import { makeSimulatedMachine, runSimulated } from "@exolith/hw-model";
import type { Disk, SimulatedMachine } from "@exolith/hw-model";
import { eventLoop } from "@exolith/libos-exos";
import { RIGHTS } from "@exolith/secure-bind";
import { makeCheetah } from "../src/index.ts";
import type { Cheetah, CheetahOptions } from "../src/index.ts";
import { makeMemorySource } from "./memory-source.ts";
import type { MemorySource } from "./memory-source.ts";
import { Peer } from "./peer.ts";

/** What a test may choose. */
export interface RigOptions {
  readonly frames?: number;
  readonly blocks?: number;
  readonly source?: MemorySource;
  /** A machine that was switched off: its disk has what was written. */
  readonly machine?: SimulatedMachine;
  /** Puts something between the kernel and the disk. */
  readonly wrapDisk?: (disk: Disk) => Disk;
  readonly cheetah?: Partial<CheetahOptions>;
  /** False returns before the first import. */
  readonly waits?: boolean;
}

/** A server and its machine. */
export interface ServerRig {
  readonly cheetah: Cheetah;
  readonly gate: Gate;
  readonly machine: SimulatedMachine;
  readonly source: MemorySource;
  readonly faults: unknown[];
  /** Runs the machine until it is idle or `seconds` have passed. */
  run(seconds?: number): void;
  /** Runs until `done`. */
  until(done: () => boolean, seconds?: number): void;
  /** A new connection. */
  connect(): Peer;
  /** Sends `request` on a connection of its own and returns all that comes back. */
  exchange(request: string | Uint8Array): Uint8Array;
}

const FAST_DISK = {
  seekSeconds: 0.000_05,
  fullSeekSeconds: 0.000_1,
  overheadSeconds: 0.000_01,
  bytesPerSecond: 2e9,
};

/** Boots, makes a server, and waits until it is ready. */
export function makeServerRig(options: RigOptions = {}): ServerRig {
  const blocks = options.blocks ?? 8192;
  const made =
    options.machine ??
    makeSimulatedMachine({ frames: options.frames ?? 4096, disks: [{ blocks, ...FAST_DISK }] });
  const wrap = options.wrapDisk ?? ((disk) => disk);
  const machine = { ...made, disks: made.disks.map(wrap) };
  const faults: unknown[] = [];
  const kernel = boot(machine, { faulted: (_environment, reason) => faults.push(reason) });
  const source = options.source ?? makeMemorySource();
  const held: { cheetah?: Cheetah; gate?: Gate } = {};
  const program = (gate: Gate) => {
    must(gate.sliceAlloc(sliceIndex(0), capSlot(0)));
    const disk = { disk: 0, first: 0, blocks, device: capSlot(0) };
    const cheetah = makeCheetah(gate, {
      slot: capSlot(0),
      disk,
      source,
      cacheFrames: 512,
      ...options.cheetah,
    });
    if (failed(cheetah)) throw new Error(cheetah.name);
    held.cheetah = cheetah;
    held.gate = gate;
    return eventLoop(gate, [cheetah]);
  };
  const root = must(kernel.root.capabilityForge(capSlot(0), { name: [], rights: RIGHTS.all }));
  must(kernel.root.environmentCreate(program, root));
  const { cheetah, gate } = held as { cheetah: Cheetah; gate: Gate };
  const part = { clock: made.clock, steppable: kernel };
  const until = (done: () => boolean, seconds = 60): void => {
    runSimulated([part], { until: done, seconds });
    if (faults.length > 0) throw faults[0];
  };
  const run = (seconds = 0.1): void => {
    kernel.root.wake(gate.self, capSlot(0));
    until(() => false, seconds);
  };
  if (options.waits !== false) until(() => cheetah.progress().rounds > 0);
  const connect = (): Peer => new Peer(cheetah.handler);
  const exchange = (request: string | Uint8Array): Uint8Array => exchangeOn(connect(), request, run);
  return { cheetah, gate, machine: made, source, faults, run, until, connect, exchange };
}

function exchangeOn(peer: Peer, request: string | Uint8Array, run: (seconds: number) => void): Uint8Array {
  peer.write(request);
  const parts: Uint8Array[] = [];
  for (let quiet = 0; quiet < 3;) {
    if (peer.receive() > 0) quiet = 0;
    else quiet += 1;
    parts.push(peer.take());
    if (quiet > 0) run(0.01);
  }
  peer.end();
  peer.receive();
  parts.push(peer.take());
  return Buffer.concat(parts);
}

/** A response, taken apart. */
export interface ParsedResponse {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** What follows it. */
  readonly rest: Buffer;
}

/** Takes the first response apart by its `Content-Length`. */
export function parseResponse(bytes: Uint8Array, headOnly = false): ParsedResponse {
  const all = Buffer.from(bytes);
  const end = all.indexOf("\r\n\r\n");
  if (end < 0) throw new Error(`no response in ${JSON.stringify(all.toString("latin1"))}`);
  const [line, ...lines] = all.subarray(0, end).toString("latin1").split("\r\n");
  const fields = new Map(
    lines.map((text) => {
      const colon = text.indexOf(":");
      return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()];
    }),
  );
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line ?? "")?.[1]);
  const length = headOnly || status === 304 ? 0 : Number(fields.get("content-length") ?? NaN);
  return {
    status,
    fields,
    body: all.subarray(end + 4, end + 4 + length),
    rest: all.subarray(end + 4 + length),
  };
}

/** The text of bytes. */
export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
