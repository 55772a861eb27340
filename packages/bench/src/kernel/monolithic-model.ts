/**
 * A monolithic kernel's system call, to hold against ours on the same simulated machine.
 *
 * It does what a BSD of the time does for a call as small as `getpid`: a trap, all
 * registers into a frame on its stack, arguments from the caller's memory, a
 * table of calls, bookkeeping, a look for signals and for somebody better to
 * run, and all registers back. Registers and memory really move: every word that
 * is charged is a load or a store in the machine's memory. The instructions
 * between them are counted below, stage by stage; nothing is multiplied.
 */
import { FRAME_BYTES, type Machine, type PrimitiveName } from "@exolith/hw-model";

const WORD = 4;
const REGISTERS = 32;

/** Registers of the R3000 by their use. */
const V0 = 2;
const V1 = 3;
const A0 = 4;
const A3 = 7;
const S0 = 16;
const K0 = 26;
const K1 = 27;
const SP = 29;

/** What an exception finds besides: multiplier, status, cause, bad address, exception counter. */
const CONTROL_REGISTERS = 6;
const STATUS = 2;
const CAUSE = 3;
const COUNTER = 5;
/** The cause of a system call, in bits 2 to 6. */
const SYSCALL_CAUSE = 8 << 2;
const USER_MODE = 2;

/** Registers that every function of C saves: eight, frame pointer and return address. */
const C_SAVED = 10;
/** A small function of C: two saved registers and the return address. */
const C_SMALL = 3;
/** A label to return to from an interrupted call: eight saved registers, two pointers, return address, status. */
const LABEL_WORDS = 12;

/** Frames of the model. */
const USER_FRAME = 0;
const STACK_FRAME = 1;
const AREA_FRAME = 2;
const TABLE_FRAME = 3;

/** The user area, by byte offset: what the kernel keeps of whoever runs. */
const AREA = {
  stack: 0,
  record: 4,
  frame: 8,
  args: 12,
  results: 36,
  error: 44,
  onFault: 48,
  started: 52,
  systemTime: 60,
  profile: 68,
  label: 72,
} as const;

/** Counters and flags of the machine, after the table of calls. */
const GLOBALS = { traps: 2048, calls: 2052, time: 2056, reschedule: 2064, priority: 2068 } as const;

/** The record of whoever runs, after the user area. */
const RECORD = { id: 1024, parent: 1028, pending: 1032, masked: 1036, priority: 1040, base: 1044 } as const;

/** Arguments that the call table says a call has on the caller's stack, after four in registers. */
const STACK_ARGUMENTS = 2;
const ARGUMENTS = 4 + STACK_ARGUMENTS;
/** Number of the call in the table, and how many there are. */
export const GETPID = 20;
const CALLS = 150;

/** Instructions of each stage besides its loads and stores. */
const INSTRUCTIONS = {
  "exception taken and returned from": 0,
  "system call told from other exceptions": 10,
  "was it user mode, kernel stack found": 6,
  "every register saved": 10,
  "C function entered, kind of exception switched on": 22,
  "counted, interrupts on, caller's record found": 10,
  "caller's counter moved past the call": 6,
  "call number checked, its row found": 9,
  "arguments copied in": 30,
  "results cleared, place to return to when interrupted": 9,
  "time noted": 3,
  "call made": 9,
  "result into the caller's registers": 8,
  "signals looked for": 8,
  "priority set, better one looked for, profile": 11,
  "C function left, interrupts off": 10,
  "every register restored": 10,
  return: 4,
} as const;

/** What a stage does. */
export type StageName = keyof typeof INSTRUCTIONS;

/** What a stage took in the last call. */
export interface StageCount {
  readonly what: StageName;
  readonly trap: number;
  readonly instruction: number;
  readonly word: number;
}

/** A machine with that kernel, and somebody who calls it. */
export interface Monolith {
  /** The caller's registers. */
  readonly registers: Uint32Array;
  /** Makes call `number` with what the registers and the caller's stack hold; the result is in `registers[V0]`. */
  call(number: number): number;
  /** What the last call took, stage by stage. */
  stages(): readonly StageCount[];
}

/** Memory whose every access is charged, and the stage that it is charged to. */
interface Ledger {
  begin(what: StageName): void;
  charge(cost: PrimitiveName, units: number): void;
  load(at: number): number;
  store(at: number, value: number): void;
  readonly stages: Map<StageName, { trap: number; instruction: number; word: number }>;
}

function makeLedger({ memory, meter }: Machine): Ledger {
  const stages: Ledger["stages"] = new Map();
  let now = { trap: 0, instruction: 0, word: 0 };
  const charge = (cost: "trap" | "instruction" | "word", units: number): void => {
    meter.charge(cost, units);
    now[cost] += units;
  };
  return {
    stages,
    charge: charge as Ledger["charge"],
    begin: (what) => {
      now = { trap: 0, instruction: 0, word: 0 };
      stages.set(what, now);
      charge("instruction", INSTRUCTIONS[what]);
    },
    load: (at) => {
      charge("word", 1);
      return memory.view.getUint32(at);
    },
    store: (at, value) => {
      charge("word", 1);
      memory.view.setUint32(at, value);
    },
  };
}

/** The registers that an exception frame holds: all but zero and the two that belong to the kernel. */
const SAVED: readonly number[] = Array.from({ length: REGISTERS }, (_, r) => r).filter(
  (r) => r !== 0 && r !== K0 && r !== K1,
);

const AREA_AT = AREA_FRAME * FRAME_BYTES;
const TABLE_AT = TABLE_FRAME * FRAME_BYTES;
const STACK_TOP = (STACK_FRAME + 1) * FRAME_BYTES;
const FRAME_AT = STACK_TOP - (SAVED.length + CONTROL_REGISTERS) * WORD;
const USER_STACK_AT = USER_FRAME * FRAME_BYTES + FRAME_BYTES / 2;
const area = (field: keyof typeof AREA): number => AREA_AT + AREA[field];
const record = (field: keyof typeof RECORD): number => AREA_AT + RECORD[field];
const global = (field: keyof typeof GLOBALS): number => TABLE_AT + GLOBALS[field];
const savedAt = (register: number): number => FRAME_AT + SAVED.indexOf(register) * WORD;
const controlAt = (register: number): number => FRAME_AT + (SAVED.length + register) * WORD;
const CALL_ROW_BYTES = 8;

/** Everything that one call works on. */
interface State {
  readonly ledger: Ledger;
  readonly registers: Uint32Array;
  readonly control: Uint32Array;
  readonly functions: readonly (() => void)[];
  /** Where the frames of its functions go. */
  stack: number;
}

/** Saves `words` registers on the stack, as a function of C does on entry. */
function push({ ledger, registers, stack }: State, words: number): number {
  for (let i = 0; i < words; i++) ledger.store(stack - (i + 1) * WORD, registers[S0 + i] ?? 0);
  return stack - words * WORD;
}

/** Restores what `push` saved, from the same place. */
function pop({ ledger, registers, stack }: State, words: number): number {
  for (let i = 0; i < words; i++) registers[S0 + i] = ledger.load(stack + (words - i - 1) * WORD);
  return stack + words * WORD;
}

/** From the exception to the body of the handler, in C. */
function enter(state: State): void {
  const { ledger, registers, control } = state;
  ledger.begin("exception taken and returned from");
  ledger.charge("trap", 1);
  ledger.begin("system call told from other exceptions");
  if (control[CAUSE] !== SYSCALL_CAUSE) throw new Error("no system call");
  ledger.begin("was it user mode, kernel stack found");
  if (((control[STATUS] ?? 0) & USER_MODE) === 0) throw new Error("a call of the kernel's own");
  const top = ledger.load(area("stack"));
  ledger.begin("every register saved");
  for (const [i, r] of SAVED.entries()) ledger.store(FRAME_AT + i * WORD, registers[r] ?? 0);
  for (let i = 0; i < CONTROL_REGISTERS; i++) ledger.store(controlAt(i), control[i] ?? 0);
  ledger.begin("C function entered, kind of exception switched on");
  state.stack = top - (SAVED.length + CONTROL_REGISTERS) * WORD;
  state.stack = push(state, C_SAVED);
  ledger.load(TABLE_AT + CALLS * CALL_ROW_BYTES + ((control[CAUSE] ?? 0) >> 2) * WORD);
}

/** Everything before the call itself; the address of its row. */
function prepare({ ledger, registers, stack }: State): number {
  ledger.begin("counted, interrupts on, caller's record found");
  for (const counter of ["traps", "calls"] as const)
    ledger.store(global(counter), ledger.load(global(counter)) + 1);
  ledger.load(area("record"));
  ledger.store(area("frame"), FRAME_AT);
  ledger.begin("caller's counter moved past the call");
  ledger.store(controlAt(COUNTER), ledger.load(controlAt(COUNTER)) + WORD);
  ledger.begin("call number checked, its row found");
  const number = ledger.load(savedAt(V0));
  if (number >= CALLS) throw new Error("no such call");
  const row = TABLE_AT + number * CALL_ROW_BYTES;
  ledger.begin("arguments copied in");
  const count = ledger.load(row);
  for (let i = 0; i < 4; i++) ledger.store(area("args") + i * WORD, ledger.load(savedAt(A0 + i)));
  copyIn(ledger, ledger.load(savedAt(SP)) + 4 * WORD, area("args") + 4 * WORD, count - 4);
  ledger.begin("results cleared, place to return to when interrupted");
  ledger.store(area("error"), 0);
  ledger.store(area("results"), 0);
  ledger.store(area("results") + WORD, ledger.load(savedAt(V1)));
  for (let i = 0; i < LABEL_WORDS; i++) ledger.store(area("label") + i * WORD, registers[S0 + i] ?? stack);
  ledger.begin("time noted");
  for (let i = 0; i < 2; i++)
    ledger.store(area("started") + i * WORD, ledger.load(area("systemTime") + i * WORD));
  return row;
}

/** Copies words from the caller's memory, where a bad address is the caller's error and not the kernel's end. */
function copyIn(ledger: Ledger, from: number, to: number, words: number): void {
  if (from < 0 || from + words * WORD > FRAME_BYTES) throw new Error("outside the caller's memory");
  ledger.store(area("onFault"), 1);
  for (let i = 0; i < words; i++) ledger.store(to + i * WORD, ledger.load(from + i * WORD));
  ledger.store(area("onFault"), 0);
}

/** The call itself, and what it came to. */
function perform(state: State, row: number): void {
  const { ledger } = state;
  ledger.begin("call made");
  const body = state.functions[ledger.load(row + WORD)];
  state.stack = push(state, C_SMALL);
  body?.();
  state.stack = pop(state, C_SMALL);
  ledger.begin("result into the caller's registers");
  ledger.load(area("record"));
  if (ledger.load(area("error")) !== 0) throw new Error("the call failed");
  ledger.store(savedAt(V0), ledger.load(area("results")));
  ledger.store(savedAt(V1), ledger.load(area("results") + WORD));
  ledger.store(savedAt(A3), 0);
}

/** What is looked at before the caller goes on. */
function settle({ ledger }: State): void {
  ledger.begin("signals looked for");
  const pending = ledger.load(record("pending"));
  if ((pending & ~ledger.load(record("masked"))) !== 0) throw new Error("a signal to deliver");
  ledger.begin("priority set, better one looked for, profile");
  const priority = ledger.load(record("base"));
  ledger.store(record("priority"), priority);
  if (ledger.load(global("reschedule")) !== 0) throw new Error("somebody better to run");
  if (ledger.load(area("profile")) !== 0) throw new Error("a profile to keep");
  ledger.store(global("priority"), priority);
}

/** Back to the caller, with every register from the frame. */
function leave(state: State): void {
  const { ledger, registers, control } = state;
  ledger.begin("C function left, interrupts off");
  state.stack = pop(state, C_SAVED);
  ledger.begin("every register restored");
  for (const [i, r] of SAVED.entries()) registers[r] = ledger.load(FRAME_AT + i * WORD);
  for (let i = 0; i < CONTROL_REGISTERS; i++) control[i] = ledger.load(controlAt(i));
  ledger.begin("return");
}

/** The tables as a kernel that has been running for a while has them. */
function fill({ memory: { view } }: Machine): void {
  view.setUint32(area("stack"), STACK_TOP);
  view.setUint32(area("record"), record("id"));
  view.setUint32(record("id"), 1234);
  view.setUint32(record("parent"), 1);
  view.setUint32(record("base"), 50);
  for (let i = 0; i < CALLS; i++) {
    view.setUint32(TABLE_AT + i * CALL_ROW_BYTES, ARGUMENTS);
    view.setUint32(TABLE_AT + i * CALL_ROW_BYTES + WORD, i);
  }
}

/** A monolithic kernel on `machine`, which is its own; its first four frames are used. */
export function makeMonolith(machine: Machine): Monolith {
  fill(machine);
  const ledger = makeLedger(machine);
  const registers = new Uint32Array(REGISTERS);
  const control = new Uint32Array(CONTROL_REGISTERS);
  registers[SP] = USER_STACK_AT;
  const getpid = (): void => {
    ledger.store(area("results"), ledger.load(record("id")));
    ledger.store(area("results") + WORD, ledger.load(record("parent")));
  };
  const functions = Array.from({ length: CALLS }, (_, i) => (i === GETPID ? getpid : (): void => {}));
  const state: State = { ledger, registers, control, functions, stack: STACK_TOP };
  return {
    registers,
    call: (number) => {
      ledger.stages.clear();
      registers[V0] = number;
      control[STATUS] = USER_MODE;
      control[CAUSE] = SYSCALL_CAUSE;
      enter(state);
      perform(state, prepare(state));
      settle(state);
      leave(state);
      return registers[V0] ?? 0;
    },
    stages: () => [...ledger.stages].map(([what, counted]) => ({ what, ...counted })),
  };
}
