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
import { rangeAt } from "../memory/window-calls.ts";
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
  const address = rangeAt(caller, true, window, at, TOKEN_BYTES);
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
  const address = rangeAt(caller, false, window, at, length);
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
 * A name takes the place of those below it, and when there is no room for another
 * one some are folded: it is never refused for want of room. O(names expired).
 */
export function capabilityExpire(
  kernel: Kernel,
  caller: Environment,
  slot: unknown,
): Sys<undefined, "BadSlot" | "BadCapability"> {
  const held = capabilityAt(caller.capabilities, slot);
  if (held === undefined) return ERRORS.BadSlot;
  if ((held.rights & RIGHTS.duplicate) === 0) return ERRORS.BadCapability;
  const { seals, machine } = kernel;
  const { name } = held;
  const generation = seals.isSealed ? seals.generation + 1 : seals.generation;
  machine.meter.charge("capabilityCheck", 1 + seals.expired.length);
  if (generation >= TOKEN_GENERATIONS) return renewKey(kernel);
  if (expiredFrom(seals, name) >= generation) return undefined;
  const others = seals.expired.filter((expired) => !isPrefix(name, expired.name));
  const expired = [...others, { name, generation }];
  seals.expired = expired.length > EXPIRED_NAMES ? folded(kernel, expired) : expired;
  seals.generation = generation;
  seals.isSealed = false;
  return undefined;
}

/** Makes every token of the machine void, and counts from the start: no generation is left. */
function renewKey({ seals, machine }: Kernel): undefined {
  machine.random.fill(seals.key, 0, TOKEN_KEY_BYTES);
  seals.generation = 0;
  seals.isSealed = false;
  seals.expired = [];
  return undefined;
}

/** Components of a name that say whose it is. */
const ACCOUNT = 2;

/**
 * `names` with one in place of all that are at or below it, as young as the youngest of them.
 *
 * That voids more tokens below that name, and none elsewhere. The burden is on
 * whoever has most: the account with most names is chosen, in it the part with
 * most, and so on down while it has two. Nobody is folded together with another
 * account unless no account has two names. O(names * NAME_BYTES).
 */
function folded({ machine }: Kernel, names: readonly ExpiredName[]): readonly ExpiredName[] {
  let parent: readonly number[] = [];
  for (let length = ACCOUNT; length > 0 && parent.length === 0; length--)
    parent = crowded(names, parent, length);
  for (let next = parent; next.length > 0; next = crowded(names, parent, parent.length + 1)) parent = next;
  const below = names.filter(({ name }) => isPrefix(parent, name));
  const generation = below.reduce((youngest, { generation: at }) => Math.max(youngest, at), 0);
  machine.meter.charge("capabilityCheck", names.length * (1 + parent.length));
  return [...names.filter(({ name }) => !isPrefix(parent, name)), { name: parent, generation }];
}

/** The name of `length` components, `above` first, with most of `names` at or below it; the root unless it has two. */
function crowded(names: readonly ExpiredName[], above: readonly number[], length: number): readonly number[] {
  const counts = new Map<number, number>();
  let most = 1;
  let found: readonly number[] = [];
  for (const { name } of names) {
    if (name.length < length || !isPrefix(above, name)) continue;
    const key = name.slice(above.length, length).reduce((sum, component) => sum * 256 + component, 0);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count <= most) continue;
    most = count;
    found = name.slice(0, length);
  }
  return found;
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
