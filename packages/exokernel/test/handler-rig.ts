/** Environments with handlers, and a peer that talks to them: on the loopback interface of one machine. */
import type { SimulatedMachineOptions } from "@exolith/hw-model";
import { RIGHTS, type Pipe } from "@exolith/secure-bind";
import { handlerModule, type HandlerImports } from "@exolith/secure-bind/testing";
import {
  FRAME_BYTES,
  RING_SLOT_BYTES,
  capSlot,
  frame,
  must,
  rowOf,
  type CapSlot,
  type Filter,
  type FilterId,
  type Gate,
  type HandlerId,
  type HandlerRequest,
  type RingId,
  type TransmitId,
  type Window,
} from "../src/abi/index.ts";
import type { BootOptions } from "../src/index.ts";
import { makeRig, outcome, type Rig, type RigEnvironment } from "../src/testing/index.ts";

/** The slot of everybody's own capability. */
export const own: CapSlot = capSlot(0);

/** Writes the instructions of a handler. */
export type Body = (code: Code, imports: HandlerImports) => Code;
/** What they are written to. */
export type Code = Parameters<Parameters<typeof handlerModule>[0]>[0];

/** Bytes of a page of memory in WebAssembly, in frames. */
export const PAGE_FRAMES = 16;
/** Where messages go that handlers send. */
export const REPLY_PORT = 200;
const HEADER_BYTES = 15;

/** Frames of an experimental type (IEEE 802 section 9.2.3), told apart by the byte that follows it. */
export const byPort = (port: number): Filter => [
  { kind: "equal", at: 12, width: 2, mask: 0xffff, value: 0x88b5 },
  { kind: "equal", at: 14, width: 1, mask: 0xff, value: port },
];

/** The header of a frame from the station `from` to `port`. */
export const header = (port: number, from: number): number[] => [
  2,
  0,
  0,
  0,
  0,
  99,
  2,
  0,
  0,
  0,
  0,
  from,
  0x88,
  0xb5,
  port,
];

/** Frames that come from the station `from`. */
export const sentBy = (from: number): Filter => [
  { kind: "equal", at: 6, width: 4, mask: 0xffff_ffff, value: 0x0200_0000 },
  { kind: "equal", at: 10, width: 2, mask: 0xffff, value: from },
];

/** A frame to `port` with a payload. */
export const packet = (port: number, payload: readonly number[], from: number = 99): Uint8Array =>
  Uint8Array.from([...header(port, from), ...payload]);

/** An environment with a ring of four slots, a filter that feeds it, a transmit binding, and frames for a handler. */
export interface Station {
  readonly rig: Rig;
  readonly gate: Gate;
  readonly row: number;
  readonly port: number;
  readonly nic: CapSlot;
  readonly ring: RingId;
  readonly filter: FilterId;
  readonly transmit: TransmitId;
  readonly words: Window;
  readonly slots: Window;
  /** First frame of the handler's memory, and the memory. */
  readonly first: number;
  readonly memory: Window;
}

/** Frames that a station has: those of its ring, then a page for a handler. */
const RING_FRAMES = 3;
const STATION_FRAMES = RING_FRAMES + PAGE_FRAMES;

/** Station number `port`, which gets the frames to that port. */
export function station(rig: Rig, port: number, set: RigEnvironment = {}): Station {
  const gate = rig.environment([1, port], set);
  const at = 1 + (port % 10) * STATION_FRAMES;
  const nic = rig.grant(gate, { name: [2, 0], rights: RIGHTS.allocate });
  must(gate.framesAlloc(frame(at), STATION_FRAMES, own));
  const ring = must(gate.ringBind(frame(at), RING_FRAMES, own));
  const first = at + RING_FRAMES;
  return {
    rig,
    gate,
    row: rowOf(gate.self),
    port,
    nic,
    ring,
    filter: must(gate.filterInsert(0, byPort(port), ring, nic, own)),
    transmit: must(rig.root.transmitBind(0, sentBy(port), gate.self, own, own)),
    words: must(gate.windowBind(frame(at), 1, true, own)),
    slots: must(gate.windowBind(frame(at + 1), RING_FRAMES - 1, false, own)),
    first,
    memory: must(gate.windowBind(frame(first), PAGE_FRAMES, true, own)),
  };
}

/** What a handler is made of, besides its instructions. */
export interface HandlerOptions {
  readonly fuel?: number;
  readonly pages?: number;
  readonly data?: Uint8Array;
  readonly start?: (code: Code) => void;
  readonly pipes?: readonly Pipe[];
  /** The binding it sends by: its station's, or none when `false`. */
  readonly transmit?: TransmitId | false;
}

/** The request of a handler for a station: data is the header of its replies unless it has other. */
export function requestOf(s: Station, body: Body, options: HandlerOptions = {}): HandlerRequest {
  const { fuel = 2000, pipes, transmit = s.transmit, ...parts } = options;
  const data = Uint8Array.from(header(REPLY_PORT, s.port));
  return {
    module: handlerModule(body, parts.pages === 0 ? parts : { pages: 1, data, ...parts }),
    fuel,
    pipes,
    transmit: transmit === false ? undefined : transmit,
  };
}

/** Installs a handler in a station's frames. */
export const install = (s: Station, body: Body, options: HandlerOptions = {}): HandlerId =>
  must(s.gate.handlerInstall(s.filter, requestOf(s, body, options), frame(s.first), PAGE_FRAMES, own));

/** Instructions that send the reply header and then `length` bytes of the message from `offset`; nothing is left. */
export function reply(code: Code, imports: HandlerImports, offset: number = HEADER_BYTES): Code {
  code.i32(0).i32(HEADER_BYTES).op("call", imports.append).op("drop");
  code
    .get(0)
    .i32(offset)
    .op("i32.add")
    .get(1)
    .i32(offset)
    .op("i32.sub")
    .op("call", imports.append)
    .op("drop");
  return code.op("call", imports.send).op("drop");
}

/** Answers with the message's own payload. */
export const echo: Body = (code, imports) => reply(code, imports).i32(1);

/** Loops without end. */
export const endless: Body = (code) => code.open("loop").op("br", 0).end().i32(1);

/** A machine for handlers. */
export const handlerRig = (options: BootOptions = {}, parts: SimulatedMachineOptions = {}): Rig =>
  makeRig(512, { reserveFrames: 0, ...options }, parts);

/** Whoever talks to stations, by the root's authority: sends frames and gets the replies. */
export interface Peer {
  /** Queues a frame that comes in with the next step; false when the interface is full. */
  send(bytes: Uint8Array): boolean;
  /** Sends and lets everything be done that is due. */
  deliver(bytes: Uint8Array): void;
  /** Replies that came since it was asked last, whole frames. */
  replies(): number[][];
}

/** Replies that a peer has room for. */
const REPLIES = 64;

/** The peer; it has the frames from 400 on. */
export function makePeer(rig: Rig): Peer {
  const { root } = rig;
  const gate = rig.environment([9, 9]);
  const nic = rig.grant(gate, { name: [2, 0], rights: RIGHTS.allocate });
  const frames = 1 + REPLIES / 2;
  must(gate.framesAlloc(frame(400), frames + 1, own));
  const ring = must(gate.ringBind(frame(400), frames, own));
  must(gate.filterInsert(0, byPort(REPLY_PORT), ring, nic, own));
  const words = must(gate.windowBind(frame(400), 1, true, own));
  const slots = must(gate.windowBind(frame(401), frames - 1, false, own));
  const memory = must(gate.windowBind(frame(400 + frames), 1, true, own));
  const binding = must(root.transmitBind(0, [], gate.self, own, own));
  const gather = gate.gather();
  const send = (bytes: Uint8Array): boolean => {
    memory.write(0, bytes, 0, bytes.length);
    gather.clear();
    gather.add(memory, 0, bytes.length);
    return gate.transmit(binding, gather) === undefined;
  };
  let next = 0;
  const take = (): number[] | undefined => {
    const length = words.getU32(next * 4);
    if (length === 0) return undefined;
    const bytes = new Uint8Array(length);
    slots.read(next * RING_SLOT_BYTES, bytes, 0, length);
    words.setU32(next * 4, 0);
    next = (next + 1) % REPLIES;
    return [...bytes];
  };
  const replies = (): number[][] => {
    const all: number[][] = [];
    for (let one = take(); one !== undefined; one = take()) all.push(one);
    return all;
  };
  const deliver = (bytes: Uint8Array): void => {
    if (!send(bytes)) throw new Error("the interface is full");
    rig.run();
  };
  return { send, deliver, replies };
}

/** Frames in the slots of a station's ring, in the order of the slots. */
export function inRing({ words, slots }: Station): number[][] {
  return [0, 1, 2, 3].flatMap((slot) => {
    const length = words.getU32(slot * 4);
    if (length === 0) return [];
    const bytes = new Uint8Array(length);
    slots.read(slot * RING_SLOT_BYTES, bytes, 0, length);
    return [[...bytes]];
  });
}

/** All of physical memory but some frames. */
export function memoryWithout({ machine }: Rig, first: number, count: number): Buffer {
  const { bytes } = machine.memory;
  return Buffer.concat([
    bytes.subarray(0, first * FRAME_BYTES),
    bytes.subarray((first + count) * FRAME_BYTES),
  ]);
}

/** The port of the station in a world. */
export const PORT = 7;
/** A payload that tells every byte from every other. */
export const PAYLOAD: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17];

/** A machine, a station on it, and the peer. */
export interface World {
  readonly rig: Rig;
  readonly s: Station;
  readonly peer: Peer;
}

/** A world without a handler. */
export const world = (rig: Rig = handlerRig()): World => ({
  rig,
  s: station(rig, PORT),
  peer: makePeer(rig),
});

/** A world with a handler. */
export function installed(
  body: Body,
  options: HandlerOptions = {},
  rig?: Rig,
): World & { readonly handler: HandlerId } {
  const made = world(rig);
  return { ...made, handler: install(made.s, body, options) };
}

/** The columns of a handler's row that count. */
export const counts = ({ gate: { handlers } }: Station, handler: HandlerId): Record<string, number> => {
  const row = rowOf(handler);
  const { consumed, deferred, aborted, skipped, sent, refused } = handlers;
  return Object.fromEntries(
    Object.entries({ consumed, deferred, aborted, skipped, sent, refused })
      .map(([name, read]) => [name, read(row)] as const)
      .filter(([, count]) => count > 0),
  );
};

/** The outcome of an installation in a station's frames, or others. */
export const installedBy = (
  s: Station,
  request: unknown,
  first: number = s.first,
  count: number = PAGE_FRAMES,
): string => outcome(s.gate.handlerInstall(s.filter, request as HandlerRequest, frame(first), count, own));
