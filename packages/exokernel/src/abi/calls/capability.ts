/** Calls on capabilities and guards. */
import type { Capability } from "@exolith/secure-bind";
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId, FrameNumber } from "../ids.ts";
import type { ResourceKind } from "../resources.ts";
import type { Window } from "../window.ts";
import { WHEN, type CallRows } from "./call-row.ts";

/** Capabilities: forge, hand over, seal; and the guards they are compared with. */
export interface CapabilityCalls {
  /**
   * Puts a capability that `slot`'s dominates into a free slot of the caller's.
   *
   * **Needs** `duplicate` in `slot`'s capability.
   */
  capabilityForge(slot: CapSlot, wanted: Capability): Sys<CapSlot, "BadSlot" | "BadCapability" | "BadName">;
  /** Empties `slot`. What was bound with it stays bound. */
  capabilityDestroy(slot: CapSlot): Sys<undefined, "BadSlot">;
  /**
   * Puts a capability that `offered`'s dominates into a free slot of `environment`'s list; returns that slot.
   *
   * **Needs** `duplicate` in `offered`'s capability, and `write` over the environment's guard in `slot`.
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
   */
  capabilityOffer(
    to: EnvId,
    wanted: Capability,
    slot: CapSlot,
  ): Sys<undefined, "BadEnvironment" | "BadName" | "BadSlot" | "BadCapability">;
  /** Takes what `from` offered to the caller into a free slot; the offer is gone. */
  capabilityAcquire(from: EnvId): Sys<CapSlot, "BadEnvironment" | "Empty" | "BadSlot">;
  /**
   * Writes `slot`'s capability as a sealed token of 32 bytes to `window` at `at`.
   *
   * Whoever has the bytes has the capability: they travel through memory, disks
   * and networks, and can be narrowed without a kernel (`narrowToken`). They are
   * void after `capabilityExpire` of a name at or above theirs, and on every
   * other kernel. **Needs** `duplicate` in `slot`'s capability.
   */
  capabilitySeal(
    slot: CapSlot,
    window: Window,
    at: number,
  ): Sys<number, "BadSlot" | "BadCapability" | "BadWindow" | "BadRange">;
  /** Puts the capability that the token of `length` bytes in `window` at `at` stands for into a free slot. */
  capabilityUnseal(
    window: Window,
    at: number,
    length: number,
  ): Sys<CapSlot, "BadWindow" | "BadRange" | "BadToken" | "BadSlot">;
  /**
   * Makes every token void that was sealed until now for `slot`'s name or one below it.
   *
   * Also those that were narrowed to such a name. Names below it that were
   * expired earlier make room. **Needs** `duplicate` in `slot`'s capability.
   */
  capabilityExpire(slot: CapSlot): Sys<undefined, "BadSlot" | "BadCapability" | "Full">;
  /**
   * Sets entry `entry` of the guard of a resource, or clears it when `capability` is absent.
   *
   * A guard lets in whoever holds a capability that reaches any of its entries.
   * Entry 0 always has all rights, so that somebody can always control the
   * resource, and `slot`'s capability must dominate it as it was and as it will be,
   * so that who answers for the resource cannot be passed on by anybody else.
   * **Needs** `duplicate` over the guard as it is.
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
   */
  guardExtend(
    kind: ResourceKind,
    id: number,
    list: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<undefined, "BadResource" | "BadFrame" | "BadRange" | "BadSlot" | "BadCapability">;
}

const resource = ["kind of the resource", "its id; a frame's number, a slice's index"];

/** Their rows. */
export const CAPABILITY_CALLS: CallRows<CapabilityCalls> = {
  capabilityForge: {
    number: 0x10,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["slot of the caller", "name and rights"],
    fails: {
      BadSlot: WHEN.noSlot,
      BadCapability: "the slot's capability lacks `duplicate`, or does not dominate the wanted one",
      BadName: "the wanted capability is malformed",
    },
  },
  capabilityDestroy: {
    number: 0x11,
    wasm: "i32->i32",
    credential: "slot",
    path: "short",
    takes: ["slot of the caller"],
    fails: { BadSlot: "the slot is empty, no slot, or the well-known one" },
  },
  capabilityGrant: {
    number: 0x12,
    wasm: "i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: [
      "who gets it",
      "name and rights",
      "slot that dominates it",
      "slot with `write` over the environment",
    ],
    fails: {
      BadEnvironment: WHEN.environment,
      BadName: "the wanted capability is malformed",
      BadSlot: "a slot named is empty, or the other list has none free",
      BadCapability: "one of the two does not reach: no `duplicate`, no dominance, or no `write`",
    },
  },
  capabilityOffer: {
    number: 0x13,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["who may take it", "name and rights", "slot that dominates it"],
    fails: {
      BadEnvironment: WHEN.environment,
      BadName: "the wanted capability is malformed",
      BadSlot: WHEN.slot,
      BadCapability: "the slot's capability lacks `duplicate`, or does not dominate the wanted one",
    },
  },
  capabilityAcquire: {
    number: 0x14,
    wasm: "i32->i32",
    credential: "self",
    path: "long",
    takes: ["who offered"],
    fails: {
      BadEnvironment: WHEN.environment,
      Empty: "that environment offers the caller nothing",
      BadSlot: "the caller has no free slot; the offer stays",
    },
  },
  capabilitySeal: {
    number: 0x15,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["slot of the caller", "where to", "byte offset in it"],
    fails: {
      BadSlot: WHEN.slot,
      BadCapability: "the slot's capability lacks `duplicate`",
      BadWindow: WHEN.window,
      BadRange: "fewer than 32 bytes from there",
    },
  },
  capabilityUnseal: {
    number: 0x16,
    wasm: "i32 i32 i32->i32",
    credential: "binding",
    path: "long",
    takes: ["where from", "byte offset in it", "bytes: 32, and 8 for each link"],
    fails: {
      BadWindow: WHEN.window,
      BadRange: WHEN.range,
      BadToken: "the bytes are not a token of this machine, a link widens it, or it has expired",
      BadSlot: "the caller has no free slot",
    },
  },
  capabilityExpire: {
    number: 0x17,
    wasm: "i32->i32",
    credential: "slot",
    path: "long",
    takes: ["slot of the caller"],
    fails: {
      BadSlot: WHEN.slot,
      BadCapability: "the slot's capability lacks `duplicate`",
      Full: "`EXPIRED_NAMES` names have been expired and this is another",
    },
  },
  guardSet: {
    number: 0x1a,
    wasm: "i32 i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: [...resource, "index, below `GUARD_ENTRIES`", "name and rights, or nothing", "slot of the caller"],
    fails: {
      BadResource: "no such resource, or a kind without a guard",
      BadGuard: "no such entry; entry 0 cleared, without all rights, or not dominated before and after",
      BadName: "the capability is malformed",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
  guardExtend: {
    number: 0x1b,
    wasm: "i32 i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: [...resource, "frame with the records", "records, at most `GUARD_RECORDS`", "slot of the caller"],
    fails: {
      BadResource: "no such resource, or a kind without a guard",
      BadFrame: "a frame outside RAM, free, or being taken back",
      BadRange: WHEN.range,
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
};
