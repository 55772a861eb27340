/** What programs import, done alike outside and inside: no call of a program comes back into it. */
import type { HostFunctions } from "../../src/index.ts";
import { SUPPORT, SUPPORT_FUNCTIONS } from "./support.ts";

type Value = number | bigint | null | ((...values: never[]) => unknown);
type Call = (...values: Value[]) => unknown;

/** References that are kept for a program. */
const ELEMENTS = 16;

/** What is written down of a value: of a function only that it is one. */
const shown = (value: Value): string =>
  typeof value === "function" ? "function" : Object.is(value, -0) ? "-0" : String(value);

/** The functions of one program, and the calls that were answered. */
export interface ProgramSupport {
  readonly calls: Readonly<Record<string, Call>>;
  readonly seen: string[];
}

/** Fresh functions. */
export function makeProgramSupport(): ProgramSupport {
  const seen: string[] = [];
  const table: Value[] = Array.from({ length: ELEMENTS }, () => null);
  const answers: Readonly<Record<string, Call>> = {
    sleep: (_time, id) => id,
    "call-export-catch": (index) => Number(index) & 1,
    "call-ref-catch": (call) => Number(call === null),
    "table-get": (index) => table[Number(index) & (ELEMENTS - 1)] ?? null,
    "table-set": (index, call) => {
      if (Number(index) >>> 0 >= 4 * ELEMENTS) throw new Error("no such element");
      table[Number(index) & (ELEMENTS - 1)] = call ?? null;
    },
  };
  const calls = Object.fromEntries(
    SUPPORT_FUNCTIONS.map(({ name }): [string, Call] => [
      name,
      (...values) => {
        seen.push(`${name}(${values.map(shown).join()})`);
        return answers[name]?.(...values);
      },
    ]),
  );
  return { calls, seen };
}

/** The same functions, which now and then do not answer before they are called again. */
export function interrupted(
  support: ProgramSupport,
  suspends: (isRepeated: boolean) => boolean,
): HostFunctions {
  let waiting: string | undefined;
  const functions = Object.entries(support.calls).map(([name, call]): [string, Call] => [
    name,
    (...values) => {
      const asked = `${name}(${values.map(shown).join()})`;
      const before = waiting;
      waiting = undefined;
      if (before !== undefined && before !== asked) throw new Error(`${asked} is not ${before}`);
      waiting = suspends(before !== undefined) ? asked : undefined;
      if (waiting === undefined) return call(...values);
      // What is returned now does not count.
      return name === "table-get" ? null : 0x5a5a;
    },
  ]);
  return { [SUPPORT]: Object.fromEntries(functions) } as unknown as HostFunctions;
}
