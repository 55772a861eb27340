/** Protected control transfer (SOSP'95 section 5.5): at once, or when the upcall returns. */
import { ERRORS, type KernelError, type Sys } from "../abi/errors.ts";
import { TRANSFER_DEPTH, TRANSFER_WORDS } from "../abi/limits.ts";
import { TRANSFER_KINDS } from "../abi/upcalls.ts";
import type { TransferCalls } from "../abi/calls/transfer.ts";
import { isIndex } from "../check.ts";
import { notify, type Environment } from "../environment/environment.ts";
import { BadUpcall, FAULTED, faultOf, refusePromise } from "../environment/upcall.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { BoundWindow } from "../memory/bound-window.ts";
import { reach } from "../memory/window-calls.ts";
import { switchTo } from "../processor/address-space.ts";
import { bill, conclude, settle } from "../processor/excess.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { arrive, deliver } from "./arrival.ts";
import { hasCalleeHeadroom } from "./callee-headroom.ts";

const WORD_BYTES = 4;

/** Says which transfers the caller accepts. */
export function transferAllow(caller: Environment, kinds: unknown): Sys<undefined, "BadRange"> {
  if (!isIndex(kinds, TRANSFER_KINDS.all + 1)) return ERRORS.BadRange;
  caller.transfers.allows = kinds;
  return undefined;
}

/** Names the place for words. */
export function transferBuffer(
  caller: Environment,
  window: unknown,
  at: unknown,
): Sys<undefined, "BadWindow" | "BadRange"> {
  const address = wordsAt(caller, true, window, at, TRANSFER_WORDS);
  if (typeof address !== "number") return address;
  caller.transfers.buffer = window as BoundWindow;
  caller.transfers.bufferAt = at as number;
  return undefined;
}

/** Physical address of `count` words, at least one, at `at` in a window of `caller`'s. */
function wordsAt(
  caller: Environment,
  isWritten: boolean,
  window: unknown,
  at: unknown,
  count: number,
): Sys<number, "BadWindow" | "BadRange"> {
  const address = reach(caller, isWritten, window, at, count * WORD_BYTES);
  return typeof address !== "number" || address % WORD_BYTES === 0 ? address : ERRORS.BadRange;
}

/** True when all four are numbers, so that no object crosses. */
const areRegisters = (a: unknown, b: unknown, c: unknown, d: unknown): boolean =>
  typeof a === "number" && typeof b === "number" && typeof c === "number" && typeof d === "number";

type Refusal = KernelError<"NoEntry"> | KernelError<"Blocked"> | KernelError<"TooDeep"> | undefined;

/** Why `caller` may not enter `callee` now; `undefined` when it may. */
function refusal(kernel: Kernel, caller: Environment, callee: Environment, kind: number): Refusal {
  const { transfers } = callee;
  const isTaken = transfers.active || transfers.keptBy !== undefined || callee === caller;
  if (isTaken || (transfers.allows & kind) === 0) return ERRORS.Blocked;
  return isTooDeep(kernel) ? ERRORS.TooDeep : undefined;
}

/** True when another callee would nest too deep, or has no stack left by those around it. */
const isTooDeep = ({ transferDepth }: Kernel): boolean =>
  transferDepth > 0 && (transferDepth >= TRANSFER_DEPTH || !hasCalleeHeadroom());

/** The same for a synchronous transfer, which a caller that waits for a reply cannot make either. */
const refusalNow = (kernel: Kernel, caller: Environment, callee: Environment): Refusal =>
  caller.transfers.keptBy === undefined
    ? refusal(kernel, caller, callee, TRANSFER_KINDS.synchronous)
    : ERRORS.Blocked;

/**
 * The call `transfer` of one environment.
 *
 * A closure, so that the registers go through as they are, without a record or
 * an array around them: the callee sees what the caller gave, and nothing is
 * allocated.
 */
export const transferOf =
  (k: Kernel, e: Environment): TransferCalls["transfer"] =>
  (target, a, b, c, d) => {
    const callee = rowFor(k.environments, target);
    if (callee === undefined) return ERRORS.BadEnvironment;
    if (!areRegisters(a, b, c, d)) return ERRORS.BadRange;
    const entries = callee.upcalls;
    const entry = entries?.transfer;
    if (entries === undefined || entry === undefined) return ERRORS.NoEntry;
    const refused = refusalNow(k, e, callee);
    if (refused !== undefined) return refused;
    cross(k, e, callee);
    let reply: unknown;
    try {
      reply = entry.call(entries.self, e.id, a, b, c, d);
      if (typeof reply !== "number" && reply !== undefined) refuseReply(reply);
    } catch (reason) {
      reply = faultOf(k, callee, reason);
    }
    return comeBack(k, e, callee, reply);
  };

/** The call `transferWords` of one environment. */
export const transferWordsOf =
  (k: Kernel, e: Environment): TransferCalls["transferWords"] =>
  (target, window, at, count, a) => {
    const callee = rowFor(k.environments, target);
    if (callee === undefined) return ERRORS.BadEnvironment;
    if (typeof a !== "number" || !isIndex(count, TRANSFER_WORDS + 1)) return ERRORS.BadRange;
    const from = wordsAt(e, false, window, at, count);
    if (typeof from !== "number") return from;
    const entries = callee.upcalls;
    const entry = entries?.transferWords;
    const to = bufferOf(callee);
    if (entries === undefined || entry === undefined || to === undefined) return ERRORS.NoEntry;
    const refused = refusalNow(k, e, callee);
    if (refused !== undefined) return refused;
    k.machine.memory.copy(to, from, count * WORD_BYTES);
    k.machine.meter.charge("copyByte", count * WORD_BYTES);
    cross(k, e, callee);
    let reply: unknown;
    try {
      reply = entry.call(entries.self, e.id, a, count);
      if (typeof reply !== "number" && reply !== undefined) refuseReply(reply);
    } catch (reason) {
      reply = faultOf(k, callee, reason);
    }
    return comeBack(k, e, callee, reply);
  };

/** Physical address where words for `callee` go; `undefined` without a live buffer. */
function bufferOf(callee: Environment): number | undefined {
  const { buffer, bufferAt } = callee.transfers;
  return buffer === undefined || BoundWindow.bindingOf(buffer) === undefined
    ? undefined
    : BoundWindow.addressOf(buffer) + bufferAt;
}

/** A reply that is none: the fault of whoever gave it. */
function refuseReply(reply: unknown): never {
  if (typeof reply === "object" && reply !== null) refusePromise(reply);
  throw new BadUpcall("the reply to a transfer is no number");
}

/** Control goes over to `callee`. Whoever is to have it back is noted with the callee, which is entered once at a time. */
function cross(kernel: Kernel, caller: Environment, callee: Environment): void {
  const { transfers } = callee;
  transfers.before = kernel.running;
  transfers.callerWasActive = caller.transfers.active;
  payNext(kernel, callee);
  kernel.machine.meter.charge("transfer", 1);
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.control, caller.id, callee.id);
  kernel.transferDepth += 1;
  caller.transfers.active = true;
  transfers.active = true;
  kernel.running = callee;
  switchTo(kernel.addressSpaces, callee);
}

/** From now on `callee` pays, in a turn of its own, or the caller for both. */
function payNext(kernel: Kernel, callee: Environment): void {
  const { account } = kernel;
  const { transfers } = callee;
  transfers.payer = undefined;
  if (!account.isWatched) {
    account.isShared = true;
    return;
  }
  transfers.payer = bill(kernel, callee);
  transfers.overrun = account.overrun;
  account.overrun = 0;
}

/** Control comes back with a reply, or without; what the callee initiated arrives before the caller goes on. */
function comeBack(
  kernel: Kernel,
  caller: Environment,
  callee: Environment,
  reply: unknown,
): Sys<number | undefined, "Faulted"> {
  const { transfers } = callee;
  const { before, callerWasActive, payer, overrun } = transfers;
  transfers.active = false;
  caller.transfers.active = callerWasActive;
  kernel.running = before;
  kernel.transferDepth -= 1;
  if (before !== undefined) switchTo(kernel.addressSpaces, before);
  const answer = answerOf(kernel, caller, callee, reply);
  if (payer !== undefined) {
    bill(kernel, payer);
    conclude(kernel, callee, overrun);
    settle(kernel, callee);
  }
  if (transfers.target !== undefined) arrive(kernel, callee);
  if (!callerWasActive && caller.transfers.target !== undefined) arrive(kernel, caller);
  return answer;
}

/** What the caller gets: the reply, nothing because it is kept from now on, or word of the callee's fault or end. */
function answerOf(
  kernel: Kernel,
  caller: Environment,
  callee: Environment,
  reply: unknown,
): Sys<number | undefined, "Faulted"> {
  if (reply === FAULTED || !callee.alive) return ERRORS.Faulted;
  if (typeof reply === "number") {
    kernel.machine.meter.charge("transfer", 1);
    return reply;
  }
  if (caller.alive) caller.transfers.keptBy = callee;
  return undefined;
}

/** The call `transferAsync` of one environment. One that is in no upcall has its transfer arrive at once. */
export const transferAsyncOf =
  (k: Kernel, e: Environment): TransferCalls["transferAsync"] =>
  (target, a, b, c, d) => {
    const callee = rowFor(k.environments, target);
    if (callee === undefined) return ERRORS.BadEnvironment;
    if (!areRegisters(a, b, c, d)) return ERRORS.BadRange;
    if (callee.upcalls?.transferAsync === undefined) return ERRORS.NoEntry;
    if (e.transfers.target !== undefined) return ERRORS.Busy;
    const refused = refusal(k, e, callee, TRANSFER_KINDS.asynchronous);
    if (refused !== undefined) return refused;
    const { registers } = e.transfers;
    registers[0] = e.id;
    registers[1] = a;
    registers[2] = b;
    registers[3] = c;
    registers[4] = d;
    e.transfers.target = target;
    if (!e.transfers.active) arrive(k, e);
    return undefined;
  };

/** The call `transferReply` of one environment. */
export const transferReplyOf =
  (k: Kernel, e: Environment): TransferCalls["transferReply"] =>
  (caller, a, b, c, d) => {
    const kept = rowFor(k.environments, caller);
    if (kept === undefined || kept.transfers.keptBy !== e || kept.transfers.active)
      return ERRORS.BadEnvironment;
    if (!areRegisters(a, b, c, d)) return ERRORS.BadRange;
    if (isTooDeep(k)) return ERRORS.TooDeep;
    letGo(k, kept);
    k.trace.record(k.machine.clock, TRACE_EVENTS.controlReply, e.id, kept.id);
    const entry = kept.upcalls?.transferReply;
    if (entry === undefined) return undefined;
    const { registers } = kept.transfers;
    registers[0] = e.id;
    registers[1] = a;
    registers[2] = b;
    registers[3] = c;
    registers[4] = d;
    deliver(k, kept, entry as () => void, registers);
    return undefined;
  };

/** Nobody keeps `kept` any longer: it runs in its own slices again, also if it was asleep. */
function letGo(kernel: Kernel, kept: Environment): void {
  kept.transfers.keptBy = undefined;
  notify(kernel, kept);
}

/**
 * Ends every transfer that an environment is part of: whoever it keeps goes on, with no reply.
 *
 * One that it has initiated arrives all the same. O(environments).
 */
export function releaseTransfers(kernel: Kernel, environment: Environment): void {
  const { transfers } = environment;
  for (const other of kernel.environments.rows)
    if (other?.transfers.keptBy === environment) letGo(kernel, other);
  transfers.keptBy = undefined;
  transfers.buffer = undefined;
}
