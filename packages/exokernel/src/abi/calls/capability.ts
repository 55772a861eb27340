/** Calls on capabilities and guards. */
import type { Capability } from "@exolith/secure-bind";
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId, FrameNumber } from "../ids.ts";
import type { ResourceKind } from "../resources.ts";
import type { Window } from "../window.ts";
import { row, type CallRows } from "./call-row.ts";

/** Capabilities: forge, hand over, seal; and the guards they are compared with. */
export interface CapabilityCalls {
  /**
   * Puts a capability that `slot`'s dominates into a free slot of the caller's.
   *
   * **Needs** `duplicate` in `slot`'s capability.
   *
   * @param slot slot of the caller
   * @param wanted name and rights
   *
   * **Fails** `BadSlot`: the slot named is empty, or none is free.
   * **Fails** `BadCapability`: the slot's capability lacks `duplicate`, or does not dominate the wanted one.
   * **Fails** `BadName`: the wanted capability is malformed.
   */
  capabilityForge(slot: CapSlot, wanted: Capability): Sys<CapSlot, "BadSlot" | "BadCapability" | "BadName">;
  /**
   * Empties `slot`. What was bound with it stays bound.
   *
   * @param slot slot of the caller
   *
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one.
   */
  capabilityDestroy(slot: CapSlot): Sys<undefined, "BadSlot">;
  /**
   * Puts a capability that `offered`'s dominates into a free slot of `environment`'s list; returns that slot.
   *
   * **Needs** `duplicate` in `offered`'s capability, and `write` over the environment's guard in `slot`.
   *
   * @param environment who gets it
   * @param wanted name and rights
   * @param offered slot that dominates it
   * @param slot slot with `write` over the environment
   *
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `BadName`: the wanted capability is malformed.
   * **Fails** `BadSlot`: a slot named is empty, or the other list has none free.
   * **Fails** `BadCapability`: one of the two does not reach: no `duplicate`, no dominance, or no `write`.
   */
  capabilityGrant(
    environment: EnvId,
    wanted: Capability,
    offered: CapSlot,
    slot: CapSlot,
  ): Sys<CapSlot, "BadEnvironment" | "BadName" | "BadSlot" | "BadCapability">;
  /**
   * Offers a capability that `slot`'s dominates to `to`, which may take it with `capabilityAcquire`.
   *
   * An environment has one offer at a time: a new one replaces it. It needs no
   * right over `to`, whose list does not change until it acquires.
   * **Needs** `duplicate` in `slot`'s capability.
   *
   * @param to who may take it
   * @param wanted name and rights
   * @param slot slot that dominates it
   *
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `BadName`: the wanted capability is malformed.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the slot's capability lacks `duplicate`, or does not dominate the wanted one.
   */
  capabilityOffer(
    to: EnvId,
    wanted: Capability,
    slot: CapSlot,
  ): Sys<undefined, "BadEnvironment" | "BadName" | "BadSlot" | "BadCapability">;
  /**
   * Takes what `from` offered to the caller into a free slot; the offer is gone.
   *
   * @param from who offered
   *
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `Empty`: that environment offers the caller nothing.
   * **Fails** `BadSlot`: the caller has no free slot; the offer stays.
   */
  capabilityAcquire(from: EnvId): Sys<CapSlot, "BadEnvironment" | "Empty" | "BadSlot">;
  /**
   * Writes `slot`'s capability as a sealed token of 32 bytes to `window` at `at`.
   *
   * Whoever has the bytes has the capability: they travel through memory, disks
   * and networks, and can be narrowed without a kernel (`narrowToken`). They are
   * void after `capabilityExpire` of a name at or above theirs, and on every
   * other kernel. **Needs** `duplicate` in `slot`'s capability.
   *
   * @param slot slot of the caller
   * @param window where to
   * @param at byte offset in it
   *
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the slot's capability lacks `duplicate`.
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadRange`: fewer than 32 bytes from there.
   */
  capabilitySeal(
    slot: CapSlot,
    window: Window,
    at: number,
  ): Sys<number, "BadSlot" | "BadCapability" | "BadWindow" | "BadRange">;
  /**
   * Puts the capability that the token of `length` bytes in `window` at `at` stands for into a free slot.
   *
   * @param window where from
   * @param at byte offset in it
   * @param length bytes: 32, and 8 for each link
   *
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   * **Fails** `BadToken`: the bytes are not a token of this machine, a link widens it, or it has expired.
   * **Fails** `BadSlot`: the caller has no free slot.
   */
  capabilityUnseal(
    window: Window,
    at: number,
    length: number,
  ): Sys<CapSlot, "BadWindow" | "BadRange" | "BadToken" | "BadSlot">;
  /**
   * Makes every token void that was sealed until now for `slot`'s name or one below it.
   *
   * Also those that were narrowed to such a name. When `EXPIRED_NAMES` names have
   * been expired, some that have a name above in common are made one: tokens below
   * that one are void as well. It falls on whoever has most names with the same
   * first two components, and expiring the name above them makes room.
   * **Needs** `duplicate` in `slot`'s capability.
   *
   * @param slot slot of the caller
   *
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the slot's capability lacks `duplicate`.
   */
  capabilityExpire(slot: CapSlot): Sys<undefined, "BadSlot" | "BadCapability">;
  /**
   * Sets entry `entry` of the guard of a resource, or clears it when `capability` is absent.
   *
   * A guard lets in whoever holds a capability that reaches any of its entries.
   * Entry 0 always has all rights, so that somebody can always control the
   * resource, and `slot`'s capability must dominate it as it was and as it will be,
   * so that who answers for the resource cannot be passed on by anybody else.
   * **Needs** `duplicate` over the guard as it is.
   *
   * @param kind kind of the resource
   * @param id its id; a frame's number, a slice's index
   * @param entry index, below `GUARD_ENTRIES`
   * @param capability name and rights, or nothing
   * @param slot slot of the caller
   *
   * **Fails** `BadResource`: no such resource, or a kind without a guard.
   * **Fails** `BadGuard`: no such entry; entry 0 cleared, without all rights, or not dominated before and after.
   * **Fails** `BadName`: the capability is malformed.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  guardSet(
    kind: ResourceKind,
    id: number,
    entry: number,
    capability: Capability | undefined,
    slot: CapSlot,
  ): Sys<undefined, "BadResource" | "BadGuard" | "BadName" | "BadSlot" | "BadCapability">;
  /**
   * Points a guard to `count` more entries in frame `list`, or to none when `count` is 0.
   *
   * The frame holds capability records of 8 bytes from offset 0 (`encodeCapability`);
   * a malformed one lets nobody in. It is read at every check, and pinned until the
   * guard changes again or the resource is freed: whoever can write the frame can
   * change who is let in. **Needs** `duplicate` over the guard, and `write` over the frame's.
   *
   * @param kind kind of the resource
   * @param id its id; a frame's number, a slice's index
   * @param list frame with the records
   * @param count records, at most `GUARD_RECORDS`
   * @param slot slot of the caller
   *
   * **Fails** `BadResource`: no such resource, or a kind without a guard.
   * **Fails** `BadFrame`: a frame outside RAM, free, or being taken back.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  guardExtend(
    kind: ResourceKind,
    id: number,
    list: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<undefined, "BadResource" | "BadFrame" | "BadRange" | "BadSlot" | "BadCapability">;
}

/** Their rows. */
export const CAPABILITY_CALLS: CallRows<CapabilityCalls> = {
  capabilityForge: row(0x10, "i32 i32->i32", "slot", "long", ["BadSlot", "BadCapability", "BadName"]),
  capabilityDestroy: row(0x11, "i32->i32", "slot", "short", ["BadSlot"]),
  capabilityGrant: row(0x12, "i32 i32 i32 i32->i32", "slot", "long", [
    "BadEnvironment",
    "BadName",
    "BadSlot",
    "BadCapability",
  ]),
  capabilityOffer: row(0x13, "i32 i32 i32->i32", "slot", "long", [
    "BadEnvironment",
    "BadName",
    "BadSlot",
    "BadCapability",
  ]),
  capabilityAcquire: row(0x14, "i32->i32", "self", "long", ["BadEnvironment", "Empty", "BadSlot"]),
  capabilitySeal: row(0x15, "i32 i32 i32->i32", "slot", "long", [
    "BadSlot",
    "BadCapability",
    "BadWindow",
    "BadRange",
  ]),
  capabilityUnseal: row(0x16, "i32 i32 i32->i32", "binding", "long", [
    "BadWindow",
    "BadRange",
    "BadToken",
    "BadSlot",
  ]),
  capabilityExpire: row(0x17, "i32->i32", "slot", "long", ["BadSlot", "BadCapability"]),
  guardSet: row(0x1a, "i32 i64 i32 i32 i32->i32", "slot", "long", [
    "BadResource",
    "BadGuard",
    "BadName",
    "BadSlot",
    "BadCapability",
  ]),
  guardExtend: row(0x1b, "i32 i64 i32 i32 i32->i32", "slot", "long", [
    "BadResource",
    "BadFrame",
    "BadRange",
    "BadSlot",
    "BadCapability",
  ]),
};
