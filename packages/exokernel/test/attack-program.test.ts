/** Programs and libraries that mean harm: to the kernel, to others, and to the time of others. */
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  CONTEXT_FRAMES_MAX,
  ERROR_CODES,
  EXIT,
  FAULT_CAUSES,
  GATE_FUNCTIONS,
  PROGRAM_IMPORTS,
  PROGRAM_MODULE_BYTES,
  RESOURCE_KINDS,
  frame,
  must,
  rowOf,
  virtualPage,
  type ProgramHandle,
  type ProgramRequest,
} from "../src/abi/index.ts";
import { checkTables, outcome, tableState } from "../src/testing/index.ts";
import { climb } from "./headroom-attack.ts";
import {
  PAGE_FRAMES,
  host,
  loadPaged,
  loadSegment,
  makeOwner,
  moduleOf,
  own,
  programRig,
  requestOf,
  type Owner,
} from "./program-rig.ts";

const nothing = moduleOf((code) => code.i32(0));
const calling = (name: string, imports: Parameters<typeof moduleOf>[1] = {}): Uint8Array =>
  moduleOf((code, numbers) => code.op("call", numbers[name] ?? 0), imports);
const endless = moduleOf((code) => code.open("loop").op("br", 0).end().i32(1));

/** Loads a program whose `main` calls one function of its library. */
function withHost(owner: Owner, call: () => unknown, load = loadSegment): ProgramHandle {
  const imports = [host("f", call)];
  return load(owner, calling("f", { imports }), imports);
}

describe("a request", () => {
  const loadOf = (request: unknown): string => {
    const owner = makeOwner(programRig(), 1);
    const full = typeof request === "object" && request !== null ? request : undefined;
    const asked =
      full === undefined
        ? request
        : Object.defineProperties({ ...requestOf(owner, nothing) }, Object.getOwnPropertyDescriptors(full));
    const before = tableState(owner.gate);
    const came = outcome(owner.gate.programLoad(asked as ProgramRequest, own));
    if (came !== "ok") expect(tableState(owner.gate)).toBe(before);
    return came;
  };
  const thrower = {
    get: (): never => {
      throw new Error("a trap");
    },
  };
  const entry = { module: "os", name: "f", parameters: [], results: [], call: () => 0 };

  const wrong: readonly (readonly [string, unknown])[] = [
    ["nothing", undefined],
    ["a number", 7],
    ["no module", { module: 7 }],
    ["a module that is a view of something else", { module: new Uint16Array(8) }],
    ["a module that is too long", { module: new Uint8Array(PROGRAM_MODULE_BYTES + 1) }],
    ["a mode that is none", { mode: "flat" }],
    ["imports that are no list", { imports: { length: 1, 0: entry } }],
    ["too many imports", { imports: Array.from({ length: PROGRAM_IMPORTS + 1 }, () => entry) }],
    ["an import without a function", { imports: [{ ...entry, call: 7 }] }],
    ["an import of a type that is none", { imports: [{ ...entry, parameters: ["externref"] }] }],
    ["an import with two results", { imports: [{ ...entry, results: ["i32", "i32"] }] }],
    ["an import that is offered twice", { imports: [entry, { ...entry, parameters: ["i32"] }] }],
    ["an import that stands in for a kernel call", { imports: [{ ...entry, module: "exolith_gate" }] }],
    ["something that cannot be asked", { mayGrow: 7 }],
    ["a proxy that throws", new Proxy({}, { get: thrower.get, ownKeys: () => [] })],
  ];
  test.each(wrong)("with %s is refused, and nothing changes", (_, request) => {
    if (_ === "a proxy that throws") {
      const owner = makeOwner(programRig(), 1);
      expect(outcome(owner.gate.programLoad(request as ProgramRequest, own))).toBe("BadProgram");
      return;
    }
    expect(loadOf(request)).toBe("BadProgram");
  });

  test.each(["module", "mode", "imports", "context", "mayGrow"])("whose %s throws is refused", (name) => {
    expect(loadOf(Object.defineProperty({}, name, { ...thrower, enumerable: true }))).toBe("BadProgram");
  });

  test("with imports whose names are the same when they are joined is taken: they are two", () => {
    const twins = [
      { ...entry, module: "o", name: "sf" },
      { ...entry, module: "os", name: "f" },
      { ...entry, module: "1 o", name: "s" },
      { ...entry, module: "1", name: " os" },
    ];
    expect(loadOf({ imports: twins })).toBe("ok");
  });

  test("with frames of others, or too many, is refused", () => {
    expect(loadOf({ context: frame(5) })).toBe("BadFrame");
    expect(loadOf({ contextFrames: 0 })).toBe("BadRange");
    expect(loadOf({ contextFrames: CONTEXT_FRAMES_MAX + 1 })).toBe("BadRange");
    expect(loadOf({ segment: Number.NaN as never })).toBe("BadFrame");
    expect(loadOf({ segmentFrames: PAGE_FRAMES - 1 })).toBe("BadProgram");
  });

  test("is read once: what a getter says the second time is nobody's business", () => {
    const owner = makeOwner(programRig(), 1);
    const read: string[] = [];
    const request = new Proxy(requestOf(owner, nothing), {
      get: (of, name) => {
        read.push(String(name));
        return Reflect.get(of, name) as unknown;
      },
    });
    must(owner.gate.programLoad(request, own));
    expect(new Set(read).size).toBe(read.length);
  });

  test("whose owner ends while it is read comes to nothing", () => {
    const rig = programRig();
    const owner = makeOwner(rig, 1);
    const request = Object.defineProperty({ ...requestOf(owner, nothing) }, "mode", {
      get: () => {
        must(rig.root.environmentDestroy(owner.gate.self, own));
        return "segment";
      },
    });
    expect(outcome(owner.gate.programLoad(request, own))).toBe("BadProgram");
    expect(Array.from({ length: 8 }, (_, row) => rig.root.programs.id(row))).toEqual(
      Array.from({ length: 8 }, () => 0),
    );
    checkTables(rig.root);
  });

  test("whose bytes change afterwards runs as it was", () => {
    const owner = makeOwner(programRig(), 1);
    const module = moduleOf((code) => code.i32(42));
    const request = requestOf(owner, module);
    const program = must(owner.gate.programLoad(request, own));
    module.fill(0);
    owner.do(() => program.initialise());
    owner.do(() => program.enter("main"));
    expect(program.result()).toBe(42);
  });

  test("that imports what is not offered is refused", () => {
    const owner = makeOwner(programRig(), 1);
    for (const calls of [
      ["windowBind"],
      ["batchRun"],
      ["environmentCreate"],
      ["programLoad"],
      ["transfer"],
    ] as const)
      expect(outcome(owner.gate.programLoad(requestOf(owner, calling(calls[0], { calls })), own))).toBe(
        "BadProgram",
      );
    const foreign = calling("f", { imports: [host("f", () => 0)] });
    expect(outcome(owner.gate.programLoad(requestOf(owner, foreign), own))).toBe("BadProgram");
  });

  test("takes time by its bytes, also when it is refused, and no less for what was loaded before", () => {
    const rig = programRig();
    const owner = makeOwner(rig, 1);
    const spent = (module: Uint8Array): number => {
      const before = rig.machine.clock.now();
      const program = owner.gate.programLoad(requestOf(owner, module), own);
      const after = rig.machine.clock.now();
      if (outcome(program) === "ok") must(owner.gate.programEnd((program as ProgramHandle).id));
      return after - before;
    };
    const data = (length: number): Uint8Array =>
      moduleOf((code) => code.i32(0), { data: new Uint8Array(length).fill(7) });
    const first = spent(data(10_000));
    expect(spent(data(10_000))).toBe(first);
    expect(spent(data(20_000)) - first).toBeGreaterThan(10_000);
    expect(spent(new Uint8Array(1e6))).toBeGreaterThan(10 * first);
  });
});

describe("a handle", () => {
  test("runs nothing for anybody else, outside its owner's time, or twice at once", () => {
    const rig = programRig();
    const [owner, other] = [makeOwner(rig, 1), makeOwner(rig, 2)];
    let again: unknown;
    const program: ProgramHandle = withHost(owner, () => {
      try {
        program.enter("main");
      } catch (reason) {
        again = reason;
      }
      return 1;
    });
    expect(() => program.enter("main")).toThrow("owner's time");
    expect(() => other.do(() => program.enter("main"))).toThrow("owner's time");
    expect(() => program.suspend()).toThrow("no function");
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.returned);
    expect(again).toBeInstanceOf(Error);
    expect(() => owner.do(() => program.run())).toThrow("not suspended");
    expect(() => owner.do(() => program.enter("nobody"))).toThrow("no such function");
    expect(() => owner.do(() => program.enter("toString"))).toThrow("no such function");
    const alien = { valueOf: () => program.enter("main") } as never;
    expect(() => owner.do(() => program.enter("main", alien))).toThrow("no such function");
    expect(outcome(other.gate.programEnd(program.id))).toBe("NoProgram");
  });

  test("at the end of the stack runs nothing, or all of it", () => {
    const owner = makeOwner(programRig(), 1);
    const calls = ["frameAllocAny"] as const;
    const module = moduleOf((code, { frameAllocAny: f = 0 }) => code.i32(0).op("call", f), { calls });
    const program = loadSegment(owner, module);
    const frames = owner.gate.environments.frames(owner.row);
    const { refusals, result } = owner.do(() => climb(() => program.enter("main")));
    expect(refusals).toBeGreaterThan(0);
    expect([result, program.cause()]).toEqual([EXIT.returned, 0]);
    expect(owner.gate.environments.frames(owner.row)).toBe(frames + 1);
    checkTables(owner.gate);
  });

  test("lets nobody but the owner that lives suspend, also while a function of it runs", () => {
    const rig = programRig();
    const owner = makeOwner(rig, 1);
    const heard: string[] = [];
    const attempt = (): number => {
      try {
        program.suspend();
        return heard.push("done");
      } catch {
        return heard.push("refused");
      }
    };
    const other = makeOwner(rig, 2, { transfer: attempt });
    let rounds = 0;
    const program: ProgramHandle = withHost(owner, () => {
      rounds += 1;
      must(owner.gate.transfer(other.gate.self, 0, 0, 0, 0));
      if (rounds === 2) attempt();
      if (rounds === 3) {
        must(rig.root.environmentDestroy(owner.gate.self, own));
        attempt();
      }
      return rounds;
    });
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.returned);
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.suspended);
    expect(heard).toEqual(["refused", "refused", "done"]);
    expect(owner.do(() => program.run())).toBe(EXIT.stopped);
    expect(heard).toEqual(["refused", "refused", "done", "refused", "refused"]);
  });

  test("is frozen, leads nowhere, and is dead with its owner", () => {
    const rig = programRig();
    const owner = makeOwner(rig, 1);
    const program = loadSegment(owner, endless);
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.suspended);
    expect(Object.isFrozen(program)).toBe(true);
    expect("constructor" in program && program.constructor).toBe(Object);
    must(rig.root.environmentDestroy(owner.gate.self, own));
    expect(() => program.run()).toThrow();
    expect([program.result(), program.pages(), program.isSuspended()]).toEqual([undefined, 0, false]);
  });

  test("outside a time slice runs nothing: there would be no end", () => {
    const rig = programRig();
    const owner = makeOwner(rig, 1);
    const program = loadSegment(owner, endless);
    let thrown: unknown;
    must(
      rig.root.environmentCreate(() => {
        try {
          program.enter("main");
        } catch (reason) {
          thrown = reason;
        }
        return { sliceBegin: () => {} };
      }, own),
    );
    expect(thrown).toBeInstanceOf(Error);
  });
});

describe("a library inside a call of its program", () => {
  /** What the call does, by name; the program must not run one more instruction. */
  const ENDS: { readonly [name: string]: (owner: Owner, program: ProgramHandle) => void } = {
    "ends the program": ({ gate }, { id }) => must(gate.programEnd(id)),
    "ends itself": ({ gate }) => must(gate.environmentDestroy(gate.self, own)),
    "has itself ended by another": ({ rig, gate }) => must(rig.root.environmentDestroy(gate.self, own)),
  };
  test.each(Object.entries(ENDS))("that %s stops it at once", (_, end) => {
    const rig = programRig();
    for (const load of [loadSegment, loadPaged]) {
      const owner = makeOwner(rig, load === loadSegment ? 1 : 2);
      const imports = [
        host("f", () => {
          end(owner, program);
          return 0;
        }),
        host("after", () => {
          ran = true;
          return 0;
        }),
      ];
      let ran = false;
      let exit: unknown;
      const module = moduleOf(
        (code, { f = 0, after = 0 }) =>
          code.op("call", f).op("drop").i32(0).i32(1).memory("i32.store").op("call", after),
        { imports },
      );
      const program: ProgramHandle = load(owner, module, imports);
      owner.do(() => (exit = program.enter("main")));
      expect([exit, ran, program.cause()]).toEqual([EXIT.stopped, false, FAULT_CAUSES.ended]);
      expect(rig.root.programs.id(rowOf(program.id))).not.toBe(program.id);
      expect(rig.machine.memory.view.getUint32((owner.first + 16) * 4096)).toBe(0);
      checkTables(rig.root);
    }
  });

  const RESULTS: readonly (readonly [string, () => unknown])[] = [
    ["an object", () => ({ valueOf: () => 1 })],
    ["text", () => "1"],
    ["a promise", () => Promise.resolve(1)],
    ["a bigint for an i32", () => 1n],
  ];
  test.each(RESULTS)("that gives %s stops it, and nobody asks that for a number", (_, call) => {
    const owner = makeOwner(programRig(), 1);
    const program = withHost(owner, call);
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.stopped);
    expect([FAULT_CAUSES.thrown, FAULT_CAUSES.trap]).toContain(program.cause());
  });

  test("that suspends the program at a memory fault is told that it cannot, and stops it", () => {
    const owner = makeOwner(programRig(), 1);
    const program = loadPaged(
      owner,
      moduleOf((code) => code.i32(0).memory("i32.load")),
    );
    owner.onFault = () => {
      program.suspend();
      return true;
    };
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.stopped);
    expect(program.cause()).toBe(FAULT_CAUSES.thrown);
    expect(String(program.thrown())).toContain("no function");
  });

  test("that answers a fault with yes and does nothing is asked a bounded number of times", () => {
    const owner = makeOwner(programRig(), 1);
    let asked = 0;
    owner.onFault = () => (asked += 1) > 0;
    const program = loadPaged(
      owner,
      moduleOf((code) => code.i32(0).memory("i32.load")),
    );
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.stopped);
    expect(program.cause()).toBe(FAULT_CAUSES.translation);
    expect(asked).toBeLessThan(64);
    expect(owner.gate.programs.faults(rowOf(program.id))).toBe(asked);
  });

  test("that frees what is mapped leaves nothing behind that the program could reach", () => {
    const owner = makeOwner(programRig(), 1);
    const { gate, first } = owner;
    const imports = [host("f", () => outcome(gate.framesFree(frame(first + 20), 1, own)).length)];
    const module = moduleOf(
      (code, { f = 0 }) =>
        code.i32(8).memory("i32.load").op("drop").op("call", f).op("drop").i32(8).memory("i32.load"),
      { imports },
    );
    const program = loadPaged(owner, module, imports);
    must(gate.tlbWrite(virtualPage(0), frame(first + 20), 1, RIGHTS.write, own));
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.stopped);
    expect([program.cause(), program.address()]).toEqual([FAULT_CAUSES.translation, 8]);
  });
});

describe("frames of a program", () => {
  test("cannot be freed while it is there, and are free to go when it is not", () => {
    const owner = makeOwner(programRig(), 1);
    const { gate, first } = owner;
    const program = loadSegment(owner, nothing);
    for (const at of [first, first + 15, first + 16, first + 31])
      expect(outcome(gate.framesFree(frame(at), 1, own))).toBe("Pinned");
    must(gate.programEnd(program.id));
    expect(outcome(gate.framesFree(frame(first), 32, own))).toBe("ok");
    expect(() => owner.do(() => program.enter("main"))).toThrow("over");
  });

  test("are taken by force with the program, and its owner is told", () => {
    const rig = programRig();
    const owner = makeOwner(rig, 1);
    const program = loadSegment(owner, endless);
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.suspended);
    const { gate, row } = owner;
    must(rig.root.revocationAsk(gate.self, RESOURCE_KINDS.frame, gate.environments.frames(row), own));
    for (let i = 0; i < 10 && gate.environments.frames(row) > 0; i++) {
      rig.machine.clock.advance((rig.machine.clock.now() + 1e9) as never);
      rig.kernel.step();
    }
    const { repossessions } = gate;
    const lost = Array.from({ length: repossessions.count() }, (_, i) => [
      repossessions.kind(i),
      repossessions.what(i),
    ]);
    expect(lost).toContainEqual([RESOURCE_KINDS.program, program.id]);
    expect(() => owner.do(() => program.run())).toThrow();
    checkTables(rig.root);
  });
});

describe("kernel calls of a program", () => {
  const calls = [
    "frameAllocAny",
    "framesFree",
    "streamNext",
    "nullCall",
    "framesGuarantee",
    "regionCreate",
    "regionDestroy",
  ] as const;
  const program = (
    owner: Owner,
    body: Parameters<typeof moduleOf>[0],
    results?: "i32" | "i64",
  ): ProgramHandle => loadSegment(owner, moduleOf(body, { calls, results: [results ?? "i32"] }));

  test("are its owner's own, and come back as numbers: results, and refusals as negative ones", () => {
    const owner = makeOwner(programRig(), 1);
    const { gate, first } = owner;
    const run = (body: Parameters<typeof moduleOf>[0], results?: "i32" | "i64"): unknown => {
      const made = program(owner, body, results);
      expect(owner.do(() => made.enter("main"))).toBe(EXIT.returned);
      const result = made.result();
      must(gate.programEnd(made.id));
      return result;
    };
    const before = gate.environments.calls(owner.row);
    expect(run((code, { nullCall: f = 0 }) => code.op("call", f))).toBe(0);
    const got = run((code, { frameAllocAny: f = 0 }) => code.i32(0).op("call", f)) as number;
    expect(gate.frames.owner(got)).toBe(gate.self);
    expect(run((code, { frameAllocAny: f = 0 }) => code.i32(30).op("call", f))).toBe(-ERROR_CODES.BadSlot);
    expect(run((code, { framesFree: f = 0 }) => code.i32(5).i32(1).i32(0).op("call", f))).toBe(
      -ERROR_CODES.BadFrame,
    );
    expect(run((code, { framesFree: f = 0 }) => code.i32(-1).i32(1).i32(0).op("call", f))).toBe(
      -ERROR_CODES.BadFrame,
    );
    expect(run((code, { streamNext: f = 0 }) => code.op("call", f), "i64")).toBe(BigInt(-ERROR_CODES.Empty));
    const region = run(
      (code, { regionCreate: f = 0 }) =>
        code
          .i32(first + 40)
          .i32(0)
          .i32(8)
          .i32(0)
          .op("call", f),
      "i64",
    );
    expect(gate.regions.owner(rowOf(Number(region)))).toBe(gate.self);
    expect(
      run((code, { regionDestroy: f = 0 }) =>
        code
          .i64(region as bigint)
          .i32(0)
          .op("call", f),
      ),
    ).toBe(0);
    expect(
      run((code, { framesGuarantee: f = 0 }) =>
        code
          .i32(first + 40)
          .i32(2)
          .i32(1)
          .op("call", f),
      ),
    ).toBe(0);
    expect(gate.frames.guaranteed(first + 41)).toBe(1);
    expect(gate.environments.calls(owner.row) - before).toBeGreaterThanOrEqual(9);
  });

  test("at the end of the stack are not half done: the program is stopped, and says why", () => {
    const owner = makeOwner(programRig(), 1);
    const { gate, row } = owner;
    const deep = moduleOf(
      (code, { frameAllocAny: f = 0 }) =>
        code
          .i32(0)
          .op("call", f)
          .op("drop")
          .op("call", f + 1),
      {
        calls: ["frameAllocAny"],
      },
    );
    const made = loadSegment(owner, deep, [], { contextFrames: 16 });
    const frames = gate.environments.frames(row);
    expect(owner.do(() => made.enter("main"))).toBe(EXIT.stopped);
    expect(made.cause()).toBe(FAULT_CAUSES.stack);
    expect(gate.environments.frames(row)).toBeGreaterThan(frames);
    checkTables(gate);
  });

  test("are all offered whose arguments and results are numbers", () => {
    expect(new Set(GATE_FUNCTIONS).size).toBe(GATE_FUNCTIONS.length);
    const owner = makeOwner(programRig(), 1);
    const all = loadSegment(
      owner,
      moduleOf((code) => code.i32(1), { calls: GATE_FUNCTIONS }),
    );
    expect(owner.do(() => all.enter("main"))).toBe(EXIT.returned);
  });
});

describe("time", () => {
  test("a program that does not stop, and one that calls without end, leave others their slices", () => {
    const rig = programRig({ quantumSeconds: 2e-4 });
    const owner = makeOwner(rig, 1);
    const victim = makeOwner(rig, 2);
    let turns = 0;
    victim.idle = () => void (turns += 1);
    const imports = [host("f", () => 1)];
    const busy = moduleOf((code, { f = 0 }) => code.open("loop").op("call", f).op("br_if", 0).end().i32(0), {
      imports,
    });
    const program = loadSegment(owner, busy, imports);
    owner.idle = () => void (program.isSuspended() ? program.run() : program.enter("main"));
    const before = owner.gate.environments.slicesBegun(owner.row);
    for (let i = 0; i < 40; i++) rig.kernel.step();
    expect(turns).toBe(owner.gate.environments.slicesBegun(owner.row) - before);
    expect(owner.gate.environments.excess(owner.row)).toBe(0);
  });

  test("a slice that is over lets a program do nothing", () => {
    const rig = programRig();
    const owner = makeOwner(rig, 1);
    const program = loadSegment(owner, endless);
    const row = rowOf(program.id);
    owner.do(() => {
      rig.machine.clock.advance(rig.root.slices.ends() as never);
      const before = owner.gate.programs.fuel(row);
      expect(program.enter("main")).toBe(EXIT.suspended);
      for (let i = 0; i < 10; i++) expect(program.run()).toBe(EXIT.suspended);
      expect(owner.gate.programs.fuel(row) - before).toBeLessThan(200);
    });
  });

  test("a fill of all the memory that there is is paid for, byte by byte", () => {
    const owner = makeOwner(programRig(), 1);
    const fill = moduleOf(
      (code) =>
        code
          .i32(0)
          .i32(1)
          .i32(5 * 65_536)
          .op("memory.fill", 0)
          .i32(0),
      { pages: 5 },
    );
    const program = loadSegment(owner, fill, [], { segmentFrames: 5 * PAGE_FRAMES });
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.returned);
    expect(owner.gate.programs.fuel(rowOf(program.id))).toBeGreaterThan(1000);
  });
});
