/** Address spaces and programs: what a kernel must keep. */
import type { ContractCase } from "@exolith/hw-model/contract";
import { RIGHTS, makeModuleBuilder, type FunctionBuilder } from "@exolith/secure-bind";
import { expect } from "vitest";
import type { ProgramImport, ProgramRequest } from "../abi/calls/program.ts";
import { must } from "../abi/errors.ts";
import type { Gate } from "../abi/gate.ts";
import { FRAME_BYTES, frame, rowOf, sliceIndex, virtualPage } from "../abi/ids.ts";
import { EXIT, type ProgramHandle } from "../abi/program.ts";
import { FAULT_CAUSES } from "../abi/upcalls.ts";
import type { Window } from "../abi/window.ts";
import { checkTables } from "../testing/check-tables.ts";
import { outcome, placeEnvironment } from "../testing/rig.ts";
import { NO_NUMBERS, own, type KernelHarness } from "./harness.ts";

const FIRST = 16;
/** Frames of a page of memory in WebAssembly, and the bytes of a large page of an address space. */
const PAGE_FRAMES = 16;
const PAGE_BYTES = PAGE_FRAMES * FRAME_BYTES;
const FRAMES = 2 * PAGE_FRAMES;

/** An environment that does one thing in its next slice. */
interface Owner {
  readonly h: KernelHarness;
  readonly gate: Gate;
  readonly window: Window;
  onFault: (cause: number, address: number) => boolean | undefined;
  act(what: () => unknown): Promise<void>;
}

function owner(h: KernelHarness): Owner {
  let task: (() => unknown) | undefined;
  const gate: Gate = placeEnvironment(h.root, [1, 1], {
    upcalls: (self) => ({
      sliceBegin: () => {
        const now = task;
        task = undefined;
        now?.();
        self.sleep(self.environments.events(rowOf(self.self)), Infinity as never);
      },
      memoryFault: (cause, address) => made.onFault(cause, address),
    }),
  });
  must(gate.sliceAlloc(sliceIndex(0), own));
  must(gate.framesAlloc(frame(FIRST), FRAMES, own));
  const made: Owner = {
    h,
    gate,
    window: must(gate.windowBind(frame(FIRST), FRAMES, true, own)),
    onFault: () => undefined,
    act: async (what) => {
      let done = false;
      task = () => {
        what();
        done = true;
      };
      must(h.root.wake(gate.self, own));
      await h.settle();
      expect(done).toBe(true);
    },
  };
  return made;
}

/** A module that exports `body` as `main`, from an i32 to an i32. */
function moduleOf(body: (code: FunctionBuilder) => void, imports: readonly ProgramImport[] = []): Uint8Array {
  const builder = makeModuleBuilder();
  for (const { module, name, parameters, results } of imports)
    builder.importFunction(module, name, builder.type(parameters, results));
  const main = builder.function(["i32"], ["i32"]);
  body(main);
  builder.export("main", "function", main.index);
  builder.memory({ minimum: 1 });
  return builder.build();
}

const requestOf = (module: Uint8Array, imports: readonly ProgramImport[] = []): ProgramRequest => ({
  module,
  mode: "segment",
  imports,
  context: frame(FIRST),
  contextFrames: 4,
  segment: frame(FIRST + PAGE_FRAMES),
  segmentFrames: PAGE_FRAMES,
});

async function loaded(o: Owner, request: ProgramRequest): Promise<ProgramHandle> {
  const program = must(o.gate.programLoad(request, own));
  await o.act(() => program.initialise());
  return program;
}

const binds = ({ root }: KernelHarness): void => {
  const gate = placeEnvironment(root, [1, 1]);
  must(gate.framesAlloc(frame(FIRST), FRAMES, own));
  for (const bytes of [...NO_NUMBERS, 0, 8192])
    expect(outcome(gate.translationCreate(bytes as never))).toBe("BadRange");
  expect(outcome(gate.tlbRemove(virtualPage(0), 1))).toBe("BadTranslation");
  must(gate.translationCreate(PAGE_BYTES));
  must(gate.tlbWrite(virtualPage(5), frame(FIRST), 2, RIGHTS.write, own));
  must(gate.tlbProtect(virtualPage(6), 1, RIGHTS.none));
  const { translation, frames } = gate;
  expect([5, 6, 7].map((page) => [translation.frame(page), translation.rights(page)])).toEqual([
    [FIRST, RIGHTS.write],
    [FIRST + PAGE_FRAMES, RIGHTS.none],
    [0, -1],
  ]);
  expect([translation.count(), frames.translations(FIRST + 15)]).toEqual([2, 1]);
  for (const page of NO_NUMBERS)
    expect(outcome(gate.tlbWrite(page as never, frame(FIRST), 1, RIGHTS.none, own))).toBe("BadRange");
  for (const first of [...NO_NUMBERS, 0, FIRST + 1])
    expect(outcome(gate.tlbWrite(virtualPage(0), first as never, 1, RIGHTS.none, own))).toBe("BadFrame");
  const stranger = placeEnvironment(root, [1, 2]);
  must(stranger.framesAlloc(frame(64), 16, own));
  expect(outcome(gate.tlbWrite(virtualPage(0), frame(64), 1, RIGHTS.none, own))).toBe("BadCapability");
  must(gate.framesFree(frame(FIRST + 3), 1, own));
  expect([translation.count(), translation.frame(5)]).toEqual([1, 0]);
  must(gate.translationDestroy());
  expect(frames.translations(FIRST + PAGE_FRAMES)).toBe(0);
  checkTables(root);
};

const runs = async (h: KernelHarness): Promise<void> => {
  const o = owner(h);
  const imports: ProgramImport[] = [
    { module: "os", name: "twice", parameters: ["i32"], results: ["i32"], call: (a: number) => 2 * a },
  ];
  const module = moduleOf((code) => code.get(0).op("call", 0).i32(8).get(0).memory("i32.store"), imports);
  const program = await loaded(o, requestOf(module, imports));
  let exit: unknown;
  await o.act(() => (exit = program.enter("main", 21)));
  expect([exit, program.result(), program.cause()]).toEqual([EXIT.returned, 42, 0]);
  expect(o.window.getU32LE(PAGE_BYTES + 8)).toBe(21);
  const row = rowOf(program.id);
  expect([h.root.programs.owner(row), h.root.programs.hostCalls(row)]).toEqual([o.gate.self, 1]);
  expect(h.root.programs.fuel(row)).toBeGreaterThan(0);
  expect(() => program.enter("main", 1)).toThrow(Error);
  expect(outcome(o.gate.framesFree(frame(FIRST + PAGE_FRAMES), 1, own))).toBe("Pinned");
  must(o.gate.programEnd(program.id));
  expect(outcome(o.gate.programEnd(program.id))).toBe("NoProgram");
  must(o.gate.framesFree(frame(FIRST + PAGE_FRAMES), 1, own));
  checkTables(h.root);
};

const waits = async (h: KernelHarness): Promise<void> => {
  const o = owner(h);
  const endless = await loaded(o, requestOf(moduleOf((code) => code.open("loop").op("br", 0).end().i32(1))));
  const exits: unknown[] = [];
  await o.act(() => exits.push(endless.enter("main", 0)));
  await o.act(() => exits.push(endless.run()));
  expect(exits).toEqual([EXIT.suspended, EXIT.suspended]);
  expect(endless.isSuspended()).toBe(true);
  expect(h.root.programs.suspensions(rowOf(endless.id))).toBe(2);
};

const faults = async (h: KernelHarness): Promise<void> => {
  const o = owner(h);
  must(o.gate.translationCreate(PAGE_BYTES));
  const module = moduleOf((code) => code.get(0).get(0).memory("i32.store").get(0).memory("i32.load"));
  const { segment, segmentFrames, ...rest } = requestOf(module);
  expect([segment, segmentFrames]).toEqual([FIRST + PAGE_FRAMES, PAGE_FRAMES]);
  const program = await loaded(o, { ...rest, mode: "paged" });
  const seen: number[][] = [];
  o.onFault = (cause, address) => {
    seen.push([cause, address]);
    const rights = cause === FAULT_CAUSES.protection ? RIGHTS.write : RIGHTS.none;
    return o.gate.tlbWrite(virtualPage(0), frame(FIRST + PAGE_FRAMES), 1, rights, own) === undefined;
  };
  await o.act(() => program.enter("main", 64));
  expect([program.result(), program.cause()]).toEqual([64, 0]);
  expect(seen).toEqual([
    [FAULT_CAUSES.translation, 64],
    [FAULT_CAUSES.protection, 64],
  ]);
  await o.act(() => program.enter("main", PAGE_BYTES));
  expect([program.cause(), program.address()]).toEqual([FAULT_CAUSES.access, PAGE_BYTES]);
  expect(h.root.programs.faults(rowOf(program.id))).toBe(2);
  expect(outcome(o.gate.translationDestroy())).toBe("Busy");
};

/** The cases. */
export const PROGRAM_CASES: readonly ContractCase<KernelHarness>[] = [
  ["pages are bound to the caller's frames, and only for as long as they are its", binds],
  ["a program runs in its frames and its owner's slices, and calls its owner", runs],
  ["a program that does not end is suspended with its slice, and goes on", waits],
  ["a program without a translation is its owner's to see to", faults],
];
