/** What every console keeps. */
import { expect } from "vitest";
import type { Console } from "../console.ts";
import {
  contractSuite,
  eventually,
  type ContractCase,
  type Deviation,
  type MakeHarness,
  type Settling,
} from "./suite.ts";

/** The person at the console, as the suite plays it. */
export interface ConsolePeer {
  /** Types `bytes`. */
  type(bytes: Uint8Array): void;
  /** Everything printed so far. */
  printed(): Uint8Array;
}

/** A console under test. */
export interface ConsoleHarness extends Settling {
  readonly console: Console;
  readonly peer: ConsolePeer;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (one) => one.charCodeAt(0));

const prints = async (harness: ConsoleHarness): Promise<void> => {
  const memory = ascii("..hello, world\n..");
  expect(harness.console.write(memory, 2, 13)).toBe(13);
  expect(harness.console.write(memory, 0, 0)).toBe(0);
  expect(await eventually(harness, () => harness.peer.printed().length >= 13)).toBe(true);
  expect(harness.peer.printed()).toEqual(ascii("hello, world\n"));
};

const readsTyping = async (harness: ConsoleHarness): Promise<void> => {
  const memory = new Uint8Array(20).fill(0x2e);
  expect(harness.console.read(memory, 0, 20)).toBe(0);
  harness.peer.type(ascii("abcdef"));
  let got = 0;
  expect(await eventually(harness, () => (got += harness.console.read(memory, 2 + got, 4 - got)) === 4)).toBe(
    true,
  );
  expect(memory.slice(0, 8)).toEqual(ascii("..abcd.."));
  expect(await eventually(harness, () => (got += harness.console.read(memory, 2 + got, 14)) >= 6)).toBe(true);
  expect(memory.slice(0, 10)).toEqual(ascii("..abcdef.."));
  expect(harness.console.read(memory, 0, 20)).toBe(0);
};

const CASES: readonly ContractCase<ConsoleHarness>[] = [
  ["prints the bytes it took", prints],
  ["reads what was typed, no more than asked for", readsTyping],
];

/** Checks that the consoles that `make` makes keep the contract of `Console`. */
export function consoleContract(
  name: string,
  make: MakeHarness<ConsoleHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, CASES, deviations);
}
