/** What a hostile environment may try with memory, regions, copies, displays and records of its own making. */
import { makeSimulatedMachine } from "@exolith/hw-model";
import { RIGHTS, type Filter } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  FRAME_BYTES,
  RESOURCE_KINDS,
  capSlot,
  failed,
  frame,
  must,
  rowOf,
  type DmaCopy,
  type Gate,
  type RegionId,
  type RegionMove,
  type Transfer,
  type Window,
} from "../src/abi/index.ts";
import { checkFrameTable } from "../src/memory/frame-table.ts";
import { load } from "../src/load.ts";
import { makeRig, outcome, placeEnvironment, tableState } from "../src/testing/index.ts";
import { checkKernel } from "./check-kernel.ts";

const own = capSlot(0);

/** A victim with a secret in frame 20, and an attacker with frames 30 to 33 and windows on them. */
function makeScene() {
  const rig = makeRig();
  const victim = rig.environment([1, 1]);
  const attacker = rig.environment([1, 2]);
  must(victim.framesAlloc(frame(20), 2, own));
  const secret = must(victim.windowBind(frame(20), 2, true, own));
  secret.fill(0, 2 * FRAME_BYTES, 0x5e);
  must(attacker.framesAlloc(frame(30), 4, own));
  const memory = must(attacker.windowBind(frame(30), 2, true, own));
  const region = must(victim.regionCreate(frame(20), 0, 64, own));
  return { rig, victim, attacker, secret, memory, region };
}

const whole = (window: Window): number[] =>
  Array.from({ length: window.length / 4 }, (_, i) => window.getU32(i * 4));

test("another's window, however it came by it, is not a way to another's memory", () => {
  const { rig, attacker, secret, memory, region } = makeScene();
  const before = [tableState(rig.root), whole(secret), whole(memory)];
  const copy = { fromAt: 0, toAt: 0, length: 64, statusAt: 0 };
  const three = { from: memory, to: memory, statusWindow: memory };
  for (const part of ["from", "to", "statusWindow"])
    expect(outcome(attacker.dmaCopy({ ...copy, ...three, [part]: secret }))).toBe("BadWindow");
  const mine = must(attacker.regionCreate(frame(32), 0, 64, own));
  const move = { at: 0, window: secret, windowAt: 0, length: 64 };
  expect(outcome(attacker.regionRead(mine, move, own))).toBe("BadWindow");
  expect(outcome(attacker.regionWrite(mine, move, own))).toBe("BadWindow");
  expect(outcome(attacker.regionRead(region, { ...move, window: memory }, own))).toBe("BadCapability");
  expect(outcome(attacker.windowUnbind(secret))).toBe("BadWindow");
  must(attacker.regionDestroy(mine, own));
  rig.run(5);
  expect([tableState(rig.root), whole(secret), whole(memory)]).toEqual(before);
});

describe("records whose properties run code", () => {
  /** The record, with every property a getter that notes that it was looked at and does `act` the first time. */
  function trapped<T extends object>(record: T, act: () => void): { trap: T; looks: string[] } {
    const looks: string[] = [];
    const trap = {} as T;
    for (const [key, value] of Object.entries(record))
      Object.defineProperty(trap, key, {
        get: () => {
          if (looks.length === 0) act();
          looks.push(key);
          return value as unknown;
        },
      });
    return { trap, looks };
  }

  test("are looked at once, before the kernel looks at anything: what they free is gone for the call", () => {
    const { attacker, memory, rig } = makeScene();
    const status = must(attacker.windowBind(frame(33), 1, true, own));
    const mine = must(attacker.regionCreate(frame(32), 0, 64, own));
    const move: RegionMove = { at: 0, window: memory, windowAt: 0, length: 8 };
    const first = trapped(move, () => must(attacker.framesFree(frame(32), 1, own)));
    expect(outcome(attacker.regionRead(mine, first.trap, own))).toBe("BadRegion");
    expect(first.looks.toSorted()).toEqual(["at", "length", "window", "windowAt"]);
    const copy: DmaCopy = {
      from: memory,
      fromAt: 0,
      to: memory,
      toAt: FRAME_BYTES,
      length: 8,
      statusWindow: status,
      statusAt: 0,
    };
    const second = trapped(copy, () => must(attacker.framesFree(frame(31), 1, own)));
    expect(outcome(attacker.dmaCopy(second.trap))).toBe("BadWindow");
    expect(second.looks.toSorted()).toEqual(Object.keys(copy).toSorted());
    const disk = rig.grant(attacker, { name: [3, 0], rights: RIGHTS.allocate });
    const extent = must(attacker.extentAlloc(0, 4, 4, disk, own));
    const transfer: Transfer = {
      block: 0,
      count: 1,
      window: status,
      at: 0,
      statusWindow: status,
      statusAt: 0,
    };
    const third = trapped(transfer, () => must(attacker.windowUnbind(status)));
    expect(outcome(attacker.extentRead(extent, third.trap, own))).toBe("BadWindow");
    expect(third.looks.toSorted()).toEqual(Object.keys(transfer).toSorted());
    expect(attacker.dma.pending()).toBe(0);
    expect(attacker.extents.transfers(extent & 0xffff)).toBe(0);
  });

  test("that end their own environment get nothing done for the dead", () => {
    for (const call of ["region", "dma", "disk"]) {
      const { attacker, memory, rig } = makeScene();
      const mine = must(attacker.regionCreate(frame(32), 0, 64, own));
      const disk = rig.grant(attacker, { name: [3, 0], rights: RIGHTS.allocate });
      const extent = must(attacker.extentAlloc(0, 4, 4, disk, own));
      const end = {
        get at() {
          must(attacker.environmentDestroy(attacker.self, own));
          return 0;
        },
        get fromAt() {
          return this.at;
        },
        window: memory,
        windowAt: 0,
        length: 8,
        from: memory,
        to: memory,
        toAt: 64,
        block: 0,
        count: 1,
        statusWindow: memory,
        statusAt: 0,
      };
      if (call === "region") expect(outcome(attacker.regionRead(mine, end, own))).toBe("BadRegion");
      else if (call === "dma") expect(outcome(attacker.dmaCopy(end))).toBe("BadWindow");
      else expect(outcome(attacker.extentRead(extent, end, own))).toBe("BadExtent");
      expect(rig.root.dma.pending()).toBe(0);
      expect(rig.root.frames.owner(32)).toBe(0);
      expect(rig.root.extents.owner(extent & 0xffff)).toBe(0);
    }
  });

  test("that throw are the caller's own business, and nothing has happened", () => {
    const { attacker, rig } = makeScene();
    const mine = must(attacker.regionCreate(frame(32), 0, 64, own));
    const before = tableState(rig.root);
    const proxy = new Proxy(
      {},
      {
        get: () => {
          throw new Error("trap");
        },
      },
    );
    expect(() => attacker.regionWrite(mine, proxy as RegionMove, own)).toThrow("trap");
    expect(() => attacker.dmaCopy(proxy as DmaCopy)).toThrow("trap");
    expect(() => attacker.extentRead(7 as never, proxy as Transfer, own)).toThrow("trap");
    expect(tableState(rig.root)).toBe(before);
  });
});

test("a region is no way around the guard of its frame: read is not write, and one's own region not the frame", () => {
  const { victim, attacker, secret, memory } = makeScene();
  const mayRead = { name: [1, 2], rights: RIGHTS.none };
  must(victim.guardSet(RESOURCE_KINDS.frame, 20, 1, mayRead, own));
  expect(outcome(attacker.regionCreate(frame(20), 0, 64, own))).toBe("BadCapability");
  const region = must(victim.regionCreate(frame(21), 32, 32, own));
  must(victim.guardSet(RESOURCE_KINDS.region, region, 1, { name: [1, 2], rights: RIGHTS.write }, own));
  const move = (at: number, length: number): RegionMove => ({ at, window: memory, windowAt: 0, length });
  for (const [at, length] of [
    [-32, 32],
    [0, 33],
    [32, 1],
    [2 ** 32, 4],
  ] as const)
    expect(outcome(attacker.regionWrite(region, move(at, length), own))).toBe("BadRange");
  memory.fill(0, 64, 0);
  must(attacker.regionWrite(region, move(0, 32), own));
  const seen = Array.from({ length: FRAME_BYTES }, (_, i) => secret.getU8(FRAME_BYTES + i));
  expect(seen.every((byte, i) => byte === (i >= 32 && i < 64 ? 0 : 0x5e))).toBe(true);
  expect(outcome(attacker.guardSet(RESOURCE_KINDS.region, region, 0, mayRead, own))).toBe("BadCapability");
});

test("the id of a region that is gone never names another's", () => {
  const { victim, attacker, memory } = makeScene();
  const move = { at: 0, window: memory, windowAt: 0, length: 1 };
  const old: RegionId[] = [];
  for (let i = 0; i < 3000; i++) {
    const mine = must(attacker.regionCreate(frame(32), 0, 1, own));
    old.push(mine);
    must(attacker.regionDestroy(mine, own));
  }
  expect(new Set(old).size).toBe(old.length);
  const theirs = must(victim.regionCreate(frame(20), 0, 1, own));
  for (const id of old) {
    expect(id).not.toBe(theirs);
    expect(outcome(attacker.regionRead(id, move, own))).toBe("BadRegion");
  }
});

test("a port leads to no maker of ports and no display, and its methods cannot be replaced for others", () => {
  const { root } = load(makeSimulatedMachine({ frames: 16, displays: [{ width: 16, height: 16 }] }));
  const attacker = placeEnvironment(root, [1, 2]);
  const port = must(attacker.displayPort(0));
  const shared = Object.getPrototypeOf(port) as object;
  expect((port as { constructor?: unknown }).constructor).toBe(Object);
  expect([Object.isFrozen(port), Object.isFrozen(shared)]).toEqual([true, true]);
  expect(Reflect.ownKeys(port)).toEqual([]);
  for (const key of Reflect.ownKeys(shared)) expect(Reflect.set(shared, key, () => true)).toBe(false);
  must(root.tilesTag(0, 0, 1, root.self, own));
  for (const owner of [root.self, 0]) expect(Reflect.set(port, "owner", owner)).toBe(false);
  const { set } = port;
  for (const self of [{}, Object.create(port), new Proxy(port, {})])
    expect(() => set.call(self as never, 0, 0, 1)).toThrow(TypeError);
  expect(port.set(0, 0, 1)).toBe(false);
  expect(port.get(0, 0)).toBe(0);
});

test("guards that point to frames in circles and chains hold nothing after death", () => {
  const { kernel, root } = load(makeSimulatedMachine({ frames: 300 }));
  const free = root.frames.free();
  const a = placeEnvironment(root, [1, 1]);
  const b = placeEnvironment(root, [1, 2]);
  const extend = (gate: Gate, f: number, list: number): string =>
    outcome(gate.guardExtend(RESOURCE_KINDS.frame, f, frame(list), 1, own));
  must(a.framesAlloc(frame(0), 100, own));
  must(b.framesAlloc(frame(100), 100, own));
  for (let f = 0; f < 200; f++) {
    const [gate, other] = f < 100 ? [a, [1, 2]] : [b, [1, 1]];
    must(gate.guardSet(RESOURCE_KINDS.frame, f, 1, { name: other as number[], rights: RIGHTS.write }, own));
  }
  for (let f = 0; f < 100; f++) {
    expect(extend(a, f, 100 + f)).toBe("ok");
    expect(extend(b, 100 + f, (f + 1) % 100)).toBe("ok");
  }
  expect(outcome(a.framesFree(frame(0), 1, own))).toBe("Pinned");
  checkFrameTable(kernel.frames);
  must(root.environmentDestroy(a.self, own));
  checkFrameTable(kernel.frames);
  expect(root.frames.free()).toBe(free - 200);
  must(root.environmentDestroy(b.self, own));
  checkFrameTable(kernel.frames);
  expect(root.frames.free()).toBe(free);
});

describe("a caller that ends itself in a getter of its own, while another takes its row", () => {
  /** A caller with a capability for every device, the window that its heir will have, and the getter. */
  function makeRowThief() {
    const { machine } = makeRig();
    const { kernel, root } = load(machine, { reserveFrames: 0 });
    const gate = placeEnvironment(root, [1, 2]);
    for (const name of [
      [2, 0],
      [3, 0],
    ])
      must(root.capabilityGrant(gate.self, { name, rights: RIGHTS.all }, own, own));
    must(gate.framesAlloc(frame(30), 4, own));
    const ring = must(gate.ringBind(frame(30), 3, own));
    const extent = must(gate.extentAlloc(0, 0, 8, capSlot(2), own));
    const region = must(root.regionCreate(must(root.framesAlloc(frame(5), 1, own)), 0, 64, own));
    while (!failed(root.environmentCreate(() => ({ sliceBegin: () => {} }), own)));
    let window: Window | undefined;
    let after = "";
    const theirs = (): Window => {
      if (window !== undefined) return window;
      must(root.environmentDestroy(gate.self, own));
      const heir = placeEnvironment(root, [1, 2]);
      expect(rowOf(heir.self)).toBe(rowOf(gate.self));
      must(heir.framesAlloc(frame(30), 4, own));
      window = must(heir.windowBind(frame(30), 4, true, own));
      after = tableState(root);
      return window;
    };
    return { kernel, root, gate, ring, extent, region, theirs, isAsItWas: () => tableState(root) === after };
  }

  type Thief = ReturnType<typeof makeRowThief>;

  const copyBy = ({ theirs }: Thief): DmaCopy => ({
    get from() {
      return theirs();
    },
    get to() {
      return theirs();
    },
    get statusWindow() {
      return theirs();
    },
    fromAt: 0,
    toAt: FRAME_BYTES,
    length: 64,
    statusAt: 2 * FRAME_BYTES,
  });
  const transferBy = ({ theirs }: Thief): Transfer => ({
    get window() {
      return theirs();
    },
    get statusWindow() {
      return theirs();
    },
    block: 0,
    count: 1,
    at: 0,
    statusAt: FRAME_BYTES,
  });
  const moveBy = ({ theirs }: Thief): RegionMove => ({
    get window() {
      return theirs();
    },
    at: 0,
    windowAt: 0,
    length: 8,
  });
  const capabilityBy = ({ theirs }: Thief): { name: number[]; rights: number } => ({
    get name() {
      theirs();
      return [1, 2];
    },
    rights: 0,
  });
  const filterBy = ({ theirs }: Thief): Filter => [
    {
      get kind() {
        theirs();
        return "equal" as const;
      },
      at: 12,
      width: 1,
      mask: 0xff,
      value: 1,
    },
  ];
  const termsBy = ({ theirs }: Thief): never =>
    [
      {
        tag: 1,
        terms: [
          {
            get window() {
              return theirs();
            },
            at: 0,
            comparison: "equal",
            value: 1,
          },
        ],
      },
    ] as never;

  const calls: { readonly [name: string]: (t: Thief) => unknown } = {
    dmaCopy: (t) => t.gate.dmaCopy(copyBy(t)),
    extentRead: (t) => t.gate.extentRead(t.extent, transferBy(t), own),
    extentWrite: (t) => t.gate.extentWrite(t.extent, transferBy(t), own),
    regionRead: (t) => t.gate.regionRead(t.region, moveBy(t), own),
    regionWrite: (t) => t.gate.regionWrite(t.region, moveBy(t), own),
    capabilityForge: (t) => t.gate.capabilityForge(own, capabilityBy(t)),
    capabilityGrant: (t) => t.gate.capabilityGrant(t.root.self, capabilityBy(t), own, own),
    capabilityOffer: (t) => t.gate.capabilityOffer(t.root.self, capabilityBy(t), own),
    guardSet: (t) => t.gate.guardSet(RESOURCE_KINDS.frame, 33, 1, capabilityBy(t), own),
    filterInsert: (t) => t.gate.filterInsert(0, filterBy(t), t.ring, capSlot(1), own),
    transmitBind: (t) => t.gate.transmitBind(0, filterBy(t), t.root.self, capSlot(1), own),
    predicateWait: (t) => t.gate.predicateWait(termsBy(t)),
  };

  for (const [name, call] of Object.entries(calls))
    test(`changes nothing by ${name}`, () => {
      const thief = makeRowThief();
      expect(outcome(call(thief))).not.toBe("ok");
      expect(thief.isAsItWas()).toBe(true);
      expect(thief.theirs().equals(0, thief.theirs(), FRAME_BYTES, FRAME_BYTES)).toBe(true);
      expect(thief.kernel.dma.copies.size).toBe(0);
      checkKernel(thief.kernel);
    });
});
