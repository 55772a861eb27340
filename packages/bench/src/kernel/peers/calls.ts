/** Calls: within JavaScript, and into Linux by every route that Node offers. */
import { createRequire } from "node:module";
import { timed, type Subject } from "../measure.ts";
import { sink } from "../world.ts";
import { reasonOf, type Peers, type Skipped } from "./peer.ts";

/** What `koffi` is used for here. */
interface Koffi {
  load(library: string): { func(prototype: string): () => number };
}

/** Functions that differ, for a call site that sees all of them. */
const FUNCTIONS: readonly ((a: number) => number)[] = [
  (a) => a + 1,
  (a) => a ^ 2,
  (a) => a - 3,
  (a) => (a * 5) | 0,
  (a) => a & 0xffff,
  (a) => (a << 1) ^ a,
  (a) => 7 - a,
  (a) => a | 8,
];

function callOne(times: number): void {
  const one = FUNCTIONS[0] as (a: number) => number;
  let sum = 0;
  for (let i = 0; i < times; i++) sum = one(sum);
  sink.value += sum;
}

function callAny(times: number): void {
  let sum = 0;
  for (let i = 0; i < times; i++) sum = (FUNCTIONS[i & 7] as (a: number) => number)(sum & 0xffff);
  sink.value += sum;
}

/** `process.ppid`, which asks the system each time it is read. */
function readParent(times: number): void {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += process.ppid;
  sink.value += sum;
}

const subject = (name: string, run: (times: number) => void, times: number): Subject => ({
  name,
  round: () => timed(run, times),
});

/** The `koffi` that the host machine uses for its network, where it is installed. */
function loadKoffi(): Koffi {
  const machine = createRequire(import.meta.url).resolve("@exolith/hw-model/package.json");
  return createRequire(machine)("koffi") as Koffi;
}

function throughKoffi(times: number): Subject | Skipped {
  const name = "getppid through koffi";
  try {
    const getppid = loadKoffi().load("libc.so.6").func("int getppid()");
    const run = (count: number): void => {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += getppid();
      sink.value += sum;
    };
    run(1);
    return subject(name, run, times);
  } catch (reason) {
    return { name, why: reasonOf(reason) };
  }
}

/** Names of the routes from Node into Linux. */
export const NODE_ROUTES: readonly string[] = ["getppid as process.ppid", "getppid through koffi"];

/** Calls of every kind; `times` of a call within JavaScript in a round. */
export function callPeers(times: number): Peers {
  const few = Math.ceil(times / 10);
  const koffi = throughKoffi(few);
  return {
    subjects: [
      subject("JavaScript call, one function", callOne, times),
      subject("JavaScript call, any of eight", callAny, times),
      subject("getppid as process.ppid", readParent, few),
      ...("round" in koffi ? [koffi] : []),
    ],
    skipped: "round" in koffi ? [] : [koffi],
    close: () => {},
  };
}
