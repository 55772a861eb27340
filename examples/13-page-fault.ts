/**
 * 13: a page fault of one's own.
 *
 * A program in WebAssembly that nobody trusts runs in an address space. Its library
 * decides what its pages are: it gives a page when one is touched first, shows one
 * that may only be read, and answers the fault of the write by a copy.
 */
import {
  EXIT,
  FAULT_CAUSES,
  FRAME_BYTES,
  capSlot,
  frame,
  must,
  virtualPage,
  type Gate,
  type Program,
} from "@exolith/exokernel/abi";
import { RIGHTS, makeModuleBuilder } from "@exolith/secure-bind";
import { claimSlices } from "@exolith/libos-exos";
import { makeSingle } from "./support/machines.ts";
import { readOptions } from "./support/options.ts";

const own = capSlot(0);
const CONTEXT_FRAMES = 16;
/** Frames of the library's: its program's context, the page that is shown, and those that it gives. */
const CONTEXT = frame(8);
const SHOWN = frame(32);
const FIRST_GIVEN = 40;
const SHOWN_PAGE = 4;

/** Adds up what it reads at the beginning of page 4 and writes there, and on page 9; tells its library both. */
function makeProgram(): Uint8Array {
  const m = makeModuleBuilder();
  const tell = m.importFunction("library", "tell", m.type(["i32"], []));
  m.memory({ minimum: 1 });
  const f = m.function([], []);
  const shown = SHOWN_PAGE * FRAME_BYTES;
  f.i32(shown).memory("i32.load", 0, 2).op("call", tell);
  f.i32(shown).i32(shown).memory("i32.load", 0, 2).i32(1).op("i32.add").memory("i32.store", 0, 2);
  f.i32(shown).memory("i32.load", 0, 2).op("call", tell);
  f.i32(9 * FRAME_BYTES)
    .i32(7)
    .memory("i32.store", 100, 2);
  f.i32(9 * FRAME_BYTES)
    .memory("i32.load", 100, 2)
    .op("call", tell);
  f.i32(-64).memory("i32.load", 0, 2).op("call", tell);
  m.export("main", "function", f.index);
  return m.build();
}

/** The library: one page table of three lines. */
function library(gate: Gate): ReturnType<Program> {
  claimSlices(gate, 1);
  let given = FIRST_GIVEN;
  const give = (page: number): void => {
    const next = must(gate.framesAlloc(frame(given++), 1, own));
    must(gate.tlbWrite(virtualPage(page), next, 1, RIGHTS.write, own));
  };
  const memoryFault = (cause: number, address: number): boolean => {
    const page = Math.floor(address / FRAME_BYTES);
    const isWrite = cause === FAULT_CAUSES.protection;
    console.log(`fault: page ${page} ${isWrite ? "may only be read" : "is not there"}`);
    give(page);
    if (isWrite) copy(gate, given - 1);
    return true;
  };
  const sliceBegin = (): void => {
    const handle = must(start(gate));
    handle.initialise();
    if (handle.enter("main") !== EXIT.stopped) throw new Error("it was to be stopped");
    const name = Object.entries(FAULT_CAUSES).find(([, cause]) => cause === handle.cause())?.[0];
    console.log(`stopped: ${name} at 0x${handle.address().toString(16)}`);
    must(gate.environmentDestroy(gate.self, own));
  };
  return { sliceBegin, memoryFault };
}

/** Gives the page that was shown to the frame that takes its place. */
function copy(gate: Gate, to: number): void {
  const from = must(gate.windowBind(SHOWN, 1, false, own));
  must(gate.windowBind(frame(to), 1, true, own)).copy(0, from, 0, FRAME_BYTES);
}

function start(gate: Gate): ReturnType<Gate["programLoad"]> {
  must(gate.framesAlloc(CONTEXT, CONTEXT_FRAMES, own));
  must(gate.framesAlloc(SHOWN, 1, own));
  must(gate.windowBind(SHOWN, 1, true, own)).setU8(0, 41);
  must(gate.translationCreate(FRAME_BYTES));
  must(gate.tlbWrite(virtualPage(SHOWN_PAGE), SHOWN, 1, RIGHTS.none, own));
  const call = (value: number): void => console.log(`the program says: ${value}`);
  const tell = { module: "library", name: "tell", parameters: ["i32"], results: [], call } as const;
  const context = { context: CONTEXT, contextFrames: CONTEXT_FRAMES };
  return gate.programLoad({ module: makeProgram(), mode: "paged", imports: [tell], ...context }, own);
}

const options = readOptions();
const { add, run, finish } = makeSingle(options);
add({ name: [1, 1], grants: [], program: library });
run();
finish();
