/** Sealed capabilities: tokens that authenticate themselves (SOSP'95 section 3.2.1). */
import {
  CAPABILITY_BYTES,
  RIGHTS,
  TOKEN_BYTES,
  TOKEN_BYTES_MAX,
  TOKEN_GENERATIONS,
  TOKEN_KEY_BYTES,
  isPrefix,
  openToken,
  sealToken,
} from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { capSlot, type CapSlot } from "../abi/ids.ts";
import { EXPIRED_NAMES } from "../abi/limits.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { addressOf } from "../stream/stream-table.ts";
import { capabilityAt, putCapability } from "./capability-list.ts";

/** Tokens for `name` and what is below it are void when their generation is lower than this one. */
interface ExpiredName {
  readonly name: readonly number[];
  readonly generation: number;
}

/** What the kernel keeps for sealing. */
export interface SealState {
  /** Secret of this boot, from the machine's random device. */
  readonly key: Uint8Array;
  /** Work variable: the token being opened, so that its bytes are read once. */
  readonly scratch: Uint8Array;
  /** Generation of the tokens sealed now; counts up. */
  generation: number;
  /** A token of this generation exists: expiring it takes a new one. */
  isSealed: boolean;
  /** Holds: at most `EXPIRED_NAMES`, and none below another that is as young. Replaced, never changed. */
  expired: readonly ExpiredName[];
}

/** A fresh key from the machine's random device. */
export function makeSealState(random: {
  fill(memory: Uint8Array, at: number, length: number): void;
}): SealState {
  const key = new Uint8Array(TOKEN_KEY_BYTES);
  random.fill(key, 0, TOKEN_KEY_BYTES);
  return { key, scratch: new Uint8Array(TOKEN_BYTES_MAX), generation: 0, isSealed: false, expired: [] };
}

/** Writes a token. */
export function capabilitySeal(
  kernel: Kernel,
  caller: Environment,
  slot: unknown,
  window: unknown,
  at: unknown,
): Sys<number, "BadSlot" | "BadCapability" | "BadWindow" | "BadRange"> {
  const held = capabilityAt(caller.capabilities, slot);
  if (held === undefined) return ERRORS.BadSlot;
  if ((held.rights & RIGHTS.duplicate) === 0) return ERRORS.BadCapability;
  const address = addressOf(caller, { window, at, length: TOKEN_BYTES }, true);
  if (typeof address !== "number") return address;
  const { seals, machine } = kernel;
  const token = sealToken(seals.key, held, seals.generation);
  machine.meter.charge("seal", 1);
  machine.meter.charge("copyByte", TOKEN_BYTES);
  seals.isSealed = true;
  machine.memory.bytes.set(token, address);
  return TOKEN_BYTES;
}

/** Takes what a token stands for. O(links), O(names expired). */
export function capabilityUnseal(
  kernel: Kernel,
  caller: Environment,
  window: unknown,
  at: unknown,
  length: unknown,
): Sys<CapSlot, "BadWindow" | "BadRange" | "BadToken" | "BadSlot"> {
  const address = addressOf(caller, { window, at, length }, false);
  if (typeof address !== "number") return address;
  const bytes = length as number;
  if (bytes < TOKEN_BYTES || bytes > TOKEN_BYTES_MAX) return ERRORS.BadToken;
  const { seals, machine } = kernel;
  machine.meter.charge("copyByte", bytes);
  machine.meter.charge("seal", 1 + Math.floor((bytes - TOKEN_BYTES) / CAPABILITY_BYTES));
  const token = seals.scratch.subarray(0, bytes);
  token.set(machine.memory.bytes.subarray(address, address + bytes));
  const opened = openToken(seals.key, token);
  if (opened === undefined) return ERRORS.BadToken;
  machine.meter.charge("capabilityCheck", seals.expired.length);
  if (expiredFrom(seals, opened.capability.name) > opened.generation) return ERRORS.BadToken;
  const put = putCapability(caller.capabilities, opened.capability);
  return put < 0 ? ERRORS.BadSlot : capSlot(put);
}

/**
 * Makes tokens void.
 *
 * A name takes the place of those below it, so that whoever stands above can make room. O(names expired).
 */
export function capabilityExpire(
  kernel: Kernel,
  caller: Environment,
  slot: unknown,
): Sys<undefined, "BadSlot" | "BadCapability" | "Full"> {
  const held = capabilityAt(caller.capabilities, slot);
  if (held === undefined) return ERRORS.BadSlot;
  if ((held.rights & RIGHTS.duplicate) === 0) return ERRORS.BadCapability;
  const { seals, machine } = kernel;
  const { name } = held;
  const generation = seals.isSealed ? seals.generation + 1 : seals.generation;
  machine.meter.charge("capabilityCheck", 1 + seals.expired.length);
  if (expiredFrom(seals, name) >= generation) return undefined;
  const others = seals.expired.filter((expired) => !isPrefix(name, expired.name));
  if (others.length >= EXPIRED_NAMES || generation >= TOKEN_GENERATIONS) return ERRORS.Full;
  seals.expired = [...others, { name, generation }];
  seals.generation = generation;
  seals.isSealed = false;
  return undefined;
}

/**
 * Generation from which on tokens for `name` are not void.
 *
 * The names of a token, what was sealed and every link, are prefixes of one
 * another: a look at the last one finds what was expired at or above any of them.
 */
function expiredFrom({ expired }: SealState, name: readonly number[]): number {
  let from = 0;
  for (let i = 0; i < expired.length; i++) {
    const at = expired[i];
    if (at !== undefined && at.generation > from && isPrefix(at.name, name)) from = at.generation;
  }
  return from;
}
