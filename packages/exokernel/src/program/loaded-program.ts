/** A program that runs: what it calls, when it waits, and why it stops. */
import { FRAME_BYTES, NEVER } from "@exolith/hw-model";
import { EXIT, type Exit, type RewrittenProgram, type SandboxedProgram } from "@exolith/secure-bind";
import { FAULT_ANSWERS } from "../abi/limits.ts";
import { SAVE_AREA, type ProgramHandle } from "../abi/program.ts";
import type { ProgramId } from "../abi/ids.ts";
import { FAULT_CAUSES, type FaultCause } from "../abi/upcalls.ts";
import { closeClass } from "../close-class.ts";
import type { Environment } from "../environment/environment.ts";
import { proveHeadroom } from "../gate/headroom.ts";
import type { Kernel } from "../kernel.ts";
import { isMadeBy, passPanic } from "../panic.ts";
import { switchTo } from "../processor/address-space.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { proveCalleeHeadroom } from "../transfer/callee-headroom.ts";
import { isFound, refill, type Space } from "../translation/space-table.ts";
import type { ClaimedImport, HostCall } from "./program-request.ts";
import { ProgramFault, faultCauseOf } from "./stop-cause.ts";

/** A run of frames of a program. */
export interface ProgramFrames {
  readonly first: number;
  readonly count: number;
}

/** The kernel's record of a program; its counters are published. */
export interface ProgramRow {
  readonly owner: Environment;
  readonly context: ProgramFrames;
  /** Its memory; none when it is paged. */
  readonly segment: ProgramFrames;
  readonly space: Space | undefined;
  readonly mayGrow: HostCall | undefined;
  /** The program in its place; `undefined` until it is there, and once it is ended. */
  sandbox: SandboxedProgram | undefined;
  isEnded: boolean;
  fuel: number;
  faults: number;
  hostCalls: number;
  gateCalls: number;
  suspensions: number;
}

/** Bytes of a page of memory in WebAssembly. */
const PAGE_BYTES = 65_536;

/** True for what crosses from a library into its program: an engine would run code to make a number of anything else. */
const isPlain = (value: unknown): boolean =>
  typeof value === "number" || typeof value === "bigint" || value === undefined;

/** The handle of one program; the kernel alone makes one, and sees what is in it. */
export class LoadedProgram implements ProgramHandle {
  readonly id: ProgramId;
  readonly exports: RewrittenProgram["exports"];
  readonly memoryPages: number;
  readonly maximumPages: number;
  readonly #kernel: Kernel;
  readonly #row: ProgramRow;
  #isRunning = false;
  #isPlaced = false;
  /** True while a function that it imports runs, and when such a one threw. */
  #isCalling = false;
  #hasThrown = false;
  /** Fuel that it had when that was last looked at. */
  #fuel = 0;
  #exceptions = 0;
  #address = 0;
  #cause: FaultCause | 0 = 0;
  #thrown: unknown;

  constructor(kernel: Kernel, id: number, row: ProgramRow, rewritten: RewrittenProgram) {
    this.id = id as ProgramId;
    this.exports = rewritten.exports;
    this.memoryPages = rewritten.memoryPages;
    this.maximumPages = rewritten.maximumPages;
    this.#kernel = kernel;
    this.#row = row;
    Object.freeze(this);
  }

  static {
    closeClass(LoadedProgram.prototype);
  }

  /** What a program is placed with: how it asks for time, for translations and for memory. */
  static place(program: LoadedProgram): {
    refill: (left: number) => number;
    miss: (address: number, writes: number) => void;
    grow: (pages: number) => number;
  } {
    return {
      refill: (left) => program.#refill(left),
      miss: (address, writes) => program.#miss(address >>> 0, writes !== 0),
      grow: (pages) => program.#grow(pages >>> 0),
    };
  }

  /**
   * An import as the program calls it.
   *
   * When the slice is over it is not called: the program is suspended first, and calls
   * again when it goes on. What comes back is a number, a bigint or nothing, and only
   * to a program that is not ended: nobody's code runs behind these checks.
   */
  static link(program: LoadedProgram, { call, results }: ClaimedImport, isGate: boolean): HostCall {
    const row = program.#row;
    const nothing = results[0] === "i64" ? 0n : 0;
    return (...values) => {
      if (program.#isInterrupted()) {
        row.sandbox?.suspend();
        return nothing;
      }
      row.hostCalls += 1;
      if (isGate) row.gateCalls += 1;
      let result: unknown;
      program.#isCalling = true;
      try {
        result = call(...values);
        if (!isPlain(result)) throw new TypeError("what a program imports gives a number");
      } catch (reason) {
        program.#hasThrown = true;
        throw reason;
      }
      program.#isCalling = false;
      if (row.isEnded) throw new ProgramFault(FAULT_CAUSES.ended);
      return result;
    };
  }

  initialise(): Exit {
    if (this.isSuspended()) throw new Error("the program is suspended");
    return this.#go(Math.min(this.#fuel, 0), (sandbox) => {
      this.#isPlaced = true;
      return sandbox.initialise();
    });
  }
  enter(name: string, ...values: readonly (number | bigint)[]): Exit {
    const isKnown = this.exports.some((each) => each.name === name);
    if (!isKnown || !values.every(isPlain)) throw new Error("the program exports no such function");
    if (this.isSuspended() || !this.#isPlaced)
      throw new Error("the program is suspended, or not initialised");
    return this.#go(Math.min(this.#fuel, 0), (sandbox) => sandbox.enter(name, ...values));
  }
  run(): Exit {
    if (!this.isSuspended()) throw new Error("the program is not suspended");
    return this.#go(Math.min(this.#fuel, 0), (sandbox) => sandbox.resume());
  }
  suspend(): void {
    const { owner } = this.#row;
    if (!this.#isCalling || this.#kernel.running !== owner || !owner.alive)
      throw new Error("no function of the program's is running");
    this.#row.sandbox?.suspend();
  }
  isSuspended(): boolean {
    return !this.#isRunning && this.#row.sandbox?.isSuspended() === true;
  }
  result(): unknown {
    return this.#row.sandbox?.result();
  }
  cause(): FaultCause | 0 {
    return this.#cause;
  }
  address(): number {
    return this.#address;
  }
  thrown(): unknown {
    return this.#thrown;
  }
  pages(): number {
    return this.#row.sandbox?.pages() ?? 0;
  }
  contextUsed(): number {
    return this.isSuspended() ? (this.#row.sandbox?.contextUsed() ?? 0) : 0;
  }

  /** Lets it run, from `fuel` on, with stack for it and for what it asks. What it had left when it was suspended is gone. */
  #go(fuel: number, act: (sandbox: SandboxedProgram) => Exit): Exit {
    const { owner, sandbox } = this.#row;
    const { running, machine } = this.#kernel;
    if (running !== owner || !owner.alive || machine.timer.deadline() === NEVER)
      throw new Error("a program runs in its owner's time");
    if (sandbox === undefined || this.#isRunning || this.#cause !== 0)
      throw new Error("the program is over, or runs");
    proveCalleeHeadroom();
    this.#isRunning = true;
    this.#hasThrown = false;
    this.#fuel = fuel;
    let exit: Exit;
    try {
      exit = act(sandbox);
    } finally {
      this.#isRunning = false;
      this.#isCalling = false;
    }
    this.#settle(sandbox.fuel());
    if (exit === EXIT.suspended) this.#row.suspensions += 1;
    if (exit === EXIT.stopped) this.#conclude(sandbox);
    return exit;
  }

  #conclude(sandbox: SandboxedProgram): void {
    const thrown = sandbox.thrown();
    passPanic(thrown);
    this.#cause = faultCauseOf(sandbox.cause(), thrown, this.#hasThrown);
    if (this.#hasThrown) this.#thrown = thrown;
    const { trace, machine } = this.#kernel;
    if (!isMadeBy(thrown, ProgramFault) && !this.#hasThrown) machine.meter.charge("upcall", 1);
    this.#save(this.#cause);
    trace.record(machine.clock, TRACE_EVENTS.programStop, this.#row.owner.id, this.#cause);
  }

  /** Charges the fuel used since it was last looked at, once: `left` is what there is now. */
  #settle(left: number): void {
    const used = this.#fuel - left;
    this.#fuel = left;
    this.#row.fuel += used;
    this.#kernel.machine.meter.charge("instruction", used);
  }

  /** Charges what was used so far, where time is only what is charged. */
  #catchUp(): void {
    const { sandbox } = this.#row;
    if (this.#kernel.machine.processor.hardware.countsFuel && sandbox !== undefined)
      this.#settle(sandbox.fuel());
  }

  #isInterrupted(): boolean {
    const { processor, timer } = this.#kernel.machine;
    this.#catchUp();
    return processor.interrupts(timer.deadline());
  }

  #refill(left: number): number {
    proveHeadroom();
    const { processor, timer } = this.#kernel.machine;
    this.#settle(left);
    const fuel = processor.grant(timer.deadline());
    if (fuel > 0) this.#fuel = fuel;
    return fuel;
  }

  /** Asks its library something in the middle of an instruction, where it cannot be suspended. */
  #ask(question: () => unknown): unknown {
    let answer: unknown;
    try {
      answer = question();
    } catch (reason) {
      this.#hasThrown = true;
      throw reason;
    }
    if (this.#row.isEnded) throw new ProgramFault(FAULT_CAUSES.ended);
    return answer;
  }

  /** Has the library see to a translation; comes back when it is there. */
  #miss(address: number, isWritten: boolean): void {
    proveHeadroom();
    this.#catchUp();
    const { space, sandbox } = this.#row;
    if (space === undefined || sandbox === undefined) throw new ProgramFault(FAULT_CAUSES.ended);
    const page = address >>> space.bits;
    space.misses += 1;
    let asked = 0;
    for (; !refill(this.#kernel, space, this.#asid(), page, isWritten); asked++) {
      this.#address = address;
      if (address >= sandbox.pages() * PAGE_BYTES) throw new ProgramFault(FAULT_CAUSES.access);
      const cause = isFound(this.#kernel, space, page) ? FAULT_CAUSES.protection : FAULT_CAUSES.translation;
      if (asked === FAULT_ANSWERS || this.#report(cause, address) !== true) throw new ProgramFault(cause);
    }
    if (asked === 0) space.refills += 1;
  }

  /** The id of the address space: whoever its handler called may have taken it. */
  #asid(): number {
    const { owner } = this.#row;
    if (owner.asid < 0) switchTo(this.#kernel.addressSpaces, owner);
    return owner.asid;
  }

  #report(cause: FaultCause, address: number): unknown {
    const { owner } = this.#row;
    const { trace, machine } = this.#kernel;
    this.#row.faults += 1;
    this.#save(cause);
    trace.record(machine.clock, TRACE_EVENTS.memoryFault, owner.id, cause);
    const { upcalls } = owner;
    if (upcalls?.memoryFault === undefined) return undefined;
    machine.meter.charge("upcall", 1);
    return this.#ask(() => upcalls.memoryFault?.call(upcalls.self, cause, address));
  }

  /** Writes what there is to know of an exception at the head of the program's context, by its physical address. */
  #save(cause: FaultCause): void {
    const { context, sandbox } = this.#row;
    const { view } = this.#kernel.machine.memory;
    const at = context.first * FRAME_BYTES;
    if (this.#row.isEnded) return;
    this.#exceptions += 1;
    view.setUint32(at + SAVE_AREA.exceptions, this.#exceptions, true);
    view.setUint32(at + SAVE_AREA.cause, cause, true);
    view.setUint32(at + SAVE_AREA.address, this.#address, true);
    view.setUint32(at + SAVE_AREA.fuel, Math.max(0, sandbox?.fuel() ?? 0), true);
  }

  /** More pages, as far as there is memory and its library allows: how many it had, or -1. */
  #grow(pages: number): number {
    proveHeadroom();
    const { segment, space, mayGrow, sandbox } = this.#row;
    const has = sandbox?.pages() ?? 0;
    const wanted = has + pages;
    const hasRoom = space !== undefined || wanted * PAGE_BYTES <= segment.count * FRAME_BYTES;
    if (wanted > this.maximumPages || !hasRoom) return -1;
    return mayGrow === undefined || this.#ask(() => mayGrow(pages, has)) === true ? has : -1;
  }
}
