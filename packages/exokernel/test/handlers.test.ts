/** Handlers: what they are for, what stops them, and what they send. */
import { makeLoopback, MODERN_3GHZ } from "@exolith/hw-model";
import { IMPORT_FUEL, RIGHTS, byteSwap, internetChecksum } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import { FRAME_BYTES, KERNEL, RING_SLOT_BYTES, must, rowOf } from "../src/abi/index.ts";
import { makeTrace } from "../src/index.ts";
import { checkTables, tableState, type Rig } from "../src/testing/index.ts";
import {
  PAGE_FRAMES,
  PAYLOAD,
  PORT,
  REPLY_PORT,
  counts,
  echo,
  endless,
  handlerRig,
  header,
  inRing,
  install,
  installed,
  installedBy,
  makePeer,
  own,
  packet,
  reply,
  requestOf,
  sentBy,
  station,
  world,
  type Body,
  type HandlerOptions,
  type Peer,
} from "./handler-rig.ts";
import { eventsOf, place, sleep } from "./transfer-rig.ts";

const PAGE = PAGE_FRAMES * FRAME_BYTES;

/** Frames of physical memory in which a byte is other than before. */
function changedFrames({ machine: { memory } }: Rig, before: Uint8Array): number[] {
  return Array.from({ length: memory.frames }, (_, f) => f).filter((f) => {
    const [from, to] = [f * FRAME_BYTES, (f + 1) * FRAME_BYTES];
    return Buffer.compare(memory.bytes.subarray(from, to), before.subarray(from, to)) !== 0;
  });
}

/** The frames in which the kernel stages what arrives, and its own. */
const kernelFrames = ({ root: { frames } }: Rig): number[] =>
  Array.from({ length: frames.count }, (_, f) => f).filter((f) => frames.owner(f) === KERNEL);

/** Units of each cost that the kernel charges from now on. */
function charges({ machine: { meter } }: Rig): Map<string, number> {
  const units = new Map<string, number>();
  const { charge } = meter;
  meter.charge = (cost, count) => {
    units.set(cost, (units.get(cost) ?? 0) + count);
    charge(cost, count);
  };
  return units;
}

const STOPPED: readonly (readonly [string, Body])[] = [
  ["a loop without end", endless],
  ["a store below everything", (code) => code.i32(-4).i32(7).memory("i32.store").i32(1)],
  ["a store just above its memory", (code) => code.i32(PAGE).i32(7).memory("i32.store8").i32(1)],
  [
    "a store into another's frame",
    (code) =>
      code
        .i32(400 * FRAME_BYTES)
        .i32(7)
        .memory("i32.store")
        .i32(1),
  ],
  ["a store with a large offset", (code) => code.i32(-1).i32(7).memory("i32.store", 0xffff_ffff).i32(1)],
  ["a load just above its memory", (code) => code.i32(PAGE - 3).memory("i32.load")],
  ["a load behind the message", (code) => code.get(0).memory("i32.load8_u", 15 + PAYLOAD.length)],
  ["a store into the message", (code) => code.get(0).i32(7).memory("i32.store8").i32(1)],
  ["a copy over everything", (code) => code.i32(0).get(0).i32(-1).op("memory.copy", 0, 0).i32(1)],
  ["a fill of everything", (code) => code.i32(0).i32(0).i32(-1).op("memory.fill", 0).i32(1)],
  ["a division by zero", (code) => code.get(1).i32(0).op("i32.div_u")],
  ["unreachable", (code) => code.op("unreachable")],
];

describe("safety", () => {
  test("[N8] a handler is verified, confined and bounded: wild stores, loops and accesses out of bounds are refused or stopped, the frame is delivered as without it and the environment goes on; an honest handler answers", () => {
    // Verified: no floats, nothing imported but what handlers may, no place but what it brings.
    const { s } = world();
    const refused = (body: Body, options: HandlerOptions = {}): string =>
      installedBy(s, requestOf(s, body, options));
    const before = tableState(s.gate);
    expect(refused((code) => code.f64(1).op("drop").i32(1))).toBe("BadHandler");
    expect(refused((code) => code.f32(1).op("i32.trunc_f32_u"))).toBe("BadHandler");
    const foreign = requestOf(s, echo).module.slice();
    foreign.set([0x78], foreign.indexOf("append".charCodeAt(0), 20));
    expect(installedBy(s, { module: foreign, fuel: 10 })).toBe("BadHandler");
    expect(refused(echo, { pages: 2 })).toBe("BadHandler");
    expect(refused(echo, { start: (code) => code.open("loop").op("br", 0).end() })).toBe("BadHandler");
    expect(refused(echo, { fuel: 0 })).toBe("BadHandler");
    expect(tableState(s.gate)).toBe(before);
    // Stopped: by fuel, at its bounds, by a trap. Nobody's memory has changed, and default delivery happens.
    for (const [name, body] of STOPPED) {
      let slices = 0;
      const rig = handlerRig();
      const victim = station(rig, PORT, {
        slices: [0],
        upcalls: (gate) => ({
          sliceBegin: () => {
            slices += 1;
            sleep(gate);
          },
        }),
      });
      const peer = makePeer(rig);
      rig.run();
      const handler = install(
        victim,
        (code, imports) => {
          reply(code, imports);
          code.op("call", imports.wake);
          return body(code, imports);
        },
        { fuel: 500 },
      );
      const sent = packet(PORT, PAYLOAD);
      const ran = slices;
      peer.send(sent);
      const memory = rig.machine.memory.bytes.slice();
      rig.run();
      const own = Array.from({ length: PAGE_FRAMES }, (_, i) => victim.first + i);
      const ring = [victim.first - 3, victim.first - 2];
      const allowed = new Set([...own, ...ring, ...kernelFrames(rig)]);
      expect([name, changedFrames(rig, memory).filter((f) => !allowed.has(f))]).toEqual([name, []]);
      expect([name, counts(victim, handler)]).toEqual([name, { aborted: 1 }]);
      expect([name, inRing(victim)]).toEqual([name, [[...sent]]]);
      expect([name, peer.replies()]).toEqual([name, []]);
      expect(rig.root.handlers.fuel(rowOf(handler))).toBeLessThanOrEqual(2 * 500 + IMPORT_FUEL);
      // The environment goes on: it was told of the frame, has no fault, and is served again.
      const { environments } = rig.root;
      expect([slices - ran, environments.state(victim.row), environments.faults(victim.row)]).toEqual([
        1, 1, 0,
      ]);
      expect(environments.events(victim.row)).toBe(1);
      peer.deliver(sent);
      expect([name, inRing(victim).length]).toEqual([name, 2]);
      checkTables(rig.root);
    }
    // An honest one answers, and nothing is delivered.
    const honest = installed(echo);
    honest.peer.deliver(packet(PORT, PAYLOAD));
    expect(honest.peer.replies()).toEqual([[...header(REPLY_PORT, PORT), ...PAYLOAD]]);
    expect([inRing(honest.s), counts(honest.s, honest.handler)]).toEqual([[], { consumed: 1, sent: 1 }]);
  });

  test("calls without end are stopped by the stack that a handler has, or by its fuel", () => {
    const trace = makeTrace(100);
    const { s, peer, handler } = installed(
      (code) => code.get(0).get(1).op("call", 5).ops("drop").i32(1),
      { fuel: 60_000 },
      handlerRig({ trace }),
    );
    for (let i = 0; i < 3; i++) peer.deliver(packet(PORT, PAYLOAD));
    expect([counts(s, handler), inRing(s).length]).toEqual([{ aborted: 3 }, 3]);
    expect(eventsOf(trace, "handlerAbort").map(([, row]) => row)).toEqual(Array(3).fill(rowOf(handler)));
  });

  test("nothing of a run that defers goes out, and its frame is delivered", () => {
    const { s, peer, handler } = installed((code, imports) => reply(code, imports).i32(0));
    peer.deliver(packet(PORT, PAYLOAD));
    expect([peer.replies(), inRing(s).length, counts(s, handler)]).toEqual([[], 1, { deferred: 1 }]);
  });

  test("a handler is asked again for every frame, and keeps what it knows in its memory", () => {
    const { s, peer, handler } = installed((code) => {
      code.i32(64).i32(64).memory("i32.load").i32(1).op("i32.add").memory("i32.store");
      return code.i32(64).memory("i32.load").i32(1).op("i32.and");
    });
    for (let i = 0; i < 6; i++) peer.deliver(packet(PORT, [i]));
    expect([s.memory.getU32LE(64), counts(s, handler)]).toEqual([6, { consumed: 3, deferred: 3 }]);
    expect(inRing(s).map((bytes) => bytes[15])).toEqual([1, 3, 5]);
  });

  test("it sees the frames of its filter and no others", () => {
    const { s, peer, handler, rig } = installed((code) => code.i32(1));
    const other = station(rig, 8);
    peer.deliver(packet(8, PAYLOAD));
    peer.deliver(packet(9, PAYLOAD));
    expect([counts(s, handler), inRing(other).length]).toEqual([{}, 1]);
  });
});

describe("messages go where they belong", () => {
  /** Puts the payload behind its first four bytes to where they say; the rest of the module's page is not touched. */
  const vectoring: Body = (code) => {
    code.get(0).memory("i32.load", 15);
    code.get(0).i32(19).op("i32.add").get(1).i32(19).op("i32.sub").op("memory.copy", 0, 0);
    return code.i32(1);
  };
  const to = (at: number, bytes: readonly number[]): Uint8Array =>
    packet(PORT, [at & 0xff, (at >> 8) & 0xff, at >> 16, 0, ...bytes]);

  test("[N9] the payload lands at the address that its header says, in the application's own frames, with no copy in between", () => {
    const { rig, s, peer, handler } = installed(vectoring);
    const units = charges(rig);
    const copies = (): number => units.get("copyByte") ?? 0;
    const text = Array.from({ length: 300 }, (_, i) => (i * 11 + 1) & 0xff);
    for (const at of [0x100, 0x1ffe, 5 * FRAME_BYTES - 7, PAGE - 300]) {
      const memory = rig.machine.memory.bytes.slice();
      const sent = to(at, text);
      peer.send(sent);
      units.clear();
      rig.run();
      // The kernel has copied nothing: the bytes went from where the interface put them to where they belong.
      expect(copies()).toBe(0);
      const got = new Uint8Array(text.length);
      s.memory.read(at, got, 0, text.length);
      expect([...got]).toEqual(text);
      memory.set(text, s.first * FRAME_BYTES + at);
      const changed = changedFrames(rig, memory).filter((f) => f >= s.first && f < s.first + PAGE_FRAMES);
      expect(changed).toEqual([]);
    }
    expect([counts(s, handler), inRing(s)]).toEqual([{ consumed: 4 }, []]);
    // By default each byte is copied once by the kernel, into a ring, and then by whoever wants it elsewhere.
    must(s.gate.handlerRemove(handler));
    peer.send(to(0x100, text));
    units.clear();
    rig.run();
    expect(copies()).toBe(15 + 4 + text.length);
    // An address outside its memory is its own mistake: the frame is delivered instead.
    const careless = install(s, vectoring);
    for (const at of [PAGE - 299, PAGE, 0xff_0000]) peer.deliver(to(at, text));
    expect([counts(s, careless), inRing(s).length]).toEqual([{ aborted: 3 }, 4]);
  });

  test("a pipe moves and changes them in one pass, and gives its sums", () => {
    const { s, peer, rig } = installed(
      (code, imports) => {
        code.i32(64);
        code.i32(0).i32(0x400).get(0).i32(15).op("i32.add").i32(16).op("call", imports.pipe);
        code.memory("i32.store");
        code.i32(68).i32(0).i32(1).op("call", imports.sum).memory("i32.store");
        return code.i32(1);
      },
      { pipes: [[byteSwap(4), internetChecksum()]] },
    );
    const units = charges(rig);
    peer.send(packet(PORT, PAYLOAD));
    units.clear();
    rig.run();
    expect(units.get("copyByte") ?? 0).toBe(0);
    const swapped = [4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13];
    const got = new Uint8Array(16);
    s.memory.read(0x400, got, 0, 16);
    expect([...got]).toEqual(swapped);
    expect(s.memory.getU32LE(64)).toBe(s.memory.checksum(0x400, 16, 0));
    expect(s.memory.getU32LE(68)).toBe(s.memory.getU32LE(64));
  });
});

describe("control at the wire", () => {
  const AT = 128;
  /** Sends the reply header and four bytes from `AT`. */
  const answer: Body = (code, imports) => {
    code.i32(0).i32(15).op("call", imports.append).op("drop");
    code.i32(AT).i32(4).op("call", imports.append).op("drop");
    return code.op("call", imports.send).op("drop");
  };
  const answers = (peer: Peer): number[] => peer.replies().map((bytes) => bytes[15] ?? -1);

  test("a remote increment: the value is answered and kept, and its owner does not run", () => {
    const { s, peer, rig } = installed((code, imports) => {
      code
        .i32(AT)
        .i32(AT)
        .memory("i32.load")
        .get(0)
        .memory("i32.load8_u", 15)
        .op("i32.add")
        .memory("i32.store");
      return answer(code, imports).i32(1);
    });
    for (const amount of [1, 2, 40]) peer.deliver(packet(PORT, [amount]));
    expect([answers(peer), s.memory.getU32LE(AT)]).toEqual([[1, 3, 43], 43]);
    expect([rig.root.environments.slicesBegun(s.row), rig.root.environments.events(s.row)]).toEqual([0, 0]);
  });

  test("a remote lock: whoever asks first has it, nobody else gives it back, and its owner is woken when it is free", () => {
    const LOCK = AT + 4;
    const { s, peer, rig } = installed((code, imports) => {
      const [asks, name] = [code.local("i32"), code.local("i32")];
      code.get(0).memory("i32.load8_u", 15).i32(1).op("i32.eq").set(asks);
      code.get(0).memory("i32.load8_u", 16).set(name);
      // Who asks needs a lock that is nobody's, who gives it back his own.
      code.i32(AT).i32(LOCK).memory("i32.load").i32(0).get(name).get(asks).ops("select", "i32.eq");
      code.memory("i32.store");
      code.i32(AT).memory("i32.load").open("if");
      code.i32(LOCK).get(name).i32(0).get(asks).op("select").memory("i32.store");
      code.get(asks).op("i32.eqz").open("if").op("call", imports.wake).end().end();
      return answer(code, imports).i32(1);
    });
    const holder = (): number => s.memory.getU32LE(LOCK);
    const say = (operation: number, name: number): [number | undefined, number] => {
      peer.deliver(packet(PORT, [operation, name]));
      return [answers(peer)[0], holder()];
    };
    expect(say(1, 5)).toEqual([1, 5]);
    expect(say(1, 6)).toEqual([0, 5]);
    expect(say(2, 6)).toEqual([0, 5]);
    expect(rig.root.environments.events(s.row)).toBe(0);
    expect(say(2, 5)).toEqual([1, 0]);
    expect(rig.root.environments.events(s.row)).toBe(1);
    expect(say(1, 6)).toEqual([1, 6]);
  });

  test("an active message: it says what is to be done with its argument; what is not known is left to the owner", () => {
    const { s, peer, handler } = installed((code, imports) => {
      const value = code.local("i32");
      code.i32(AT).memory("i32.load").set(value);
      code.open("block").open("block").open("block").open("block");
      code.get(0).memory("i32.load8_u", 15).table([0, 1, 2], 3).end();
      code.get(value).get(0).memory("i32.load8_u", 16).op("i32.add").set(value).op("br", 2).end();
      code.get(value).get(0).memory("i32.load8_u", 16).op("i32.mul").set(value).op("br", 1).end();
      code.i32(0).set(value).op("br", 0).end();
      code.get(0).memory("i32.load8_u", 15).i32(2).op("i32.gt_u").open("if").i32(0).op("return").end();
      code.i32(AT).get(value).memory("i32.store");
      return answer(code, imports).i32(1);
    });
    for (const [what, argument] of [
      [0, 5],
      [1, 6],
      [0, 1],
      [9, 1],
      [2, 0],
    ] as const)
      peer.deliver(packet(PORT, [what, argument]));
    expect([answers(peer), inRing(s).length]).toEqual([[5, 30, 31, 0], 1]);
    expect(counts(s, handler)).toEqual({ consumed: 4, deferred: 1, sent: 4 });
  });
});

describe("replies", () => {
  const sends =
    (...pieces: readonly (readonly [address: number, length: number])[]): Body =>
    (code, { append, send }) => {
      for (const [address, length] of pieces) code.i32(address).i32(length).op("call", append).op("drop");
      return code.op("call", send).op("drop").i32(1);
    };

  test("are gathered from the segment and the message, several a run, in order", () => {
    const { peer, s, handler } = installed((code, imports) => {
      reply(code, imports, 20);
      reply(code, imports, 30);
      return code.i32(1);
    });
    peer.deliver(packet(PORT, PAYLOAD));
    const head = header(REPLY_PORT, PORT);
    expect(peer.replies()).toEqual([
      [...head, ...PAYLOAD.slice(5)],
      [...head, ...PAYLOAD.slice(15)],
    ]);
    expect([counts(s, handler), s.gate.transmits.sent(rowOf(s.transmit))]).toEqual([
      { consumed: 1, sent: 2 },
      2,
    ]);
  });

  test("are refused when the first piece is not what the binding allows, or not all that it looks at", () => {
    const trace = makeTrace(200);
    const made = world(handlerRig({ trace }));
    const { s, peer } = made;
    const other = Uint8Array.from(header(REPLY_PORT, PORT + 1));
    const run = (body: Body, options: HandlerOptions = {}): Record<string, number> => {
      const handler = install(s, body, options);
      peer.deliver(packet(PORT, PAYLOAD));
      const seen = counts(s, handler);
      must(s.gate.handlerRemove(handler));
      return seen;
    };
    const refused = { consumed: 1, refused: 1 };
    expect(run(sends([0, 15]), { data: other })).toEqual(refused);
    expect(run(sends([0, 11], [11, 4]))).toEqual(refused);
    expect(run(sends([0x4000_0000, 30]))).toEqual(refused);
    expect(s.gate.transmits.refused(rowOf(s.transmit))).toBe(3);
    expect(eventsOf(trace, "forged")).toHaveLength(3);
    expect([run(sends([0, 12], [12, 3])), peer.replies().length]).toEqual([{ consumed: 1, sent: 1 }, 1]);
  });

  test("that are too long, or more than the interface takes, are counted and lost, and the rest goes out", () => {
    const { hertz } = MODERN_3GHZ;
    const nic = makeLoopback({ ends: [{ hertz, transmitSlots: 2 }, { hertz }] });
    const { s, peer, handler } = installed(
      (code, imports) => {
        sends([0, 15], [0, 1500])(code, imports).op("drop");
        sends([0, 15], [0, 1499])(code, imports).op("drop");
        reply(code, imports);
        return reply(code, imports).i32(1);
      },
      {},
      handlerRig({}, { nics: [nic] }),
    );
    peer.deliver(packet(PORT, PAYLOAD));
    expect(counts(s, handler)).toEqual({ consumed: 1, sent: 2, refused: 2 });
    expect(peer.replies().map((bytes) => bytes.length)).toEqual([1514, 15 + PAYLOAD.length]);
  });

  test("are compared with the binding one by one, and each comparison is charged", () => {
    const runs = (body: Body, transmit?: false): number => {
      const { rig, peer } = installed(body, transmit === false ? { transmit } : {});
      const units = charges(rig);
      peer.send(packet(PORT, PAYLOAD));
      units.clear();
      rig.run();
      return units.get("classify") ?? 0;
    };
    const twice: Body = (code, imports) => reply(reply(code, imports), imports).i32(1);
    const wrong = sends([4, 11]);
    // The frame itself; then, for each reply that is compared, that, and its own arrival if it went out.
    expect([runs((code) => code.i32(1)), runs(echo, false), runs(wrong), runs(echo), runs(twice)]).toEqual([
      1, 1, 2, 3, 5,
    ]);
  });

  test("leave before anybody runs, whatever they do with their slice then", () => {
    const { hertz } = MODERN_3GHZ;
    const nic = makeLoopback({ ends: [{ hertz }, { hertz }] });
    let flushes = 0;
    const { flush } = nic;
    nic.flush = (now) => {
      flushes += 1;
      flush.call(nic, now);
    };
    const rig = handlerRig({}, { nics: [nic] });
    const seen: number[] = [];
    place(rig, [1, 3], () => ({ sliceBegin: () => void seen.push(flushes) }), [0]);
    const { peer } = installed(echo, {}, rig);
    peer.send(packet(PORT, PAYLOAD));
    rig.kernel.step();
    const before = flushes;
    while (nic.counters.transmitted < 2) {
      seen.length = 0;
      rig.kernel.step();
    }
    expect(seen).toEqual([before + 1]);
  });

  test("and frames longer than a slot are dropped when they are not consumed, without a trace in the ring", () => {
    const { hertz } = MODERN_3GHZ;
    const nic = makeLoopback({ ends: [{ hertz }, { hertz }], frameBytes: 4000 });
    const defer: Body = (code) => code.i32(0);
    const { s, peer, handler, rig } = installed(defer, {}, handlerRig({}, { nics: [nic] }));
    const long = (length: number): Uint8Array => {
      const bytes = new Uint8Array(length).fill(0x77);
      bytes.set(packet(PORT, []));
      return bytes;
    };
    const { rings } = rig.root;
    for (const length of [RING_SLOT_BYTES + 1, 4000]) peer.deliver(long(length));
    const row = rowOf(s.ring);
    expect([counts(s, handler), rings.dropped(row), rings.delivered(row)]).toEqual([{ deferred: 2 }, 2, 0]);
    const slots = new Uint8Array(s.slots.length);
    s.slots.read(0, slots, 0, slots.length);
    expect([inRing(s), slots.some((byte) => byte !== 0)]).toEqual([[], false]);
    peer.deliver(long(RING_SLOT_BYTES));
    expect(inRing(s)).toEqual([[...long(RING_SLOT_BYTES)]]);
  });

  test("go nowhere without a binding, or when it is gone", () => {
    const silent = installed(echo, { transmit: false });
    silent.peer.deliver(packet(PORT, PAYLOAD));
    expect([silent.peer.replies(), counts(silent.s, silent.handler)]).toEqual([
      [],
      { consumed: 1, refused: 1 },
    ]);
    const { rig, s, peer, handler } = installed(echo);
    must(rig.root.transmitUnbind(s.transmit, own));
    peer.deliver(packet(PORT, PAYLOAD));
    const again = must(rig.root.transmitBind(0, sentBy(PORT), s.gate.self, own, own));
    peer.deliver(packet(PORT, PAYLOAD));
    expect([again === s.transmit, peer.replies(), counts(s, handler)]).toEqual([
      false,
      [],
      { consumed: 2, refused: 2 },
    ]);
  });

  test("go nowhere when whoever made the binding is gone", () => {
    const { rig, s, peer } = world();
    const maker = rig.environment([5]);
    const nic = rig.grant(maker, { name: [2, 0], rights: RIGHTS.write });
    const transmit = must(maker.transmitBind(0, sentBy(PORT), s.gate.self, nic, own));
    const handler = install(s, echo, { transmit });
    peer.deliver(packet(PORT, PAYLOAD));
    must(rig.root.environmentDestroy(maker.self, own));
    peer.deliver(packet(PORT, PAYLOAD));
    expect([peer.replies().length, counts(s, handler)]).toEqual([1, { consumed: 2, sent: 1, refused: 1 }]);
  });
});
