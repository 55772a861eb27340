import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  GUARANTEED_FRAMES,
  NEVER,
  RESOURCE_KINDS,
  capSlot,
  failed,
  frame,
  must,
  rowOf,
  type Gate,
} from "../src/abi/index.ts";
import { makeTrace, TRACE_EVENTS } from "../src/trace.ts";
import { checkTables, makeRig, outcome, tableState, type Rig } from "../src/testing/index.ts";
import {
  HOLDINGS,
  ask,
  expire,
  makeAsked,
  own,
  placeAsked,
  vectorOf,
  type Asked,
  type Holding,
} from "./revocation-rig.ts";

const { frame: FRAME, slice: SLICE } = RESOURCE_KINDS;
const nowOf = ({ rig }: Asked): number => rig.machine.clock.now();

/** A libOS that knows which of its pages it used last, and gives back the coldest. */
interface Pager {
  readonly asked: Asked;
  /** Frames, coldest first. */
  readonly pages: number[];
  readonly touch: (page: number) => void;
  /** Frames in the order in which it gave them back. */
  readonly given: number[];
  wanted: number;
}

function placePager(rig: Rig, name: readonly number[], slice: number, holds: number): Pager {
  const asked = placeAsked(rig, name, slice);
  const { gate } = asked;
  const pages: number[] = [];
  const given: number[] = [];
  const touch = (page: number): void => {
    pages.splice(pages.indexOf(page), 1);
    pages.push(page);
  };
  const pager: Pager = { asked, pages, touch, given, wanted: 0 };
  asked.answer = ({ count }) => {
    pager.wanted += count;
    for (let i = 0; i < count; i++) {
      const coldest = pages.shift() as number;
      must(gate.framesFree(frame(coldest), 1, own));
      given.push(coldest);
    }
  };
  asked.work = () => {
    while (pages.length < holds) pages.push(must(gate.frameAllocAny(own)));
  };
  return pager;
}

/** Has the root, which is never asked, hold so many frames that `free` are left. */
function fillUp({ root }: Rig, free: number): void {
  while (root.frames.free() > free) must(root.frameAllocAny(own));
}

describe("asking", () => {
  test("[R1] the libOS returns its coldest page, not the kernel's choice; demand is in proportion to holdings over 10,000 requests, within 5 %", () => {
    const rig = makeRig(1024);
    const sizes = [100, 200, 400];
    const pagers = sizes.map((size, i) => placePager(rig, [1, i + 1], i, size));
    rig.run();
    fillUp(rig, rig.root.revocations.reserve());

    const [first] = pagers as [Pager];
    const hot = first.pages.slice(0, 60);
    for (const page of hot) first.touch(page);
    const coldest = first.pages[0] as number;
    expect([Math.min(...first.pages), Math.max(...first.pages)]).not.toContain(coldest);
    ask(first.asked, FRAME, 2);
    rig.run();
    expect(first.given).toEqual([coldest, coldest + 1]);
    expect(first.pages).toHaveLength(sizes[0] as number);

    for (const pager of pagers) pager.wanted = 0;
    must(rig.root.frameAllocAny(own));
    const before = rig.root.revocations.asked();
    while (rig.root.revocations.asked() < before + 10_000) expect(rig.kernel.step()).toBe(true);
    const total = pagers.reduce((sum, { wanted }) => sum + wanted, 0);
    const held = sizes.reduce((sum, size) => sum + size, 0);
    for (const [i, { wanted, asked }] of pagers.entries()) {
      const share = (total * (sizes[i] as number)) / held;
      expect(Math.abs(wanted - share) / share).toBeLessThan(0.05);
      expect(asked.losses).toEqual([]);
    }
    expect(rig.root.revocations.aborted()).toBe(0);
    checkTables(rig.root);
  });

  test("a request says what, how many and until when; its answer may come later, by any call", () => {
    const asked = makeAsked();
    const { gate, rig, row } = asked;
    must(gate.framesAlloc(frame(20), 10, own));
    ask(asked, FRAME, 3);
    expect([gate.revocations.wanted(row, FRAME), gate.revocations.deadline(row, FRAME)]).toEqual([3, NEVER]);
    expect(rig.kernel.wakeAt()).toBe(nowOf(asked));
    const delivered = nowOf(asked);
    rig.run();
    const [request] = asked.requests;
    expect(request).toMatchObject({ kind: FRAME, count: 3 });
    expect(request?.deadline).toBe(delivered + 0.05 * rig.machine.clock.hertz);
    expect(gate.revocations.deadline(row, FRAME)).toBe(request?.deadline);
    expect(rig.kernel.wakeAt()).toBe(request?.deadline);
    must(gate.framesFree(frame(29), 1, own));
    expect(gate.revocations.wanted(row, FRAME)).toBe(2);
    must(gate.framesFree(frame(20), 2, own));
    rig.run();
    expect([gate.revocations.wanted(row, FRAME), gate.revocations.deadline(row, FRAME)]).toEqual([0, NEVER]);
    expect(rig.kernel.wakeAt()).toBe(NEVER);
    const { asked: count, answered, aborted } = gate.revocations;
    expect([count(), answered(), aborted()]).toEqual([1, 1, 0]);
    must(gate.framesAlloc(frame(20), 2, own));
    must(gate.framesAlloc(frame(29), 1, own));
    expire(asked, FRAME);
    expect([asked.requests.length, asked.losses, gate.environments.frames(row)]).toEqual([1, [], 10]);
  });

  test("what was given back before the request was delivered makes it none", () => {
    const asked = makeAsked();
    must(asked.gate.framesAlloc(frame(20), 4, own));
    ask(asked, FRAME, 1);
    must(asked.gate.framesFree(frame(20), 1, own));
    asked.rig.run();
    expect(asked.requests).toEqual([]);
    expect([asked.gate.revocations.asked(), asked.gate.revocations.answered()]).toEqual([0, 0]);
    expect(outcome(asked.rig.root.revocationAsk(asked.gate.self, FRAME, 1, own))).toBe("ok");
  });

  test("several kinds are asked for side by side, each with a time of its own", () => {
    const asked = makeAsked();
    must(asked.gate.framesAlloc(frame(20), 4, own));
    ask(asked, FRAME, 1);
    asked.rig.run();
    asked.rig.machine.clock.advance((nowOf(asked) + 1000) as never);
    ask(asked, SLICE, 1);
    asked.rig.run();
    const [frames, slices] = asked.requests;
    expect((slices?.deadline ?? 0) - (frames?.deadline ?? 0)).toBeGreaterThanOrEqual(1000);
    expire(asked, FRAME);
    expect(vectorOf(asked.gate).map(([kind]) => kind)).toEqual([FRAME]);
    expire(asked, SLICE);
    expect(vectorOf(asked.gate).map(([kind]) => kind)).toEqual([FRAME, SLICE]);
  });

  test("a libOS without an entry for requests finds them in the table, and answers in its slice", () => {
    const rig = makeRig(256, { reserveFrames: 0 });
    const lazy = (gate: Gate) => ({
      sliceBegin: () => {
        const row = rowOf(gate.self);
        for (let left = gate.revocations.wanted(row, FRAME); left > 0; left--)
          must(gate.framesFree(frame(20 + left), 1, own));
        gate.sleep(gate.environments.events(row), Infinity as never);
      },
    });
    const gate = rig.environment([1, 1], { slices: [0], upcalls: lazy });
    must(gate.framesAlloc(frame(20), 8, own));
    rig.run();
    must(rig.root.revocationAsk(gate.self, FRAME, 3, own));
    rig.run();
    expect(gate.environments.frames(rowOf(gate.self))).toBe(5);
    expect(gate.revocations.answered()).toBe(1);
  });

  test("requests are charged to whom they are delivered, and traced", () => {
    const trace = makeTrace(256);
    const asked = makeAsked(256, { trace });
    const { gate, row, rig } = asked;
    must(gate.framesAlloc(frame(20), 8, own));
    asked.answer = () => rig.machine.clock.spend(5000);
    rig.run();
    const before = gate.environments.cyclesUsed(row);
    ask(asked, FRAME, 2);
    rig.kernel.step();
    expect(gate.environments.cyclesUsed(row) - before).toBeGreaterThanOrEqual(5000);
    expire(asked, FRAME);
    const seen: number[][] = [];
    trace.read((_, event, a, b) => seen.push([event, a, b]));
    expect(seen).toContainEqual([TRACE_EVENTS.revoke, gate.self, (FRAME << 16) | 2]);
    expect(seen).toContainEqual([TRACE_EVENTS.repossess, gate.self, (FRAME << 16) | 2]);
  });

  test("in one step so many requests are delivered, and no more", () => {
    const rig = makeRig(256, { reserveFrames: 0 });
    const all = Array.from({ length: 12 }, (_, i) => placeAsked(rig, [1, i + 1], i));
    for (const [i, asked] of all.entries()) {
      must(asked.gate.framesAlloc(frame(10 + i), 1, own));
      ask(asked, FRAME, 1);
      ask(asked, SLICE, 1);
    }
    const delivered = (): number => all.reduce((sum, { requests }) => sum + requests.length, 0);
    rig.kernel.step();
    expect(delivered()).toBe(16);
    rig.kernel.step();
    expect(delivered()).toBe(24);
  });

  test("an environment without code is not entered, but loses what it was asked for", () => {
    const rig = makeRig(256, { reserveFrames: 0 });
    const { root } = rig;
    must(root.framesAlloc(frame(20), 4, own));
    must(root.revocationAsk(root.self, FRAME, 4, own));
    rig.run();
    rig.machine.clock.advance(rig.kernel.wakeAt() as never);
    rig.run();
    expect(root.environments.frames(rowOf(root.self))).toBe(0);
    expect(vectorOf(root)).toHaveLength(4);
  });

  test("whoever may not write over an environment's guard does not ask; nonsense is refused and changes nothing", () => {
    const asked = makeAsked();
    const { rig, gate } = asked;
    const other = rig.environment([1, 2]);
    must(gate.framesAlloc(frame(20), 4, own));
    const reader = must(rig.root.capabilityForge(own, { name: [1, 1], rights: RIGHTS.none }));
    const before = tableState(rig.root);
    const asks = (by: Gate, ...[id, kind, count, slot]: unknown[]): string =>
      outcome(by.revocationAsk(id as never, kind as never, count as never, slot as never));
    expect(asks(other, gate.self, FRAME, 1, own)).toBe("BadCapability");
    expect(asks(other, rig.root.self, FRAME, 1, own)).toBe("BadCapability");
    expect(asks(rig.root, gate.self, FRAME, 1, reader)).toBe("BadCapability");
    expect(asks(rig.root, gate.self, FRAME, 1, 17)).toBe("BadSlot");
    for (const id of [0, gate.self + 0x1_0000, Number.NaN, "1", undefined, {}])
      expect(asks(rig.root, id, FRAME, 1, own)).toBe("BadEnvironment");
    for (const kind of [
      0,
      RESOURCE_KINDS.environment,
      RESOURCE_KINDS.transmit,
      10,
      "1",
      undefined,
      Number.NaN,
    ])
      expect(asks(rig.root, gate.self, kind, 1, own)).toBe("BadResource");
    for (const count of [0, -1, 0.5, 5, Number.NaN, Infinity, "1", undefined])
      expect(asks(rig.root, gate.self, FRAME, count, own)).toBe("BadRange");
    expect(asks(rig.root, gate.self, RESOURCE_KINDS.region, 1, own)).toBe("BadRange");
    rig.run();
    expect([asked.requests, gate.revocations.asked(), tableState(rig.root)]).toEqual([[], 0, before]);
    expect(asks(rig.root, gate.self, FRAME, 4, own)).toBe("ok");
    expect(asks(rig.root, gate.self, FRAME, 1, own)).toBe("Busy");
    expect(asks(gate, gate.self, SLICE, 1, own)).toBe("ok");
  });
});

describe("deadlines", () => {
  test("[R2] a libOS that is late loses by force what it was asked for: not one cycle before its deadline, and with it", () => {
    const asked = makeAsked(256, { revocationSeconds: 50e-6 });
    const { gate, rig, row } = asked;
    must(gate.framesAlloc(frame(20), 10, own));
    ask(asked, FRAME, 4);
    const from = nowOf(asked);
    rig.run();
    const deadline = asked.requests[0]?.deadline as number;
    expect(deadline - from).toBe(50e-6 * rig.machine.clock.hertz);
    must(gate.framesFree(frame(29), 1, own));
    rig.machine.clock.advance((deadline - 1) as never);
    rig.run();
    expect([gate.environments.frames(row), gate.revocations.aborted()]).toEqual([9, 0]);
    expect(nowOf(asked)).toBe(deadline - 1);
    rig.machine.clock.advance(deadline as never);
    rig.kernel.step();
    expect([gate.environments.frames(row), gate.revocations.aborted()]).toEqual([6, 1]);
    expect(asked.losses).toEqual([3]);
    expect(gate.environments.state(row)).toBe(1);
    checkTables(rig.root);
  });

  test("one that takes more after it was asked loses what it was asked for, and no more", () => {
    const asked = makeAsked();
    const { gate, row } = asked;
    must(gate.framesAlloc(frame(20), 10, own));
    asked.answer = () => must(gate.framesAlloc(frame(60), 30, own));
    ask(asked, FRAME, 4);
    asked.rig.run();
    expect(gate.revocations.wanted(row, FRAME)).toBe(4);
    expire(asked, FRAME);
    expect(gate.environments.frames(row)).toBe(36);
    expect(asked.losses).toEqual([4]);
  });
});

describe("memory pressure", () => {
  test("one environment allocates until frames run short, and another is asked, by no more than what is short", () => {
    const rig = makeRig(128);
    const holder = placeAsked(rig, [1, 1], 0);
    must(holder.gate.framesAlloc(frame(0), 60, own));
    const hog = rig.environment([1, 2]);
    const reserve = rig.root.revocations.reserve();
    fillUp(rig, reserve + 20);
    rig.run();
    expect([holder.requests, rig.kernel.wakeAt()]).toEqual([[], NEVER]);
    while (rig.root.frames.free() > reserve) must(hog.frameAllocAny(own));
    rig.run();
    expect(holder.requests).toEqual([]);
    for (let i = 0; i < 7; i++) must(hog.frameAllocAny(own));
    expect(rig.kernel.wakeAt()).toBe(rig.machine.clock.now());
    // The hog is asked as well, in proportion; neither answers, and the deadline settles it.
    while (rig.kernel.wakeAt() < NEVER) {
      rig.machine.clock.advance(rig.kernel.wakeAt());
      rig.run();
    }
    expect(rig.root.frames.free()).toBe(reserve);
    const { asked, answered, aborted } = rig.root.revocations;
    expect([answered(), aborted()]).toEqual([0, asked()]);
    expect(hog.environments.frames(rowOf(hog.self)) + holder.gate.environments.frames(holder.row)).toBe(80);
    checkTables(rig.root);
  });

  test("an answer in time costs nobody anything else; a long shortage is asked for in parts", () => {
    const rig = makeRig(256, { reserveFrames: 100 });
    const pager = placePager(rig, [1, 1], 0, 0);
    pager.pages.push(...Array.from({ length: 200 }, (_, i) => i));
    must(pager.asked.gate.framesAlloc(frame(0), 200, own));
    rig.run();
    expect(rig.root.frames.free()).toBe(100);
    expect(pager.asked.requests.map(({ count }) => count)).toEqual([16, 16, 14]);
    expect([rig.root.revocations.answered(), rig.root.revocations.aborted()]).toEqual([3, 0]);
  });

  test("without anybody who has frames to give, nothing is asked and nothing turns round for ever", () => {
    const rig = makeRig(64);
    const holder = placeAsked(rig, [1, 1], 0);
    must(holder.gate.framesAlloc(frame(0), GUARANTEED_FRAMES, own));
    must(holder.gate.framesGuarantee(frame(0), GUARANTEED_FRAMES, true));
    fillUp(rig, 0);
    expect(rig.run(50)).toBeLessThan(10);
    expect([holder.requests, rig.root.revocations.asked(), rig.kernel.wakeAt()]).toEqual([[], 0, NEVER]);
  });

  test("a reserve of 0 asks for nothing", () => {
    const rig = makeRig(64, { reserveFrames: 0 });
    const holder = placeAsked(rig, [1, 1], 0);
    while (!failed(holder.gate.frameAllocAny(own)));
    rig.run();
    expect([holder.requests, rig.root.revocations.reserve()]).toEqual([[], 0]);
  });

  test("the seed decides who is asked: two runs from one seed agree", () => {
    const order = (): number[] => {
      const rig = makeRig(256);
      const pagers = [0, 1, 2].map((i) => placePager(rig, [1, i + 1], i, 30));
      rig.run();
      fillUp(rig, 15);
      const who: number[] = [];
      while (who.length < 50) {
        rig.kernel.step();
        for (const [i, { asked }] of pagers.entries()) if (asked.requests.pop() !== undefined) who.push(i);
      }
      return who;
    };
    expect(order()).toEqual(order());
  });
});

describe("the guaranteed set", () => {
  test("[R5] boot pages in the guaranteed set are never taken under pressure: everything else goes, they and their windows stay", () => {
    const rig = makeRig(128, { reserveFrames: 120 });
    const asked = placeAsked(rig, [1, 1], 0);
    const { gate, row } = asked;
    must(gate.framesAlloc(frame(0), 100, own));
    must(gate.framesGuarantee(frame(40), GUARANTEED_FRAMES, true));
    const boot = must(gate.windowBind(frame(40), GUARANTEED_FRAMES, true, own));
    boot.fill(0, boot.length, 0x5a);
    while (rig.kernel.wakeAt() < NEVER) {
      rig.machine.clock.advance(rig.kernel.wakeAt());
      rig.run();
    }
    expect(rig.root.frames.free()).toBeLessThan(120);
    expect(gate.environments.frames(row)).toBe(GUARANTEED_FRAMES);
    for (let f = 40; f < 40 + GUARANTEED_FRAMES; f++)
      expect([gate.frames.owner(f), gate.frames.guaranteed(f)]).toEqual([gate.self, 1]);
    expect(boot.getU8(boot.length - 1)).toBe(0x5a);
    expect(vectorOf(gate).map(([, f]) => f)).toHaveLength(90);

    must(rig.root.revocationAsk(gate.self, FRAME, GUARANTEED_FRAMES, own));
    expire(asked, FRAME);
    expect(gate.environments.frames(row)).toBe(GUARANTEED_FRAMES);
    expect(boot.getU8(0)).toBe(0x5a);
    checkTables(rig.root);
  });

  test("ten own frames may be in it; a frame leaves it by hand or with its freeing", () => {
    const rig = makeRig(256, { reserveFrames: 0 });
    const gate = rig.environment([1, 1]);
    const other = rig.environment([1, 2]);
    must(gate.framesAlloc(frame(20), 40, own));
    must(other.framesAlloc(frame(80), 2, own));
    const guarantee = (first: unknown, count: unknown, is: unknown = true): string =>
      outcome(gate.framesGuarantee(first as never, count as never, is as never));
    const inSet = (): number => {
      let sum = 0;
      for (let f = 0; f < gate.frames.count; f++) sum += gate.frames.guaranteed(f);
      return sum;
    };
    for (const first of [-1, 256, 0.5, Number.NaN, "20", undefined, 80, 61, 255])
      expect(guarantee(first, 1)).toBe("BadFrame");
    expect(guarantee(59, 2)).toBe("BadFrame");
    for (const count of [0, -1, 1.5, Number.NaN, 1000, undefined])
      expect(guarantee(20, count)).toBe("BadRange");
    expect(guarantee(20, 11)).toBe("Full");
    expect(inSet()).toBe(0);
    expect(guarantee(20, 8)).toBe("ok");
    expect(guarantee(24, 7)).toBe("Full");
    expect(guarantee(24, 6)).toBe("ok");
    expect(inSet()).toBe(10);
    expect(guarantee(20, 40, false)).toBe("ok");
    expect(inSet()).toBe(0);
    for (const no of [1, "yes", {}, false]) {
      expect(guarantee(20, 1, no)).toBe("ok");
      expect(inSet()).toBe(0);
    }
    expect(guarantee(20, 10)).toBe("ok");
    must(gate.framesFree(frame(20), 4, own));
    expect(inSet()).toBe(6);
    must(gate.framesAlloc(frame(20), 4, own));
    expect(inSet()).toBe(6);
    expect(guarantee(30, 4)).toBe("ok");
    expect(guarantee(34, 1)).toBe("Full");
    must(rig.root.environmentDestroy(gate.self, own));
    expect(inSet()).toBe(0);
  });
});

const answer = ({ kind, hold, free }: Holding): Asked => {
  const asked = makeAsked(256, { reserveFrames: 0 });
  const held = hold(asked);
  asked.rig.run();
  asked.answer = ({ count }) => {
    for (let i = 0; i < count; i++) expect(outcome(free(asked, held.pop() as number))).toBe("ok");
  };
  ask(asked, kind, 2);
  expire(asked, kind);
  return asked;
};

const force = ({ kind, hold }: Holding): { asked: Asked; held: number[] } => {
  const asked = makeAsked(256, { reserveFrames: 0 });
  const held = hold(asked);
  asked.rig.run();
  ask(asked, kind, 2);
  expire(asked, kind);
  return { asked, held };
};

test("[R7] processor, disk blocks, filters, regions and rings are revocable like frames: each kind once by answer, and once by force", () => {
  for (const [name, holding] of Object.entries(HOLDINGS)) {
    const { kind, free } = holding;
    const willing = answer(holding);
    expect(willing.requests, name).toMatchObject([{ kind, count: 2 }]);
    expect([willing.losses, willing.gate.repossessions.count()], name).toEqual([[], 0]);
    expect(willing.gate.revocations.answered(), name).toBe(1);

    const { asked, held } = force(holding);
    expect(asked.requests, name).toMatchObject([{ kind, count: 2 }]);
    expect([asked.losses, asked.faults], name).toEqual([[2], []]);
    expect([asked.gate.revocations.answered(), asked.gate.revocations.aborted()], name).toEqual([0, 1]);
    const taken = vectorOf(asked.gate);
    expect(
      taken.map(([of]) => of),
      name,
    ).toEqual([kind, kind]);
    for (const [, what] of taken) expect(held, name).toContain(what);
    const gone = new Set(taken.map(([, what]) => what));
    const left = held.filter((what) => !gone.has(what));
    for (const what of gone) expect(outcome(free(asked, what)), name).not.toBe("ok");
    expect(
      left.map((what) => outcome(free(asked, what))),
      name,
    ).toEqual(["ok"]);
    checkTables(asked.rig.root);
  }
});

test("the unprivileged holder of a capability over an environment may ask it too", () => {
  const asked = makeAsked();
  const swapper = asked.rig.environment([1, 2]);
  must(asked.gate.framesAlloc(frame(20), 4, own));
  const slot = asked.rig.grant(swapper, { name: [1, 1], rights: RIGHTS.write });
  expect(outcome(swapper.revocationAsk(asked.gate.self, FRAME, 1, capSlot(7)))).toBe("BadSlot");
  must(swapper.revocationAsk(asked.gate.self, FRAME, 1, slot));
  asked.rig.run();
  expect(asked.requests).toHaveLength(1);
});
