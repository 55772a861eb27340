/** Handlers: what a kernel must keep. */
import type { ContractCase } from "@exolith/hw-model/contract";
import {
  HANDLER_FUNCTIONS,
  RIGHTS,
  makeModuleBuilder,
  type Filter,
  type FunctionBuilder,
} from "@exolith/secure-bind";
import { expect } from "vitest";
import type { HandlerRequest } from "../abi/calls/handler.ts";
import { must } from "../abi/errors.ts";
import type { Gate } from "../abi/gate.ts";
import { FRAME_BYTES, frame, rowOf, type FilterId, type HandlerId, type TransmitId } from "../abi/ids.ts";
import { DEVICE_NAMES, HANDLER_FRAMES_MAX, RING_SLOT_BYTES } from "../abi/limits.ts";
import type { Window } from "../abi/window.ts";
import { outcome, placeEnvironment } from "../testing/rig.ts";
import { NO_NUMBERS, grant, own, type KernelHarness } from "./harness.ts";

const PORT = 7;
const REPLY_PORT = 9;
const FIRST = 16;
/** A page of memory in WebAssembly. */
const FRAMES = 16;
const PAYLOAD = [1, 2, 3, 4, 5, 6, 7, 8];

/** Frames of an experimental type (IEEE 802 section 9.2.3), told apart by the byte that follows it. */
const byPort = (port: number): Filter => [
  { kind: "equal", at: 12, width: 2, mask: 0xffff, value: 0x88b5 },
  { kind: "equal", at: 14, width: 1, mask: 0xff, value: port },
];
const FROM_US: Filter = [{ kind: "equal", at: 6, width: 4, mask: 0xffff_ffff, value: 0x0200_0000 }];
const headerTo = (port: number, from = 2): number[] =>
  [Array.from({ length: 6 }, () => 0xff), [from, 0, 0, 0, 0, 1, 0x88, 0xb5, port]].flat();

/** Imported functions by their numbers. */
const [APPEND, SEND] = HANDLER_FUNCTIONS.map((_, number) => number) as [number, number];

/** A module whose entry is `body`; a page of memory begins with the header of its replies. */
function moduleOf(body: (code: FunctionBuilder) => void, from?: number): Uint8Array {
  const builder = makeModuleBuilder();
  for (const { module, name, parameters, results } of HANDLER_FUNCTIONS)
    builder.importFunction(module, name, builder.type(parameters, results));
  const entry = builder.function(["i32", "i32"], ["i32"]);
  body(entry);
  builder.export("handle", "function", entry.index);
  builder.memory({ minimum: 1 });
  builder.data(Uint8Array.from(headerTo(REPLY_PORT, from)), 0);
  return builder.build();
}

/** A module that would have the host keep tables of 65,536 elements for it. */
function withTables(count: number): Uint8Array {
  const builder = makeModuleBuilder();
  const entry = builder.function(["i32", "i32"], ["i32"]);
  entry.i32(1);
  builder.export("handle", "function", entry.index);
  for (let i = 0; i < count; i++) builder.table({ minimum: 65_536 });
  builder.memory({ minimum: 1 });
  return builder.build();
}

/** Sends the header and the payload back. */
function sendReply(code: FunctionBuilder): FunctionBuilder {
  code.i32(0).i32(15).op("call", APPEND).op("drop");
  code.get(0).i32(15).op("i32.add").get(1).i32(15).op("i32.sub").op("call", APPEND).op("drop");
  return code.op("call", SEND).op("drop");
}

/** An environment with a filter, a ring and frames for a handler, and one that sends to it and gets the replies. */
interface Pair {
  readonly h: KernelHarness;
  readonly gate: Gate;
  readonly filter: FilterId;
  readonly transmit: TransmitId;
  readonly words: Window;
  readonly slots: Window;
  readonly memory: Window;
  /** The sender's ring, as `words` and `slots`. */
  readonly replyWords: Window;
  readonly replySlots: Window;
  send(payload: readonly number[]): void | Promise<void>;
}

interface Ring {
  readonly filter: FilterId;
  readonly words: Window;
  readonly slots: Window;
}

function ringFor(h: KernelHarness, gate: Gate, port: number, at: number): Ring {
  const nic = grant(h, gate, { name: [DEVICE_NAMES.nic, 0], rights: RIGHTS.allocate });
  must(gate.framesAlloc(frame(at), 3, own));
  const ring = must(gate.ringBind(frame(at), 3, own));
  return {
    filter: must(gate.filterInsert(0, byPort(port), ring, nic, own)),
    words: must(gate.windowBind(frame(at), 1, true, own)),
    slots: must(gate.windowBind(frame(at + 1), 2, false, own)),
  };
}

function pair(h: KernelHarness): Pair {
  const gate = placeEnvironment(h.root, [1, 1]);
  const sender = placeEnvironment(h.root, [1, 2]);
  const mine = ringFor(h, gate, PORT, 8);
  const theirs = ringFor(h, sender, REPLY_PORT, 40);
  must(gate.framesAlloc(frame(FIRST), FRAMES, own));
  must(sender.framesAlloc(frame(44), 1, own));
  const out = must(sender.windowBind(frame(44), 1, true, own));
  const free = must(h.root.transmitBind(0, [], sender.self, own, own));
  const gather = sender.gather();
  return {
    h,
    gate,
    ...mine,
    transmit: must(h.root.transmitBind(0, FROM_US, gate.self, own, own)),
    memory: must(gate.windowBind(frame(FIRST), FRAMES, true, own)),
    replyWords: theirs.words,
    replySlots: theirs.slots,
    send: (payload) => {
      const bytes = Uint8Array.from([...headerTo(PORT, 4), ...payload]);
      out.write(0, bytes, 0, bytes.length);
      gather.clear();
      gather.add(out, 0, bytes.length);
      must(sender.transmit(free, gather));
      return h.settle();
    },
  };
}

const request = (p: Pair, body: (code: FunctionBuilder) => void, from?: number): HandlerRequest => ({
  module: moduleOf(body, from),
  fuel: 1000,
  transmit: p.transmit,
});

const installed = (p: Pair, what: HandlerRequest): HandlerId =>
  must(p.gate.handlerInstall(p.filter, what, frame(FIRST), FRAMES, own));

/** Bytes of the frame in slot 0 of a ring, none when it is empty; the slot is given back. */
function takeFirst(words: Window, slots: Window): number[] {
  const bytes = new Uint8Array(words.getU32(0));
  slots.read(0, bytes, 0, bytes.length);
  return [...bytes];
}

const decides = async (h: KernelHarness): Promise<void> => {
  const p = pair(h);
  const handler = installed(
    p,
    request(p, (code) => void code.get(0).memory("i32.load8_u", 15)),
  );
  await p.send([1, 2, 3]);
  expect(p.words.getU32(0)).toBe(0);
  await p.send([0, 5, 6]);
  expect(takeFirst(p.words, p.slots)).toEqual([...headerTo(PORT, 4), 0, 5, 6]);
  expect(p.words.getU32(4)).toBe(0);
  const { handlers } = h.root;
  const row = rowOf(handler);
  expect([handlers.consumed(row), handlers.deferred(row), handlers.aborted(row)]).toEqual([1, 1, 0]);
  expect([handlers.owner(row), handlers.id(row), handlers.filter(row)]).toEqual([
    p.gate.self,
    handler,
    p.filter,
  ]);
};

const remembers = async (h: KernelHarness): Promise<void> => {
  const p = pair(h);
  installed(
    p,
    request(p, (code) => {
      code.i32(64).i32(64).memory("i32.load").i32(1).op("i32.add").memory("i32.store");
      code.i32(0x4000).get(0).i32(15).op("i32.add").i32(8).op("memory.copy", 0, 0).i32(1);
    }),
  );
  for (let i = 0; i < 3; i++) await p.send(PAYLOAD);
  expect([p.memory.getU32LE(64), p.memory.getU8(0x4000), p.memory.getU8(0x4007)]).toEqual([3, 1, 8]);
};

const stops = async (h: KernelHarness): Promise<void> => {
  const p = pair(h);
  const end = FRAMES * FRAME_BYTES;
  const bodies: readonly ((code: FunctionBuilder) => void)[] = [
    (code) => void code.open("loop").op("br", 0).end().i32(1),
    (code) => void code.op("unreachable"),
    (code) => void code.i32(1).i32(0).op("i32.div_u"),
    (code) => void code.i32(end).i32(7).memory("i32.store8").i32(1),
    (code) => void code.i32(-1).memory("i32.load"),
    (code) => void code.get(0).i32(7).memory("i32.store8").i32(1),
    (code) => void code.get(0).get(1).op("i32.add").memory("i32.load8_u"),
  ];
  for (const [i, body] of bodies.entries()) {
    const handler = installed(
      p,
      request(p, (code) => body(sendReply(code))),
    );
    const slot = i % 4;
    p.words.setU32(slot * 4, 0);
    await p.send([...PAYLOAD, i]);
    expect([i, p.words.getU32(slot * 4)]).toEqual([i, 15 + PAYLOAD.length + 1]);
    expect([i, p.slots.getU8(slot * RING_SLOT_BYTES + 15 + PAYLOAD.length)]).toEqual([i, i]);
    const { handlers, environments } = h.root;
    expect([i, handlers.aborted(rowOf(handler)), handlers.sent(rowOf(handler))]).toEqual([i, 1, 0]);
    expect(environments.id(rowOf(p.gate.self))).toBe(p.gate.self);
    must(p.gate.handlerRemove(handler));
  }
  expect(p.replyWords.getU32(0)).toBe(0);
};

const sends = async (h: KernelHarness): Promise<void> => {
  const p = pair(h);
  const honest = installed(
    p,
    request(p, (code) => void sendReply(code).i32(1)),
  );
  await p.send(PAYLOAD);
  expect(takeFirst(p.replyWords, p.replySlots)).toEqual([...headerTo(REPLY_PORT), ...PAYLOAD]);
  must(p.gate.handlerRemove(honest));
  const refused: readonly HandlerRequest[] = [
    request(p, (code) => void sendReply(code).i32(1), 3),
    { ...request(p, (code) => void sendReply(code).i32(1)), transmit: undefined },
  ];
  for (const what of refused) {
    const handler = installed(p, what);
    await p.send(PAYLOAD);
    const { handlers } = h.root;
    expect([handlers.sent(rowOf(handler)), handlers.refused(rowOf(handler))]).toEqual([0, 1]);
    must(p.gate.handlerRemove(handler));
  }
  const late = installed(
    p,
    request(p, (code) => void sendReply(code).i32(1)),
  );
  must(h.root.transmitUnbind(p.transmit, own));
  await p.send(PAYLOAD);
  expect([h.root.handlers.refused(rowOf(late)), p.replyWords.getU32(4)]).toEqual([1, 0]);
};

const ends = async (h: KernelHarness): Promise<void> => {
  const p = pair(h);
  const free = (): string => outcome(p.gate.framesFree(frame(FIRST + 1), 1, own));
  const consume = request(p, (code) => void code.i32(1));
  const first = installed(p, consume);
  expect([free(), outcome(h.root.handlerRemove(first))]).toEqual(["Pinned", "NoHandler"]);
  expect(outcome(p.gate.handlerInstall(p.filter, consume, frame(FIRST), FRAMES, own))).toBe("Busy");
  must(p.gate.handlerRemove(first));
  const second = installed(p, consume);
  expect([second === first, outcome(p.gate.handlerRemove(first))]).toEqual([false, "NoHandler"]);
  must(p.gate.filterRemove(p.filter, own));
  expect([outcome(p.gate.handlerRemove(second)), free()]).toEqual(["NoHandler", "ok"]);
  await p.send(PAYLOAD);
  expect(p.words.getU32(0)).toBe(0);
};

const isChecked = (h: KernelHarness): void => {
  const p = pair(h);
  const good = request(p, (code) => void code.i32(1));
  const attempt = (
    what: unknown,
    first: unknown = FIRST,
    count: unknown = FRAMES,
    filter: unknown = p.filter,
  ): string =>
    outcome(
      p.gate.handlerInstall(filter as FilterId, what as HandlerRequest, first as never, count as number, own),
    );
  for (const what of [
    ...NO_NUMBERS,
    { ...good, fuel: 0 },
    { ...good, module: new Uint8Array(8) },
    { ...good, module: good.module.subarray(0, good.module.length - 3) },
    request(p, (code) => void code.f64(1).op("drop").i32(1)),
    { ...good, pipes: [[{ kind: "rot13" }]] },
    { ...good, module: withTables(1) },
    { ...good, module: withTables(16) },
  ])
    expect(attempt(what)).toBe("BadHandler");
  expect(attempt(good, FIRST, FRAMES - 1)).toBe("BadHandler");
  for (const count of [0, HANDLER_FRAMES_MAX + 1, ...NO_NUMBERS.filter((one) => one !== undefined)])
    expect(attempt(good, FIRST, count)).toBe("BadRange");
  for (const first of NO_NUMBERS.filter((one) => one !== undefined))
    expect(attempt(good, first)).toBe("BadFrame");
  for (const filter of [0, ...NO_NUMBERS.filter((one) => one !== undefined)])
    expect(attempt(good, FIRST, FRAMES, filter)).toBe("NoFilter");
  expect(attempt({ ...good, transmit: p.transmit + 1 })).toBe("BadBinding");
  expect(attempt(good, 40)).toBe("BadCapability");
  expect(attempt(good)).toBe("ok");
};

/** The cases of this part. */
export const HANDLER_CASES: readonly ContractCase<KernelHarness>[] = [
  ["runs a handler for each frame of its filter, and delivers what it does not consume", decides],
  ["gives a handler the frames of its owner for its memory, in which it may put a message", remembers],
  ["stops a handler that loops, traps or leaves its memory, and delivers the frame as without it", stops],
  ["sends what a handler sent, if its binding allows that and still is", sends],
  ["pins the frames of a handler, which ends with its filter or by its owner", ends],
  ["refuses handlers that do not verify, and places and bindings that are not the caller's", isChecked],
];
