/** Calls on translation: an address space, and what its pages are. */
import type { Rights } from "@exolith/secure-bind";
import type { Sys } from "../errors.ts";
import type { CapSlot, FrameNumber, VirtualPage } from "../ids.ts";
import { row, type CallRows } from "./call-row.ts";

/** The caller's address space: a cache of secure bindings, which programs of the caller's run through. */
export interface TranslationCalls {
  /**
   * Makes the caller's address space, of 32 bits, without a translation.
   *
   * Its tables are in the machine's arena, which is no RAM: a machine may have none.
   * It takes time by the pages that there are.
   *
   * @param pageBytes bytes of a page: 4096, or 65536, which is 16 frames
   *
   * **Fails** `BadRange`: there are no such pages.
   * **Fails** `Busy`: the caller has an address space.
   * **Fails** `Full`: the arena has no room for another.
   */
  translationCreate(pageBytes: number): Sys<undefined, "BadRange" | "Busy" | "Full">;
  /**
   * Ends the caller's address space, with every translation in it.
   *
   * **Fails** `BadTranslation`: the caller has none.
   * **Fails** `Busy`: a program runs in it.
   */
  translationDestroy(): Sys<undefined, "BadTranslation" | "Busy">;
  /**
   * Binds `count` pages from `page` to the frames from `frame` on, all or none; what was there is replaced.
   *
   * Like a window, a translation is not lost when the guard changes, and does not keep
   * the frame from being freed: then it is gone, wherever it is, and an access misses.
   * That is paid for here, not by whoever frees the frame. On a machine with a software
   * translation buffer a page may lose its place there to another, whoever binds that: it stays
   * bound, and its next miss is reported as if it were not; to bind it again puts it back.
   * **Needs** dominance over each frame's guard, with `write` if `rights` has it.
   *
   * @param page first page
   * @param frame first frame; 0 has no translations, and larger pages begin at a multiple of their size
   * @param count pages, at least 1
   * @param rights `RIGHTS.none` for reading, `RIGHTS.write` for both
   * @param slot slot of the caller
   *
   * **Fails** `BadTranslation`: the caller has no address space.
   * **Fails** `BadRange`: pages outside the address space, frames outside RAM, or other rights.
   * **Fails** `BadFrame`: frame 0, a frame where no page begins, outside RAM, free, or being taken back.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  tlbWrite(
    page: VirtualPage,
    frame: FrameNumber,
    count: number,
    rights: Rights,
    slot: CapSlot,
  ): Sys<undefined, "BadTranslation" | "BadRange" | "BadFrame" | "BadSlot" | "BadCapability">;
  /**
   * Changes the rights of what `count` pages from `page` are bound to, all or none; other pages are left.
   *
   * @param page first page
   * @param count pages, at least 1
   * @param rights `RIGHTS.none` for reading, `RIGHTS.write` for both
   *
   * **Fails** `BadTranslation`: the caller has no address space, or a page was bound for reading only.
   * **Fails** `BadRange`: pages outside the address space, or other rights.
   */
  tlbProtect(page: VirtualPage, count: number, rights: Rights): Sys<undefined, "BadTranslation" | "BadRange">;
  /**
   * Takes away the translations of `count` pages from `page`, where there are any.
   *
   * @param page first page
   * @param count pages, at least 1
   *
   * **Fails** `BadTranslation`: the caller has no address space.
   * **Fails** `BadRange`: pages outside the address space.
   */
  tlbRemove(page: VirtualPage, count: number): Sys<undefined, "BadTranslation" | "BadRange">;
  /**
   * Gives `count` pages from `page` a mark of the caller's, all or none.
   *
   * It is kept until the page is marked, bound or unbound; the kernel does not look at it.
   *
   * @param page first page
   * @param count pages, at least 1
   * @param mark less than 8, or less than 2 ** 31 when none of the pages is bound
   *
   * **Fails** `BadTranslation`: the caller has no address space.
   * **Fails** `BadRange`: pages outside the address space, or a mark that one of them cannot have.
   */
  tlbMark(page: VirtualPage, count: number, mark: number): Sys<undefined, "BadTranslation" | "BadRange">;
  /**
   * Forgets that those of `count` pages from `page` that are bound were used.
   *
   * @param page first page
   * @param count pages, at least 1
   * @param use sum of bits of `PAGE_USE`
   *
   * **Fails** `BadTranslation`: the caller has no address space.
   * **Fails** `BadRange`: pages outside the address space, or another use.
   */
  tlbClear(page: VirtualPage, count: number, use: number): Sys<undefined, "BadTranslation" | "BadRange">;
}

/** Their rows. */
export const TRANSLATION_CALLS: CallRows<TranslationCalls> = {
  translationCreate: row(0x80, "i32->i32", "self", "long", ["BadRange", "Busy", "Full"]),
  translationDestroy: row(0x81, "->i32", "self", "long", ["BadTranslation", "Busy"]),
  tlbWrite: row(0x82, "i32 i32 i32 i32 i32->i32", "slot", "short", [
    "BadTranslation",
    "BadRange",
    "BadFrame",
    "BadSlot",
    "BadCapability",
  ]),
  tlbProtect: row(0x83, "i32 i32 i32->i32", "binding", "short", ["BadTranslation", "BadRange"]),
  tlbRemove: row(0x84, "i32 i32->i32", "binding", "short", ["BadTranslation", "BadRange"]),
  tlbMark: row(0x85, "i32 i32 i32->i32", "self", "short", ["BadTranslation", "BadRange"]),
  tlbClear: row(0x86, "i32 i32 i32->i32", "self", "short", ["BadTranslation", "BadRange"]),
};
