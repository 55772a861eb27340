/** Random calls: chosen, made, counted, and looked at. */
import { CALLS } from "../src/abi/calls.ts";
import { failed, type Gate, type GateCalls, type Window } from "../src/abi/index.ts";
import { tableState } from "../src/testing/index.ts";
import { TRACE_EVENTS } from "../src/trace.ts";
import { argumentsOf } from "./random-arguments.ts";
import { remember, type Counts, type Known, type World } from "./random-world.ts";

const NAMES = Object.keys(CALLS) as (keyof GateCalls)[];

/** Names of the calls; one that others need, or that has many ways to be refused, is there more than once. */
const DRAWN: readonly (keyof GateCalls)[] = [
  ...NAMES,
  ...(["framesAlloc", "framesAlloc", "framesAlloc", "windowBind", "windowBind", "ringBind"] as const),
  ...(["messageRingBind", "regionCreate", "regionCreate", "extentAlloc", "extentAlloc"] as const),
  ...([
    "handlerInstall",
    "filterInsert",
    "transmitBind",
    "environmentCreate",
    "sliceAlloc",
    "streamAccept",
    "translationCreate",
    "tlbWrite",
    "tlbWrite",
    "programLoad",
  ] as const),
  ...(["transfer", "transferWords", "transferReply", "transmit", "extentRead", "extentWrite"] as const),
  ...(["capabilityDestroy", "capabilityDestroy", "transferAllow", "capabilitySeal"] as const),
];

/** Where the results of calls are remembered. */
const RESULTS: { readonly [K in keyof GateCalls]?: keyof Known } = {
  environmentCreate: "environments",
  windowBind: "windows",
  ringBind: "rings",
  messageRingBind: "messageRings",
  filterInsert: "filters",
  handlerInstall: "handlers",
  transmitBind: "transmits",
  extentAlloc: "extents",
  streamAccept: "streams",
  regionCreate: "regions",
  displayPort: "ports",
  programLoad: "programs",
};

/** Calls after whose refusal something may have changed: they run somebody's code, or wait for the disks. */
const PROCEEDING: ReadonlySet<keyof GateCalls> = new Set([
  "batchRun",
  "environmentCreate",
  "transfer",
  "transferWords",
  "transferAsync",
  "transferReply",
  "programLoad",
  "transfersWait",
]);

/** One refusal in this many is shown to have changed nothing. */
const LOOKED_AT = 512;

const drawCall = ({ dice, focus }: World): keyof GateCalls =>
  dice.pick(focus.length > 0 && dice.once(3) ? focus : DRAWN) ?? "nullCall";

/** Makes one random call of `gate`'s; throws what it throws. */
export function callAtRandom(world: World, gate: Gate): void {
  const name = drawCall(world);
  makeCall(world, gate, name, argumentsOf(world, gate, name));
}

/** Makes one call; checks that it was done, or refused as its row says, and counts it. Its result. */
export function makeCall(world: World, gate: Gate, name: keyof GateCalls, args: readonly unknown[]): unknown {
  const { kernel, dice, root } = world;
  const { running, transferDepth } = kernel;
  const isLookedAt = dice.once(LOOKED_AT) && !PROCEEDING.has(name) && world.nested === 0;
  const calls = world.counts.total;
  const before = isLookedAt ? tableState(root) : "";
  const result = (gate[name] as (...values: readonly unknown[]) => unknown)(...args);
  const isAlone = world.counts.total === calls;
  count(world.counts, name, result);
  if (kernel.running !== running || kernel.transferDepth !== transferDepth)
    throw new Error(`${name} did not bring control back`);
  if (isLookedAt && isAlone && failed(result) && tableState(root) !== before)
    throw new Error(`${name} was refused and has changed something`);
  note(world, name, args, result);
  return result;
}

/** Counts a call; throws for a refusal that is not in its row. */
function count(counts: Counts, name: keyof GateCalls, result: unknown): void {
  counts.total += 1;
  if (!failed(result)) {
    counts.done.set(name, (counts.done.get(name) ?? 0) + 1);
    return;
  }
  const { name: refusal } = result as { name: string };
  if (!(CALLS[name].fails as readonly string[]).includes(refusal))
    throw new Error(`${name} was refused with ${refusal}`);
  const key = `${name} ${refusal}`;
  counts.refused.set(key, (counts.refused.get(key) ?? 0) + 1);
}

/** Remembers what a call made. */
function note(
  { known, dice }: World,
  name: keyof GateCalls,
  args: readonly unknown[],
  result: unknown,
): void {
  if (failed(result)) return;
  if (name === "capabilitySeal") remember(known.tokens, { window: args[1] as Window, at: args[2] as number });
  const list = RESULTS[name];
  if (list === undefined) return;
  remember(known[list], result);
  if (name === "windowBind" && dice.once(4)) dirty(result as Window, dice.below(4096), dice.below(256));
}

function dirty(window: Window, at: number, value: number): void {
  try {
    window.setU8(at, value);
  } catch (reason) {
    if (!(reason instanceof TypeError)) throw reason;
  }
}

/** Every pair of a call and a refusal in its row. */
export const PAIRS: readonly string[] = NAMES.flatMap((name) =>
  CALLS[name].fails.map((refusal) => `${name} ${refusal}`),
);

/** The counts, one call a line: how often it was done, and refused with what. */
export function countLines(counts: Counts): string[] {
  const { done, refused, events, total } = counts;
  const lines = NAMES.map((name) => {
    const refusals = CALLS[name].fails.map(
      (refusal) => `${refusal} ${refused.get(`${name} ${refusal}`) ?? 0}`,
    );
    return `${name.padEnd(20)} ${String(done.get(name) ?? 0).padStart(8)} done  ${refusals.join(", ")}`;
  });
  const happened = Object.entries(TRACE_EVENTS).map(([name, event]) => `${name} ${events.get(event) ?? 0}`);
  return [...lines, happened.join(", "), `${total} calls, ${Math.round(doneShare(counts) * 100)} % done`];
}

/** Events of the kernel that never happened, but for those of a trace of calls. */
export const missingEvents = ({ events }: Counts): string[] =>
  Object.entries(TRACE_EVENTS)
    .filter(([name, event]) => name !== "call" && name !== "refused" && !events.has(event))
    .map(([name]) => name);

/** Share of the calls that were done. */
export const doneShare = ({ done, total }: Counts): number =>
  [...done.values()].reduce((sum, each) => sum + each, 0) / Math.max(1, total);
