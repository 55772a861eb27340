/** Handlers: who pays for them, how long they live, what is checked and what is published. */
import { MODERN_3GHZ } from "@exolith/hw-model";
import { HANDLER_MODULE_BYTES, RIGHTS, internetChecksum } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  HANDLER_FRAMES_MAX,
  KERNEL,
  RESOURCE_KINDS,
  capSlot,
  frame,
  must,
  rowOf,
  type Gate,
  type HandlerId,
  type HandlerRequest,
} from "../src/abi/index.ts";
import { makeTrace, tableLines, traceLines } from "../src/index.ts";
import { checkTables, outcome, type Rig } from "../src/testing/index.ts";
import {
  PAGE_FRAMES,
  PAYLOAD,
  PORT,
  byPort,
  counts,
  echo,
  endless,
  handlerRig,
  inRing,
  install,
  installed,
  installedBy,
  makePeer,
  own,
  packet,
  reply,
  requestOf,
  station,
  world,
  type Body,
  type Code,
  type HandlerOptions,
  type Station,
  type World,
} from "./handler-rig.ts";
import { ask, expire, makeAsked, vectorOf } from "./revocation-rig.ts";
import { eventsOf, place, sleep, spinUntil } from "./transfer-rig.ts";

describe("who pays", () => {
  const quantumSeconds = 1e-5;
  const QUANTUM = 30_000;
  const ABORT = 16_000;
  /** Takes about `turns` times five instructions. */
  const busy =
    (turns: number): Body =>
    (code) => {
      const left = code.local("i32");
      code.i32(turns).set(left).open("loop");
      return code.get(left).i32(1).op("i32.sub").tee(left).op("br_if", 0).end().i32(1);
    };
  const debt = ({ rig, row }: Station): number => rig.root.environments.handlerCycles(row);

  test("fuel is its owner's time and nobody else's, and costs the machine what instructions cost", () => {
    const { rig, s, peer, handler } = installed(busy(1000), { fuel: 60_000 });
    const other = rig.environment([1, 2]);
    const used = (gate: Gate): number => rig.root.environments.cyclesUsed(rowOf(gate.self));
    peer.send(packet(PORT, PAYLOAD));
    const before = rig.machine.clock.now();
    rig.run();
    const fuel = s.gate.handlers.fuel(rowOf(handler));
    expect(fuel).toBeGreaterThan(5000);
    expect([used(s.gate), debt(s), used(other)]).toEqual([fuel, fuel, 0]);
    expect(rig.machine.clock.now() - before).toBeGreaterThanOrEqual(
      Math.floor(fuel * MODERN_3GHZ.cycles.instruction),
    );
  });

  test("messages are billed as well, sent or not", () => {
    const cost = (body: Body, options?: HandlerOptions): number => {
      const { s, peer, handler } = installed(body, options);
      peer.deliver(packet(PORT, PAYLOAD));
      return debt(s) - s.gate.handlers.fuel(rowOf(handler));
    };
    const one = cost(echo);
    expect(one).toBeGreaterThan(MODERN_3GHZ.cycles.deviceAccess + MODERN_3GHZ.cycles.classify);
    expect([cost((code) => code.i32(1)), cost(echo, { transmit: false })]).toEqual([0, one]);
  });

  test("runs that are stopped are billed for that as well, by whatever they are stopped", () => {
    const trap: Body = (code) => code.op("unreachable");
    const wild: Body = (code) => code.i32(-4).i32(7).memory("i32.store").i32(1);
    for (const body of [trap, wild, endless]) {
      const { rig, s, peer, handler } = installed(body);
      const calm = installed((code) => code.i32(1));
      const taken = (w: World): number => {
        w.peer.send(packet(PORT, PAYLOAD));
        const before = w.rig.machine.clock.now();
        w.rig.run();
        return w.rig.machine.clock.now() - before;
      };
      const stopped = taken({ rig, s, peer });
      expect(counts(s, handler)).toEqual({ aborted: 1 });
      expect(debt(s) - s.gate.handlers.fuel(rowOf(handler))).toBe(ABORT);
      expect(rig.root.environments.cyclesUsed(s.row)).toBe(debt(s));
      // What is billed has passed on the machine, too, in instructions.
      expect(stopped - taken(calm)).toBeGreaterThan(0.9 * ABORT * MODERN_3GHZ.cycles.instruction);
    }
  });

  test("after a whole quantum it is passed over until its owner has forfeited a slice, and frames go to the ring", () => {
    const trace = makeTrace(1000);
    const rig = handlerRig({ quantumSeconds, trace });
    const wakes: number[] = [];
    const s = station(rig, PORT, {
      slices: [0],
      upcalls: (gate) => ({
        sliceBegin: () => {
          wakes.push(debt(s));
          sleep(gate);
        },
      }),
    });
    const peer = makePeer(rig);
    rig.run();
    const handler = install(s, busy(4000), { fuel: 60_000 });
    wakes.length = 0;
    peer.deliver(packet(PORT, PAYLOAD));
    const once = debt(s);
    expect(once).toBeLessThan(QUANTUM);
    peer.deliver(packet(PORT, PAYLOAD));
    expect([debt(s), counts(s, handler), wakes]).toEqual([2 * once, { consumed: 2 }, []]);
    expect(debt(s)).toBeGreaterThan(QUANTUM);
    // It owes: the frame is its owner's to look at, who pays with the next slice and runs in the one after it.
    peer.deliver(packet(PORT, PAYLOAD));
    expect([counts(s, handler), inRing(s).length]).toEqual([{ consumed: 2, skipped: 1 }, 1]);
    expect([wakes, eventsOf(trace, "forfeit").length]).toEqual([[2 * once - QUANTUM], 1]);
    expect(rig.root.environments.forfeited(s.row)).toBe(1);
    peer.deliver(packet(PORT, PAYLOAD));
    expect([counts(s, handler), debt(s)]).toEqual([{ consumed: 3, skipped: 1 }, 3 * once - QUANTUM]);
    expect(rig.root.environments.excess(s.row)).toBe(0);
  });

  /** A flood to one environment, beside another that would use all the time there is; what the other one got of it. */
  function flooded(body: Body | undefined): {
    share: number;
    s: Station;
    handler: HandlerId | undefined;
    rig: Rig;
  } {
    const rig = handlerRig({ quantumSeconds });
    const all = (gate: Gate): { sliceBegin: () => void } => ({
      sliceBegin: () => spinUntil(gate, gate.slices.ends()),
    });
    const s = station(rig, PORT, { slices: [0], upcalls: all });
    const other = place(rig, [1, 2], all, [1]);
    const peer = makePeer(rig);
    const handler = body === undefined ? undefined : install(s, body, { fuel: 20_000 });
    const sent = packet(PORT, PAYLOAD);
    const { clock } = rig.machine;
    const begin = clock.now();
    while (clock.now() < begin + 300 * QUANTUM) {
      for (let i = 0; i < 20; i++) peer.send(sent);
      rig.kernel.step();
      for (let slot = 0; slot < 4; slot++) s.words.setU32(slot * 4, 0);
    }
    const used = rig.root.environments.cyclesUsed(rowOf(other.self));
    return { share: used / (clock.now() - begin), s, handler, rig };
  }

  test("a flood of frames takes no more of the processor than its owner's share, and ends nobody", () => {
    const plain = flooded(undefined);
    const burning = flooded(endless);
    const sending = flooded((code, imports) => {
      for (let i = 0; i < 4; i++) reply(code, imports);
      return code.i32(1);
    });
    for (const { share, s, handler, rig } of [burning, sending]) {
      expect(share).toBeGreaterThan(0.9 * plain.share);
      const { environments, handlers } = rig.root;
      const row = rowOf(handler as HandlerId);
      const ran = handlers.consumed(row) + handlers.aborted(row);
      expect([ran > 50, handlers.skipped(row) > 50, environments.forfeited(s.row) > 20]).toEqual([
        true,
        true,
        true,
      ]);
      expect([environments.state(s.row), environments.excess(s.row)]).toEqual([1, 0]);
    }
  });

  test("what is owed stays owed when the handler is removed, and another one is passed over for it", () => {
    const { rig, s, peer } = world(handlerRig({ quantumSeconds }));
    const first = install(s, busy(7000), { fuel: 60_000 });
    peer.deliver(packet(PORT, PAYLOAD));
    must(s.gate.handlerRemove(first));
    expect(debt(s)).toBeGreaterThan(QUANTUM);
    const second = install(s, echo);
    peer.deliver(packet(PORT, PAYLOAD));
    expect([counts(s, second), peer.replies()]).toEqual([{ skipped: 1 }, []]);
    expect(rig.root.environments.state(s.row)).toBe(1);
  });

  test("an environment without slices has one quantum of it, and no more", () => {
    const rig = handlerRig({ quantumSeconds });
    const { s, peer, handler } = installed(busy(3000), { fuel: 60_000 }, rig);
    for (let i = 0; i < 20; i++) {
      peer.deliver(packet(PORT, PAYLOAD));
      s.words.setU32(rig.root.rings.next(rowOf(s.ring)) * 4, 0);
    }
    const { consumed, skipped } = counts(s, handler);
    expect([consumed, (consumed ?? 0) + (skipped ?? 0)]).toEqual([2, 20]);
    expect(debt(s)).toBeLessThan(2 * QUANTUM);
  });

  /** Instructions that an installation is charged, whatever comes of it; what is installed is removed again. */
  function charged({ rig, s }: World, request: unknown, first: number = s.first): [string, number] {
    const { meter } = rig.machine;
    const { charge } = meter;
    let sum = 0;
    meter.charge = (cost, units) => {
      if (cost === "instruction") sum += units;
      charge(cost, units);
    };
    const result = s.gate.handlerInstall(s.filter, request as HandlerRequest, frame(first), PAGE_FRAMES, own);
    meter.charge = charge;
    if (outcome(result) === "ok") must(s.gate.handlerRemove(must(result)));
    return [outcome(result), sum];
  }
  const VERIFY = 1_000_000;
  const BYTE = 800;

  test("what it takes to load and to start is time of whoever installs it", () => {
    const made = world();
    const { rig, s } = made;
    const plain = requestOf(s, echo);
    const before = rig.machine.clock.now();
    const [result, load] = charged(made, plain);
    expect([result, load > VERIFY + plain.module.length * (BYTE + 300)]).toEqual(["ok", true]);
    expect(rig.machine.clock.now() - before).toBeGreaterThanOrEqual(
      Math.floor(load * MODERN_3GHZ.cycles.instruction),
    );
    const pipes = (count: number): number =>
      charged(made, { ...plain, pipes: Array.from({ length: count }, () => [internetChecksum()]) })[1] - load;
    expect([pipes(0), pipes(1), pipes(3)]).toEqual([0, 1_600_000, 4_800_000]);
    expect([debt(s), charged(made, plain)]).toEqual([0, ["ok", load]]);
  });

  test("a start function is charged what it used, stopped or not, and not what it might have", () => {
    const made = world();
    const { s } = made;
    const start = (body: (code: Code) => unknown, fuel: number): [string, number] =>
      charged(made, requestOf(s, echo, { fuel, start: (code) => void body(code) }));
    const turns = (count: number) => (code: Code) => {
      const left = code.local("i32");
      code.i32(count).set(left).open("loop");
      return code.get(left).i32(1).op("i32.sub").tee(left).op("br_if", 0).end();
    };
    const [one, few] = [start(turns(100), 50_000), start(turns(1100), 50_000)];
    expect([one[0], few[0], few[1] - one[1] >= 5000, few[1] - one[1] < 11_000]).toEqual([
      "ok",
      "ok",
      true,
      true,
    ]);
    expect(start(turns(100), 60_000)).toEqual(one);
    const stopped = (fuel: number): [string, number] =>
      start((code) => code.open("loop").op("br", 0).end(), fuel);
    const trap = (fuel: number): [string, number] => start((code) => code.op("unreachable"), fuel);
    expect([stopped(50_000)[0], stopped(50_000)[1] - stopped(10_000)[1]]).toEqual(["BadHandler", 40_000]);
    expect([trap(50_000)[0], trap(50_000)[1] - trap(10_000)[1]]).toEqual(["BadHandler", 0]);
    expect(stopped(10_000)[1] - trap(10_000)[1]).toBeGreaterThan(9000);
    expect(debt(s)).toBe(0);
  });

  test("a module that is refused is charged by its bytes; what cannot be installed anyhow is not looked at", () => {
    const made = world();
    const { s } = made;
    const good = requestOf(s, echo);
    const bad = (length: number): object => {
      const module = new Uint8Array(length);
      module.set(good.module.subarray(0, 8));
      return { ...good, module };
    };
    for (const length of [8, 9, 10_000, HANDLER_MODULE_BYTES])
      expect(charged(made, bad(length))).toEqual(["BadHandler", VERIFY + length * BYTE]);
    const most = VERIFY + HANDLER_MODULE_BYTES * BYTE;
    expect(charged(made, bad(1_000_000))).toEqual(["BadHandler", most]);
    for (const module of [undefined, "text", { byteLength: 99 }, new DataView(new ArrayBuffer(9))])
      expect(charged(made, { ...good, module })).toEqual(["BadHandler", VERIFY]);
    expect(charged(made, { ...good, module: good.module.slice().buffer })).toEqual(charged(made, good));
    expect(charged(made, { ...good, fuel: 0 })).toEqual(["BadHandler", VERIFY + good.module.length * BYTE]);
    const free: readonly (readonly [string, unknown, number?])[] = [
      ["BadHandler", null],
      ["BadBinding", { ...good, transmit: s.transmit + 65_536 }],
      ["BadCapability", good, 400],
      ["BadFrame", good, 0.5],
    ];
    for (const [name, request, first] of free) expect(charged(made, request, first)).toEqual([name, 0]);
    const handler = install(s, echo);
    expect(charged(made, good)).toEqual(["Busy", 0]);
    must(s.gate.handlerRemove(handler));
    must(s.gate.filterRemove(s.filter, own));
    expect(charged(made, good)).toEqual(["NoFilter", 0]);
  });

  /** A station whose handler has used a part of a quantum, and somebody who may end it. */
  function indebted(): { s: Station; rig: Rig; other: Station; owed: number } {
    const { rig, s, peer } = installed(busy(1000), { fuel: 60_000 });
    peer.deliver(packet(PORT, PAYLOAD));
    return { s, rig, other: station(rig, 8), owed: debt(s) };
  }

  test("whoever ends an environment takes over what its handlers owe, once; it does not matter who it is", () => {
    const { s, rig, other, owed } = indebted();
    expect(owed).toBeGreaterThan(5000);
    const slot = rig.grant(other.gate, { name: [1, PORT], rights: RIGHTS.write });
    expect(outcome(other.gate.environmentDestroy(s.gate.self, capSlot(30)))).toBe("BadSlot");
    expect(debt(other)).toBe(0);
    must(other.gate.environmentDestroy(s.gate.self, slot));
    expect(outcome(other.gate.environmentDestroy(s.gate.self, slot))).toBe("BadEnvironment");
    expect([debt(other), rig.root.environments.cyclesUsed(other.row)]).toEqual([owed, 0]);
    must(rig.root.environmentDestroy(other.gate.self, own));
    expect(rig.root.environments.handlerCycles(rowOf(rig.root.self))).toBe(owed);
  });

  test("nobody takes over what is owed by an environment that ends itself, or that the kernel ends", () => {
    const ending = indebted();
    const { root } = ending.rig;
    const all = (): number[] =>
      Array.from({ length: root.environments.count }, (_, row) => root.environments.handlerCycles(row));
    must(ending.s.gate.environmentDestroy(ending.s.gate.self, own));
    expect(all().filter(Boolean)).toEqual([]);

    const rig = handlerRig({ quantumSeconds, excessTicksMax: 2 });
    const s = station(rig, PORT, {
      slices: [0],
      upcalls: (gate) => ({ sliceBegin: () => spinUntil(gate, gate.slices.ends() + 4 * QUANTUM) }),
    });
    install(s, busy(1000), { fuel: 60_000 });
    makePeer(rig).send(packet(PORT, PAYLOAD));
    rig.kernel.step();
    expect(rig.root.environments.id(s.row)).not.toBe(s.gate.self);
    for (let row = 0; row < rig.root.environments.count; row++)
      expect(rig.root.environments.handlerCycles(row)).toBe(0);
  });
});

describe("life", () => {
  const pins = ({ rig, first }: Station): number[] =>
    Array.from({ length: PAGE_FRAMES }, (_, i) => rig.root.frames.pins(first + i));
  const freed = (s: Station): string => outcome(s.gate.framesFree(frame(s.first), PAGE_FRAMES, own));
  const remove = (s: Station, id: unknown): string => outcome(s.gate.handlerRemove(id as HandlerId));

  test("its frames are pinned for as long as it is installed, and its owner's to read and write meanwhile", () => {
    const { s, peer, handler } = installed(echo);
    expect([pins(s), freed(s)]).toEqual([Array(PAGE_FRAMES).fill(1), "Pinned"]);
    expect([remove(s, handler), remove(s, handler), pins(s)]).toEqual(["ok", "NoHandler", Array(16).fill(0)]);
    peer.deliver(packet(PORT, PAYLOAD));
    expect([peer.replies(), inRing(s).length, freed(s)]).toEqual([[], 1, "ok"]);
  });

  test("an id is never used again, and only its owner removes it", () => {
    const { rig, s, handler } = installed(echo);
    const other = station(rig, 8);
    expect([remove(other, handler), remove(other, 0), remove(other, undefined)]).toEqual(
      Array(3).fill("NoHandler"),
    );
    expect(outcome(rig.root.handlerRemove(handler))).toBe("NoHandler");
    const ids = new Set([handler]);
    must(s.gate.handlerRemove(handler));
    for (let i = 0; i < 300; i++) {
      const id = install(s, echo);
      expect(ids.has(id)).toBe(false);
      ids.add(id);
      must(s.gate.handlerRemove(id));
    }
    for (const id of ids) expect(remove(s, id)).toBe("NoHandler");
  });

  test("it ends with its filter, whoever removes that", () => {
    const { rig, s, handler } = installed(echo);
    expect(installedBy(s, requestOf(s, echo))).toBe("Busy");
    must(rig.root.filterRemove(s.filter, own));
    expect([remove(s, handler), freed(s), s.gate.handlers.owner(rowOf(handler))]).toEqual([
      "NoHandler",
      "ok",
      0,
    ]);
    expect(installedBy(s, requestOf(s, echo), s.first)).toBe("NoFilter");
    checkTables(rig.root);
  });

  test("it ends with its environment, whose frames are free then", () => {
    const { rig, s, peer, handler } = installed(echo);
    must(rig.root.environmentDestroy(s.gate.self, own));
    const { handlers, frames } = rig.root;
    expect([handlers.owner(rowOf(handler)), handlers.id(rowOf(handler))]).toEqual([0, 0]);
    for (let i = 0; i < PAGE_FRAMES; i++)
      expect([frames.owner(s.first + i), frames.pins(s.first + i)]).toEqual([0, 0]);
    peer.deliver(packet(PORT, PAYLOAD));
    expect(peer.replies()).toEqual([]);
    checkTables(rig.root);
  });

  test("it ends when a frame of its memory is taken by force, and its owner's vector says so", () => {
    const asked = makeAsked(512);
    const { rig } = asked;
    const peer = makePeer(rig);
    const nic = rig.grant(asked.gate, { name: [2, 0], rights: RIGHTS.allocate });
    const { gate } = asked;
    must(gate.framesAlloc(frame(20), 3, own));
    const ring = must(gate.ringBind(frame(20), 2, own));
    must(gate.framesGuarantee(frame(20), 2, true));
    const filter = must(gate.filterInsert(0, byPort(PORT), ring, nic, own));
    const module = requestOf({ port: PORT } as Station, (code) => code.i32(1), { pages: 0, transmit: false });
    const handler = must(gate.handlerInstall(filter, module, frame(22), 1, own));
    peer.deliver(packet(PORT, PAYLOAD));
    expect(gate.handlers.consumed(rowOf(handler))).toBe(1);
    ask(asked, RESOURCE_KINDS.frame, 1);
    expire(asked, RESOURCE_KINDS.frame);
    expect(vectorOf(gate)).toEqual([
      [RESOURCE_KINDS.handler, handler],
      [RESOURCE_KINDS.frame, 22],
    ]);
    expect([outcome(gate.handlerRemove(handler)), gate.frames.owner(22)]).toEqual(["NoHandler", 0]);
    expect(gate.environments.state(asked.row)).toBe(1);
    peer.deliver(packet(PORT, PAYLOAD));
    expect(gate.rings.delivered(rowOf(ring))).toBe(1);
    checkTables(rig.root);
  });

  test("it ends when its filter is taken by force", () => {
    const asked = makeAsked(512);
    const { rig, gate } = asked;
    const nic = rig.grant(gate, { name: [2, 0], rights: RIGHTS.allocate });
    must(gate.framesAlloc(frame(20), 3, own));
    const ring = must(gate.ringBind(frame(20), 2, own));
    const filter = must(gate.filterInsert(0, byPort(PORT), ring, nic, own));
    const module = requestOf({ port: PORT } as Station, (code) => code.i32(1), { pages: 0, transmit: false });
    const handler = must(gate.handlerInstall(filter, module, frame(22), 1, own));
    expect(outcome(rig.root.revocationAsk(gate.self, RESOURCE_KINDS.handler, 1, own))).toBe("BadResource");
    ask(asked, RESOURCE_KINDS.filter, 1);
    expire(asked, RESOURCE_KINDS.filter);
    expect(vectorOf(gate)).toEqual([[RESOURCE_KINDS.filter, filter]]);
    expect([outcome(gate.handlerRemove(handler)), gate.frames.pins(22)]).toEqual(["NoHandler", 0]);
  });

  test("two handlers may have the same frames: both pin them", () => {
    const { rig, s, handler, peer } = installed(echo);
    const second = must(s.gate.filterInsert(0, byPort(8), s.ring, s.nic, own));
    const other = must(s.gate.handlerInstall(second, requestOf(s, echo), frame(s.first), PAGE_FRAMES, own));
    expect(pins(s)).toEqual(Array(PAGE_FRAMES).fill(2));
    peer.deliver(packet(PORT, PAYLOAD));
    peer.deliver(packet(8, PAYLOAD));
    expect(peer.replies()).toHaveLength(2);
    must(s.gate.handlerRemove(handler));
    expect([pins(s), freed(s)]).toEqual([Array(PAGE_FRAMES).fill(1), "Pinned"]);
    must(s.gate.handlerRemove(other));
    expect(freed(s)).toBe("ok");
    checkTables(rig.root);
  });

  test("frames that another lent are its memory until it ends, also when their owner is gone; the next owner finds zeros", () => {
    const { rig, s, peer } = world();
    const lender = rig.environment([3]);
    must(lender.framesAlloc(frame(300), PAGE_FRAMES, own));
    const slot = rig.grant(s.gate, { name: [3], rights: RIGHTS.write });
    const mark: Body = (code) => code.i32(2000).i32(-1).memory("i32.store").i32(1);
    const handler = must(s.gate.handlerInstall(s.filter, requestOf(s, mark), frame(300), PAGE_FRAMES, slot));
    expect(outcome(lender.framesFree(frame(300), PAGE_FRAMES, own))).toBe("Pinned");
    must(rig.root.environmentDestroy(lender.self, own));
    peer.deliver(packet(PORT, PAYLOAD));
    expect([counts(s, handler), rig.root.frames.owner(300)]).toEqual([{ consumed: 1 }, KERNEL]);
    must(s.gate.handlerRemove(handler));
    expect(rig.root.frames.owner(300)).toBe(0);
    const next = rig.environment([4]);
    must(next.framesAlloc(frame(300), 1, own));
    expect(must(next.windowBind(frame(300), 1, false, own)).getU32(2000)).toBe(0);
    checkTables(rig.root);
  });

  test("it goes on when its ring is gone: what it defers is lost then", () => {
    const { s, peer, handler } = installed((code) => code.get(0).memory("i32.load8_u", 15));
    must(s.gate.ringUnbind(s.ring));
    peer.deliver(packet(PORT, [1]));
    peer.deliver(packet(PORT, [0]));
    expect(counts(s, handler)).toEqual({ consumed: 1, deferred: 1 });
  });

  test("it runs while its environment does not: asleep, or without a slice; it may be woken", () => {
    const rig = handlerRig();
    let slices = 0;
    const s = station(rig, PORT, {
      slices: [0],
      upcalls: (gate) => ({
        sliceBegin: () => {
          slices += 1;
          sleep(gate);
        },
      }),
    });
    const peer = makePeer(rig);
    install(s, (code, { wake }) => {
      code.get(0).memory("i32.load8_u", 15).open("if").op("call", wake).end();
      return code.i32(1);
    });
    rig.run();
    const before = slices;
    peer.deliver(packet(PORT, [0]));
    expect(slices).toBe(before);
    peer.deliver(packet(PORT, [1]));
    expect([slices, inRing(s)]).toEqual([before + 1, []]);
  });
});

describe("what is checked when it is installed", () => {
  test("as many frames as there may be, all of them its caller's to write", () => {
    const { rig, s } = world(handlerRig());
    const request = requestOf(s, echo);
    for (const count of [0, HANDLER_FRAMES_MAX + 1, -1, 0.5, Number.NaN, "16", undefined, null])
      expect(outcome(s.gate.handlerInstall(s.filter, request, frame(s.first), count as number, own))).toBe(
        "BadRange",
      );
    expect(installedBy(s, request, 400, 200)).toBe("BadRange");
    expect(installedBy(s, request, s.first, PAGE_FRAMES - 1)).toBe("BadHandler");
    for (const first of [-1, 512, 0.5, Number.NaN, "20", undefined, null])
      expect(outcome(s.gate.handlerInstall(s.filter, request, first as never, 1, own))).toBe("BadFrame");
    expect(installedBy(s, request, s.first + 1)).toBe("BadFrame");
    const other = station(rig, 8);
    expect(installedBy(s, request, other.first)).toBe("BadCapability");
    const weak = rig.grant(s.gate, { name: [1, 8], rights: RIGHTS.none });
    const borrowed = s.gate.handlerInstall(s.filter, request, frame(other.first), PAGE_FRAMES, weak);
    expect(outcome(borrowed)).toBe("BadCapability");
    expect(outcome(s.gate.handlerInstall(s.filter, request, frame(s.first), PAGE_FRAMES, capSlot(30)))).toBe(
      "BadSlot",
    );
    checkTables(rig.root);
  });

  test("a filter that is its caller's, without a handler, and a binding that is", () => {
    const { rig, s } = world();
    const other = station(rig, 8);
    const by = (filter: unknown, request: unknown): string =>
      outcome(
        s.gate.handlerInstall(filter as never, request as HandlerRequest, frame(s.first), PAGE_FRAMES, own),
      );
    const request = requestOf(s, echo);
    for (const filter of [other.filter, 0, -1, 1.5, "1", undefined, null, {}])
      expect(by(filter, request)).toBe("NoFilter");
    for (const transmit of [other.transmit, -1, 1.5, "1", true, {}, Number.NaN])
      expect(by(s.filter, { ...request, transmit })).toBe("BadBinding");
    for (const transmit of [undefined, null, 0]) {
      const installed = must(
        s.gate.handlerInstall(s.filter, { ...request, transmit } as never, frame(s.first), PAGE_FRAMES, own),
      );
      must(s.gate.handlerRemove(installed));
    }
  });
});

describe("what is published", () => {
  test("every column of a handler, and its owner's unpaid cycles", () => {
    const { rig, s, peer } = world(handlerRig({ quantumSeconds: 1e-5 }));
    const handler = install(
      s,
      (code, imports) => {
        // 0 defers, 1 traps, 2 answers once rightly and once not, others loop a while.
        const kind = code.local("i32");
        const left = code.local("i32");
        code.get(0).memory("i32.load8_u", 15).tee(kind).op("i32.eqz").open("if").i32(0).op("return").end();
        code.get(kind).i32(1).op("i32.eq").open("if").op("unreachable").end();
        code.get(kind).i32(2).op("i32.eq").open("if");
        reply(code, imports).get(0).i32(20).op("call", imports.append).op("drop");
        code.op("call", imports.send).ops("drop").i32(1).op("return").end();
        code.i32(7000).set(left).open("loop");
        return code.get(left).i32(1).op("i32.sub").tee(left).op("br_if", 0).end().i32(1);
      },
      { fuel: 60_000 },
    );
    const row = rowOf(handler);
    const read = (): Record<string, number> => {
      const { handlers } = rig.root;
      const columns = Object.entries(handlers).filter(([name]) => name !== "count" && name !== "fuel");
      return Object.fromEntries(
        columns.map(([name, column]) => [name, (column as (r: number) => number)(row)]),
      );
    };
    const fixed = { owner: s.gate.self, id: handler, filter: s.filter, first: s.first, frames: PAGE_FRAMES };
    const none = { consumed: 0, deferred: 0, aborted: 0, skipped: 0, sent: 0, refused: 0 };
    expect([read(), rig.root.handlers.fuel(row)]).toEqual([{ ...fixed, ...none }, 0]);
    const steps = [
      [0, { deferred: 1 }],
      [1, { aborted: 1 }],
      [2, { consumed: 1, sent: 1, refused: 1 }],
      [3, { consumed: 2 }],
      [3, { skipped: 1 }],
    ] as const;
    let now = { ...none };
    for (const [kind, change] of steps) {
      const fuel = rig.root.handlers.fuel(row);
      peer.deliver(packet(PORT, [kind, ...PAYLOAD]));
      now = { ...now, ...change };
      expect(read()).toEqual({ ...fixed, ...now });
      expect(rig.root.handlers.fuel(row) > fuel).toBe(!("skipped" in change));
    }
    const cycles = rig.root.environments.handlerCycles(s.row);
    expect(cycles).toBe(rig.root.handlers.fuel(row) + 2 * 500 + 16_000);
    expect(rig.root.environments.cyclesUsed(s.row)).toBe(cycles);
    expect(rig.root.handlers.count).toBe(128);
    const text = tableLines(rig.root).join("\n");
    expect(text).toMatch(
      new RegExp(`^Handlers\n.*fuel\n +${row} +${s.row} +\\d+ +${s.first} +16 +2 +1 +1 +1 +1 +1`, "m"),
    );
    expect(text).toContain(` ${cycles} `);
    for (const column of Object.values(rig.root.handlers))
      if (typeof column === "function") expect(column(99)).toBe(0);
  });

  test("its runs are in the trace, in words", () => {
    const trace = makeTrace(100);
    const { peer, handler } = installed(
      (code) => {
        code.get(0).memory("i32.load8_u", 16).open("if").op("unreachable").end();
        return code.get(0).memory("i32.load8_u", 15);
      },
      {},
      handlerRig({ trace }),
    );
    peer.deliver(packet(PORT, [0, 0]));
    peer.deliver(packet(PORT, [1, 0]));
    peer.deliver(packet(PORT, [1, 1]));
    peer.deliver(packet(PORT, [1]));
    const row = rowOf(handler);
    expect(eventsOf(trace, "handler", "handlerAbort").slice(0, 3)).toEqual([
      ["handler", row, 0],
      ["handler", row, 1],
      ["handlerAbort", row, 0],
    ]);
    const text = traceLines(trace, 3e9).join("\n");
    for (const words of ["deferred", "consumed", "stopped by trap", "stopped by memory"])
      expect(text).toContain(`handler ${row}, ${words}`);
  });

  test("the same machine does the same again, to the cycle", () => {
    const run = (): string => {
      const trace = makeTrace(4096);
      const rig = handlerRig({ trace, quantumSeconds: 1e-5 });
      const { s, peer } = installed(
        (code, imports) => {
          code.get(0).memory("i32.load8_u", 15).i32(3).op("i32.rem_u").op("i32.eqz").open("if");
          code.open("loop").op("br", 0).end().end();
          return reply(code, imports).get(0).memory("i32.load8_u", 15);
        },
        {},
        rig,
      );
      place(rig, [1, 2], (gate) => ({ sliceBegin: () => spinUntil(gate, gate.slices.ends()) }), [3]);
      for (let i = 0; i < 60; i++) {
        peer.send(packet(PORT, [i % 7, i]));
        rig.kernel.step();
        s.words.setU32((i % 4) * 4, 0);
      }
      return [
        ...traceLines(trace, 3e9),
        `${rig.machine.clock.now()}`,
        Buffer.from(rig.machine.memory.bytes).toString("base64"),
      ].join();
    };
    expect(run()).toBe(run());
  });
});
