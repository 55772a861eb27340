/**
 * The copy unit: moves bytes within a memory, or from one into another, and makes nothing on the way.
 *
 * `memory.copy` of WebAssembly, in a module assembled by hand. Built-in methods
 * of typed arrays take two to four times as long for a frame, and most of them
 * need a view of the source first (docs/decisions/0009-checksum-unit.md).
 */
import type { WasmMemory } from "../memory.ts";
import { I32, MAGIC, code, get, leb, section } from "./assembly.ts";

/** Copies `length` bytes at `from` to `to`, as if by way of elsewhere. The caller checks both ranges. O(length). */
export type CopyUnit = (to: number, from: number, length: number) => void;

/** `memory.copy`, from memory `from` to memory 0. */
const move = (from: number): number[] => [0xfc, 0x0a, 0, from];

/** Imports memories `m.0`, where bytes go, and if there are two `m.1`, where they are; exports the function `c`. */
const moduleBytes = (memories: 1 | 2): Uint8Array<ArrayBuffer> => {
  const imported = [0, 1].slice(0, memories).map((index) => [1, 0x6d, 1, 0x30 + index, 0x02, 0, 1]);
  const body = code([0], get(0), get(1), get(2), move(memories - 1), [0x0b]);
  return Uint8Array.from(
    code(
      MAGIC,
      section(1, [1, 0x60, 3, I32, I32, I32, 0]),
      section(2, code([memories], ...imported)),
      section(3, [1, 0]),
      section(7, [1, 1, 0x63, 0x00, 0]),
      section(10, code([1], leb(body.length), body)),
    ),
  );
};

/** True if the engine lets a module have two memories: V8 since 12.0, which is Node.js since 22. */
export const canCopyBetween = (): boolean => WebAssembly.validate(moduleBytes(2));

const modules: WebAssembly.Module[] = [];

/** The copy unit from memory `from` into memory `to`, another one only if `canCopyBetween`; all that are alike share one compiled module. */
export function makeCopyUnit(from: WasmMemory, to: WasmMemory = from): CopyUnit {
  const memories = from === to ? 1 : 2;
  const module = (modules[memories] ??= new WebAssembly.Module(moduleBytes(memories)));
  const { exports } = new WebAssembly.Instance(module, { m: { 0: to, 1: from } });
  return exports["c"] as CopyUnit;
}
