/** A console with captured output and scripted input. */
import type { Console } from "../console.ts";
import { makeGrowingBytes } from "./growing-bytes.ts";

/** A console, and the person in front of it. */
export interface SimulatedConsole extends Console {
  /** Types text (UTF-8) or bytes; they wait until they are read. O(bytes). */
  type(input: string | Uint8Array): void;
  /** Everything written so far, as bytes. O(bytes). */
  printed(): Uint8Array;
  /** Everything written so far, as UTF-8 text. O(bytes). */
  text(): string;
}

/** A console on which nothing is printed, with `input` already typed. Output is kept without bound. */
export function makeSimulatedConsole(input: string | Uint8Array = ""): SimulatedConsole {
  const output = makeGrowingBytes();
  const typed = makeGrowingBytes();
  let taken = 0;
  const type = (more: string | Uint8Array): void => {
    const bytes = typeof more === "string" ? new TextEncoder().encode(more) : more;
    typed.append(bytes, 0, bytes.length);
  };
  const read = (memory: Uint8Array, at: number, length: number): number => {
    const count = Math.min(length, typed.length() - taken);
    memory.set(typed.view(taken, taken + count), at);
    taken += count;
    return count;
  };
  const write = (memory: Uint8Array, at: number, length: number): number => {
    output.append(memory, at, length);
    return length;
  };
  type(input);
  const printed = (): Uint8Array => output.copy();
  return { read, write, type, printed, text: () => new TextDecoder().decode(printed()) };
}
