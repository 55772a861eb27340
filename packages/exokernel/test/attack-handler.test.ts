/** What a hostile environment may try with handlers. */
import { MODERN_3GHZ, makeLoopback, makeSimulatedMachine } from "@exolith/hw-model";
import { RIGHTS, makeModuleBuilder } from "@exolith/secure-bind";
import { handlerModule } from "@exolith/secure-bind/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FRAME_BYTES,
  KERNEL,
  capSlot,
  frame,
  must,
  rowOf,
  type Gate,
  type HandlerId,
  type HandlerRequest,
  type Upcalls,
} from "../src/abi/index.ts";
import { createEnvironment } from "../src/index.ts";
import { load } from "../src/load.ts";
import { KernelPanic, isStackOverflow } from "../src/panic.ts";
import { checkTables, outcome, tableState } from "../src/testing/index.ts";
import { checkKernel } from "./check-kernel.ts";
import {
  PAGE_FRAMES,
  REPLY_PORT,
  byPort,
  echo,
  handlerRig,
  header,
  inRing,
  install,
  makePeer,
  memoryWithout,
  own,
  packet,
  reply,
  requestOf,
  station,
  type Body,
  type Code,
  type Station,
} from "./handler-rig.ts";
import { climb } from "./headroom-attack.ts";

const PORT = 7;
const CONSUME = handlerModule((code) => code.i32(1));
const DEFER = handlerModule((code) => code.i32(0));
const BAD = handlerModule((code) => code.i64(1n));

const attempt = (s: Station, request: unknown): unknown =>
  s.gate.handlerInstall(s.filter, request as HandlerRequest, frame(s.first), PAGE_FRAMES, own);
const attacked = (s: Station, request: unknown): string => outcome(attempt(s, request));
const setUp = (): Station => station(handlerRig(), PORT);

/** A request with `act` run when `key` is read. */
const trapped = (key: string, act: () => void, request: Record<string, unknown> = {}): object => {
  const full: Record<string, unknown> = { module: CONSUME, fuel: 10, ...request };
  const value = full[key];
  return Object.defineProperty(full, key, {
    get: () => {
      act();
      return value;
    },
  });
};
const KEYS = ["module", "fuel", "pipes", "transmit"] as const;

describe("requests that are not what they seem", () => {
  test("anything at all is refused, and nothing changes", () => {
    const s = setUp();
    const before = tableState(s.gate);
    fc.assert(
      fc.property(fc.anything(), (alien) => {
        expect(["BadHandler", "BadBinding"]).toContain(attacked(s, alien));
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), (module, fuel, pipes) => {
        expect(attacked(s, { module, fuel, pipes })).toBe("BadHandler");
      }),
      { numRuns: 300 },
    );
    expect(tableState(s.gate)).toBe(before);
  });

  test("every property is read once, in whatever wrapping", () => {
    const s = setUp();
    const reads: PropertyKey[] = [];
    const watched = new Proxy(
      { module: CONSUME, fuel: 10, pipes: [], transmit: s.transmit },
      {
        get: (of, key) => {
          reads.push(key);
          return Reflect.get(of, key);
        },
      },
    );
    expect(attacked(s, watched)).toBe("ok");
    expect(reads.toSorted()).toEqual([...KEYS].toSorted());
    must(s.gate.handlerRemove(s.gate.handlers.id(1) as HandlerId));
    expect(attacked(s, Object.create({ module: CONSUME, fuel: 10 }))).toBe("ok");
  });

  test("a getter that throws, whatever it throws, is a bad request and nothing worse", () => {
    const s = setUp();
    const thrown = [
      new Error("mine"),
      undefined,
      new RangeError("Maximum call stack size exceeded"),
      new Proxy(
        {},
        {
          getPrototypeOf: () => {
            throw new Error("no");
          },
        },
      ),
      Symbol.iterator,
    ];
    for (const key of KEYS)
      for (const reason of thrown) {
        const request = trapped(key, () => {
          throw reason;
        });
        expect([key, attacked(s, request)]).toEqual([key, "BadHandler"]);
      }
    checkTables(s.gate);
  });

  test("a panic in a getter is the board's to see, wherever it is thrown", () => {
    const s = setUp();
    const before = tableState(s.gate);
    const panic = (): never => {
      throw new KernelPanic("an invariant is false");
    };
    const listed = Object.defineProperty([], "0", { get: panic });
    const pipes = (list: unknown): object => ({ module: CONSUME, fuel: 10, pipes: list });
    const requests = [
      ...KEYS.map((key) => trapped(key, panic)),
      pipes(listed),
      pipes([listed]),
      pipes([[Object.defineProperty({}, "kind", { get: panic })]]),
    ];
    for (const request of requests) expect(() => attempt(s, request)).toThrow(KernelPanic);
    expect(tableState(s.gate)).toBe(before);
  });

  test("tables for the host to keep, or to copy about, are refused; a table to call by is not", () => {
    const s = setUp();
    const before = tableState(s.gate);
    const withTables = (count: number, elements: number, body: (code: Code) => void): Uint8Array => {
      const builder = makeModuleBuilder();
      const entry = builder.function(["i32", "i32"], ["i32"]);
      builder.export("handle", "function", entry.index);
      for (let i = 0; i < count; i++) builder.table({ minimum: elements, maximum: elements });
      builder.elements(0, [entry.index]);
      builder.memory({ minimum: 0 });
      body(entry);
      return builder.build();
    };
    const request = (module: Uint8Array): object => ({ module, fuel: 60_000 });
    const idle = (code: Code): void => void code.i32(1);
    const moving = (code: Code): void => void code.i32(1).i32(0).i32(65_535).op("table.copy", 0, 0).i32(1);
    expect(attacked(s, request(withTables(16, 65_536, idle)))).toBe("BadHandler");
    expect(attacked(s, request(withTables(2, 8, idle)))).toBe("BadHandler");
    expect(attacked(s, request(withTables(1, 65_536, moving)))).toBe("BadHandler");
    expect(tableState(s.gate)).toBe(before);
    const calls = makeModuleBuilder();
    const entry = calls.function(["i32", "i32"], ["i32"]);
    const one = calls.function([], ["i32"]).i32(1);
    entry.i32(0).op("call_indirect", calls.type([], ["i32"]), calls.table({ minimum: 1, maximum: 1 }));
    calls.elements(0, [one.index]);
    calls.export("handle", "function", entry.index);
    calls.memory({ minimum: 0 });
    expect(attacked(s, request(calls.build()))).toBe("ok");
    makePeer(s.rig).deliver(packet(PORT, [1]));
    expect(s.gate.handlers.consumed(rowOf(s.gate.handlers.id(1)))).toBe(1);
  });

  test("a caller near the end of its stack has its error before anything is verified", () => {
    const s = setUp();
    const request = { module: CONSUME, fuel: 10 };
    must(s.gate.handlerRemove(must(attempt(s, request) as HandlerId)));
    const before = tableState(s.gate);
    let thrown: unknown;
    climb(() => {
      // Here other calls have the stack that they need.
      s.gate.nullCall();
      try {
        attempt(s, request);
      } catch (reason) {
        thrown = reason;
      }
    });
    expect(isStackOverflow(thrown)).toBe(true);
    expect(tableState(s.gate)).toBe(before);
  });

  /** Something that a getter does to the world, and what the call then says. */
  const CHANGES: Readonly<Record<string, readonly [(s: Station) => void, string]>> = {
    "removes its filter": [(s) => must(s.gate.filterRemove(s.filter, own)), "NoFilter"],
    "ends its environment": [(s) => must(s.gate.environmentDestroy(s.gate.self, own)), "NoFilter"],
    "has its environment ended by another": [
      (s) => must(s.rig.root.environmentDestroy(s.gate.self, own)),
      "NoFilter",
    ],
    "frees its frames": [(s) => must(s.gate.framesFree(frame(s.first), PAGE_FRAMES, own)), "BadFrame"],
    "gives one of its frames to another": [
      (s) => {
        must(s.gate.framesFree(frame(s.first + 3), 1, own));
        must(s.rig.root.framesAlloc(frame(s.first + 3), 1, own));
      },
      "BadCapability",
    ],
    "ends its binding": [(s) => must(s.rig.root.transmitUnbind(s.transmit, own)), "BadBinding"],
    "installs another first": [(s) => void install(s, echo), "Busy"],
    "throws away its capability": [(s) => must(s.gate.capabilityDestroy(own)), "BadSlot"],
  };

  for (const [name, [act, wanted]] of Object.entries(CHANGES))
    test(`a getter that ${name}`, () => {
      for (const key of KEYS) {
        const s = setUp();
        let isDone = false;
        const request = trapped(
          key,
          () => {
            if (!isDone) act(s);
            isDone = true;
          },
          { transmit: s.transmit },
        );
        // The binding is read after the others, and what is read is what is checked.
        expect([key, attacked(s, request), isDone]).toEqual([key, wanted, true]);
        checkTables(s.rig.root);
        makePeer(s.rig).deliver(packet(PORT, [1]));
        checkTables(s.rig.root);
      }
    });

  test("an element of its pipes that is a getter is no better", () => {
    const s = setUp();
    const pipes: unknown[] = [];
    Object.defineProperty(pipes, 0, {
      get: () => {
        must(s.gate.filterRemove(s.filter, own));
        return [];
      },
    });
    pipes.length = 1;
    expect(attacked(s, { module: CONSUME, fuel: 10, pipes })).toBe("NoFilter");
    checkTables(s.rig.root);
  });

  test("a getter that makes the same call again, and again, ends where the stack does", () => {
    const s = setUp();
    const request = (): object => trapped("fuel", () => void attempt(s, request()));
    let result: unknown;
    try {
      result = attempt(s, request());
    } catch (reason) {
      expect(reason).toBeInstanceOf(RangeError);
    }
    if (result !== undefined) expect(["ok", "Busy", "BadHandler"]).toContain(outcome(result));
    checkTables(s.rig.root);
    expect(s.gate.handlers.owner(2)).toBe(0);
  });
});

describe("bytes that change", () => {
  const outcomeOf = (s: Station): string => {
    const peer = makePeer(s.rig);
    peer.deliver(packet(PORT, [1]));
    const row = rowOf(s.gate.handlers.id(1));
    return (
      ["deferred", "consumed", "aborted"].find((name) => s.gate.handlers[name as "aborted"](row) > 0) ?? ""
    );
  };
  test("after they were verified: what runs is what was verified", () => {
    const s = setUp();
    const bytes = CONSUME.slice();
    expect(attacked(s, { module: bytes, fuel: 10 })).toBe("ok");
    bytes.set(DEFER.subarray(0, bytes.length));
    expect(outcomeOf(s)).toBe("consumed");
  });

  test("by the last getter that is read: everything alien is over before the bytes are looked at", () => {
    const s = setUp();
    const bytes = CONSUME.slice();
    const request = trapped("transmit", () => bytes.fill(0xff), { module: bytes });
    expect(attacked(s, request)).toBe("BadHandler");
    expect(
      attacked(
        s,
        trapped("transmit", () => bytes.set(DEFER), { module: bytes }),
      ),
    ).toBe("ok");
    expect(outcomeOf(s)).toBe("deferred");
  });

  test("before: by a getter that is read in between, to another module or to none", () => {
    for (const [other, wanted] of [
      [DEFER, "ok"],
      [BAD, "BadHandler"],
    ] as const) {
      const s = setUp();
      const bytes = new Uint8Array(CONSUME);
      expect(other.length).toBe(bytes.length);
      const pipes = new Proxy([], {
        get: (of, key) => {
          if (key === "length") bytes.set(other);
          return Reflect.get(of, key);
        },
      });
      expect(attacked(s, { module: bytes, fuel: 100, pipes })).toBe(wanted);
      if (wanted === "ok") expect(outcomeOf(s)).toBe("deferred");
    }
  });

  test("by losing their buffer, or a part of it", () => {
    const s = setUp();
    const gone = CONSUME.slice();
    const lose = (): void => void structuredClone(gone.buffer, { transfer: [gone.buffer] });
    const pipes = new Proxy([], {
      get: (of, key) => {
        if (key === "length" && gone.length > 0) lose();
        return Reflect.get(of, key);
      },
    });
    expect(attacked(s, { module: gone, fuel: 100, pipes })).toBe("BadHandler");
    const buffer = new ArrayBuffer(CONSUME.length, { maxByteLength: 4096 });
    const shrinking = new Uint8Array(buffer);
    shrinking.set(CONSUME);
    const shrink = new Proxy([], {
      get: (of, key) => {
        if (key === "length") buffer.resize(10);
        return Reflect.get(of, key);
      },
    });
    expect(attacked(s, { module: shrinking, fuel: 100, pipes: shrink })).toBe("BadHandler");
    expect(attacked(s, { module: shrinking, fuel: 100 })).toBe("BadHandler");
    checkTables(s.gate);
  });

  test("in memory that others write to at the same time: it is copied first", () => {
    const s = setUp();
    const shared = new Uint8Array(new SharedArrayBuffer(CONSUME.length));
    shared.set(CONSUME);
    expect(attacked(s, { module: shared, fuel: 100 })).toBe("ok");
    shared.fill(0);
    expect(outcomeOf(s)).toBe("consumed");
  });

  test("in an array that says other things about itself", () => {
    const s = setUp();
    class Sly extends Uint8Array {
      override get length(): number {
        must(s.gate.filterRemove(s.filter, own));
        return 4;
      }
      static get [Symbol.species](): Uint8ArrayConstructor {
        throw new Error("mine");
      }
    }
    expect(attacked(s, { module: new Sly(CONSUME), fuel: 100 })).toBe("ok");
    expect(s.gate.filters.owner(rowOf(s.filter))).toBe(s.gate.self);
  });
});

describe("memory that is not its own", () => {
  test("the frames in which the kernel stages what arrives, and its published frame, are nobody's to have", () => {
    const s = setUp();
    const { rig } = s;
    const everything = rig.grant(s.gate, { name: [], rights: RIGHTS.all });
    const { frames } = rig.root;
    const kept = Array.from({ length: frames.count }, (_, f) => f).filter((f) => frames.owner(f) === KERNEL);
    expect(kept.length).toBeGreaterThan(1);
    const request = { module: CONSUME, fuel: 10 };
    for (const f of kept)
      expect(["BadFrame", "BadCapability"]).toContain(
        outcome(s.gate.handlerInstall(s.filter, request, frame(f), 1, everything)),
      );
    expect(outcome(s.gate.handlerInstall(s.filter, request, frame(300), 1, everything))).toBe("BadFrame");
  });

  /** Tries an address with a store and with a load; where it is neither stopped nor in its segment it is said. */
  test("no store comes out anywhere else, and no load sees anything, wherever it aims", () => {
    const s = setUp();
    const { rig } = s;
    const peer = makePeer(rig);
    const aim: Body = (code) => {
      const at = code.local("i32");
      code.get(0).memory("i32.load", 15).set(at);
      code.i32(0).i32(0).memory("i32.store", 32);
      code.i32(0).get(at).memory("i32.load").memory("i32.store", 32);
      code.get(at).i32(0x5a5a_5a5a).memory("i32.store");
      return code.i32(1);
    };
    const handler = install(s, aim);
    const size = PAGE_FRAMES * FRAME_BYTES;
    const physical = rig.machine.memory.bytes.length;
    const first = s.first * FRAME_BYTES;
    const places = [
      [-4, -1, 0, 1, 36, size - 4, size - 3, size - 1, size, size + 1, 2 * size],
      [first, -first, physical - first, physical - 4, 400 * FRAME_BYTES - first, 0x3fff_ffff, 0x4000_0000],
      [0x7fff_ffff, 0x8000_0000, 0x8000_0000 - first, 0xffff_f000 - first, 0xffff_ffff],
    ].flat();
    let done = 0;
    for (const at of places) {
      const word = [0, 8, 16, 24].map((by) => (at >>> by) & 0xff);
      peer.send(packet(PORT, word));
      const before = memoryWithout(rig, s.first, PAGE_FRAMES);
      rig.run();
      const after = memoryWithout(rig, s.first, PAGE_FRAMES);
      const changed = [...before.keys()].filter((i) => before[i] !== after[i] && after[i] === 0x5a);
      expect([at, changed]).toEqual([at, []]);
      const isInside = at >= 0 && at <= size - 4;
      done += Number(isInside);
      expect([at, s.gate.handlers.consumed(rowOf(handler))]).toEqual([at, done]);
      for (let slot = 0; slot < 4; slot++) s.words.setU32(slot * 4, 0);
    }
    expect(done).toBeGreaterThan(3);
  });

  test("nor does a pipe or a reply", () => {
    const s = setUp();
    const { rig } = s;
    const peer = makePeer(rig);
    const size = PAGE_FRAMES * FRAME_BYTES;
    const handler = install(
      s,
      (code, imports) => {
        const at = code.local("i32");
        code.get(0).memory("i32.load", 15).set(at);
        code.i32(0).i32(15).op("call", imports.append).op("drop");
        code.get(at).i32(40).op("call", imports.append).op("drop");
        code.op("call", imports.send).op("drop");
        code.i32(0).get(at).i32(4096).i32(40).op("call", imports.pipe).op("drop");
        return code.i32(0).i32(4096).get(at).i32(40).op("call", imports.pipe).ops("drop").i32(1);
      },
      { pipes: [[]] },
    );
    for (const at of [-1, -40, size - 39, size, 0x4000_0000, 0x3fff_ffff, 0x8000_0000, 400 * FRAME_BYTES]) {
      peer.send(
        packet(
          PORT,
          [0, 8, 16, 24].map((by) => (at >>> by) & 0xff),
        ),
      );
      const before = rig.machine.memory.bytes.slice(
        s.first * FRAME_BYTES,
        (s.first + PAGE_FRAMES) * FRAME_BYTES,
      );
      rig.run();
      const after = rig.machine.memory.bytes.slice(
        s.first * FRAME_BYTES,
        (s.first + PAGE_FRAMES) * FRAME_BYTES,
      );
      expect([at, after]).toEqual([at, before]);
      expect([at, peer.replies()]).toEqual([at, [header(REPLY_PORT, PORT)]]);
    }
    expect(s.gate.handlers.consumed(rowOf(handler))).toBe(8);
  });

  test("a message is gone with the run that it came in: nobody reads another's frames afterwards", () => {
    const s = setUp();
    const { rig } = s;
    const peer = makePeer(rig);
    const other = station(rig, 8);
    const keen: Body = (code) => code.i32(128).get(0).memory("i32.load", 40).memory("i32.store").i32(1);
    install(s, keen);
    peer.deliver(
      packet(
        8,
        Array.from({ length: 100 }, () => 0x77),
      ),
    );
    peer.deliver(packet(PORT, [1]));
    expect([inRing(other).length, s.memory.getU32(128), inRing(s).length]).toEqual([1, 0, 1]);
  });
});

describe("authority", () => {
  test("a handler sends by no binding that is not its environment's, now or later", () => {
    const s = setUp();
    const { rig } = s;
    const other = station(rig, 8);
    const peer = makePeer(rig);
    expect(attacked(s, { ...requestOf(s, echo), transmit: other.transmit })).toBe("BadBinding");
    for (const stale of [s.transmit + 65_536, rowOf(s.transmit), other.transmit + 65_536])
      expect(attacked(s, { ...requestOf(s, echo), transmit: stale })).toBe("BadBinding");
    // Its own, and then the row is somebody else's.
    const handler = install(s, echo);
    must(rig.root.transmitUnbind(s.transmit, own));
    for (let i = 0; i < 1022; i++) {
      const next = must(rig.root.transmitBind(0, [], other.gate.self, own, own));
      if (rowOf(next) === rowOf(s.transmit)) break;
      must(rig.root.transmitUnbind(next, own));
    }
    expect(rig.root.transmits.user(rowOf(s.transmit))).toBe(other.gate.self);
    peer.deliver(packet(PORT, [1, 2, 3]));
    expect([peer.replies(), s.gate.handlers.refused(rowOf(handler))]).toEqual([[], 1]);
  });

  test("it takes nobody's frames: a filter that could is refused, with a handler or not", () => {
    const victim = setUp();
    const { rig } = victim;
    const thief = station(rig, 8);
    const narrow = [...byPort(PORT), { kind: "equal", at: 15, width: 1, mask: 0xff, value: 1 }] as const;
    expect(outcome(thief.gate.filterInsert(0, narrow, thief.ring, thief.nic, own))).toBe("BadCapability");
    expect(
      outcome(thief.gate.handlerInstall(victim.filter, requestOf(thief, echo), frame(thief.first), 16, own)),
    ).toBe("NoFilter");
    expect(outcome(thief.gate.handlerRemove(install(victim, echo)))).toBe("NoHandler");
  });

  test("replies to itself go round for as long as their owner's time lasts, and not in one step", () => {
    const rig = handlerRig({ quantumSeconds: 1e-5 });
    const s = station(rig, PORT);
    const peer = makePeer(rig);
    const handler = install(s, (code, imports) => reply(code, imports).i32(1), {
      data: Uint8Array.from(header(PORT, PORT)),
    });
    peer.send(packet(PORT, [1]));
    const row = rowOf(handler);
    rig.kernel.step();
    expect(s.gate.handlers.consumed(row)).toBeLessThanOrEqual(64);
    expect(rig.run(2000)).toBeLessThan(2000);
    expect(s.gate.handlers.skipped(row)).toBe(1);
    expect(s.gate.environments.handlerCycles(s.row)).toBeLessThan(2 * 30_000);
  });
});

test("whatever is done to handlers, their filters, frames and environments, every invariant holds", () => {
  let installs = 0;
  const nic = capSlot(1);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(9), fc.nat(2), fc.nat(7)), { maxLength: 80, size: "max" }),
      (steps) => {
        const { hertz } = MODERN_3GHZ;
        const nics = [makeLoopback({ ends: [{ hertz }, { hertz }] })];
        const { kernel, root } = load(makeSimulatedMachine({ frames: 64, nics }));
        const gates: Gate[] = [];
        for (let i = 0; i < 3; i++) {
          const program = (gate: Gate): Upcalls => {
            gates.push(gate);
            return { sliceBegin: () => {} };
          };
          must(
            createEnvironment(root, {
              name: [1, i],
              grants: [{ name: [2, 0], rights: RIGHTS.all }],
              program,
            }),
          );
        }
        const filters: unknown[] = [];
        const insert = (gate: Gate, ring: unknown): void => {
          const term = { kind: "equal", at: 12, width: 1, mask: 255, value: filters.length } as const;
          filters.push(gate.filterInsert(0, [term], ring as never, nic, own));
        };
        for (const [who, gate] of gates.entries()) {
          must(gate.framesAlloc(frame(8 + who * 16), 10, own));
          insert(gate, must(gate.ringBind(frame(8 + who * 16), 2, own)));
        }
        const handlers: unknown[] = [];
        for (const [what, who, which] of steps) {
          const gate = gates[who] as Gate;
          if (root.environments.id(rowOf(gate.self)) !== gate.self) continue;
          const at = frame(8 + who * 16 + 2 + which);
          const filter = filters[which % Math.max(1, filters.length)] as never;
          if (what < 2) gate.framesAlloc(at, 1 + (which & 3), own);
          else if (what === 2) gate.framesFree(at, 1, own);
          else if (what === 3) insert(gate, gate.ringBind(at, 2, own));
          else if (what < 7) {
            handlers.push(
              gate.handlerInstall(filter, { module: CONSUME, fuel: 10 }, at, 1 + (which & 1), own),
            );
            installs += Number(typeof handlers.at(-1) === "number");
          } else if (what === 7) gate.handlerRemove(handlers[which % Math.max(1, handlers.length)] as never);
          else if (what === 8) gate.filterRemove(filter, own);
          else if (which === 0) root.environmentDestroy(gate.self, own);
          checkKernel(kernel);
        }
        checkTables(root);
        for (const gate of gates) root.environmentDestroy(gate.self, own);
        checkKernel(kernel);
        expect([kernel.handlers.ids.taken(), kernel.filters.ids.taken(), kernel.rings.ids.taken()]).toEqual([
          0, 0, 0,
        ]);
      },
    ),
    { numRuns: 40 },
  );
  expect(installs).toBeGreaterThan(20);
});
