/** The trace in words, for a board's `--trace`. */
import { STOP_CAUSE_NAMES } from "@exolith/secure-bind";
import { CALLS } from "../abi/calls.ts";
import { ERROR_CODES } from "../abi/errors.ts";
import { rowOf } from "../abi/ids.ts";
import { RESOURCE_KINDS } from "../abi/resources.ts";
import { FAULT_CAUSES } from "../abi/upcalls.ts";
import { TRACE_EVENTS, type Trace, type TraceEvent } from "../trace.ts";

type EventName = keyof typeof TRACE_EVENTS;
/** Says what the two numbers of an event are. */
type Words = (a: number, b: number) => string;

/** Number to name, of a record of numbers. */
const names = (record: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(record).map(([name, number]) => [number, name]));

const EVENT_NAMES = names(TRACE_EVENTS);
const CAUSE_NAMES = names(FAULT_CAUSES);
const KIND_NAMES = names(RESOURCE_KINDS);
const REFUSAL_NAMES = names(ERROR_CODES);
const CALL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(CALLS).map(([name, { number }]) => [number, name]),
);
const WAYS = ["by the short way", "by the moving way", "by the long way", "in a batch"];

/** The name of a number, or the number. */
const named = (from: ReadonlyMap<number, string>, number: number): string =>
  from.get(number) ?? `number ${number}`;

/** An id as its row, which is short. */
const who = (id: number): string => `environment ${rowOf(id)}`;

const only: Words = (a) => who(a);
const at: Words = (a, b) => `${who(a)}, position ${b}`;
const row =
  (what: string, unit: string): Words =>
  (a, b) =>
    `${what} ${a}, ${b} ${unit}`;
const own =
  (unit: string): Words =>
  (a, b) =>
    `${who(a)}, ${b} ${unit}`;
const given: Words = (a, b) => `${who(a)}, ${b & 0xffff} of kind ${named(KIND_NAMES, b >> 16)}`;

const cause: Words = (a, b) => `${who(a)}, cause ${named(CAUSE_NAMES, b)}`;

const WORDS: { readonly [E in EventName]: Words } = {
  sliceBegin: at,
  sliceEnd: at,
  deliver: row("ring", "bytes"),
  drop: (a, b) => (a < 0 ? `no filter, ${b} bytes` : `ring ${a}, ${b} bytes`),
  transmit: row("binding", "bytes"),
  forged: row("binding", "bytes"),
  fault: cause,
  environmentCreate: only,
  environmentDestroy: only,
  transferBegin: row("extent", "blocks"),
  transferEnd: row("extent", "blocks"),
  call: (a, b) => `${who(a)}, ${named(CALL_NAMES, b & 0xff)} ${WAYS[b >> 8] ?? ""}`,
  refused: (a, b) => `${who(a)}, ${named(CALL_NAMES, b & 0xff)}: ${named(REFUSAL_NAMES, b >> 8)}`,
  control: (a, b) => `${who(a)} to ${who(b)}`,
  controlReply: (a, b) => `${who(a)} to ${who(b)}`,
  excess: own("ticks"),
  forfeit: own("left"),
  revoke: given,
  repossess: given,
  predicate: (a, b) => `${who(a)}, tag ${b}`,
  dmaCancel: own("bytes"),
  memoryFault: cause,
  programStop: cause,
  handler: (a, b) => `handler ${a}, ${b === 0 ? "deferred" : "consumed"}`,
  handlerAbort: (a, b) => `handler ${a}, stopped by ${STOP_CAUSE_NAMES[b] ?? `number ${b}`}`,
};

const isKnown = (name: string | undefined): name is EventName => name !== undefined && name in WORDS;

function line(microseconds: number, event: TraceEvent, a: number, b: number): string {
  const name = EVENT_NAMES.get(event);
  const words = isKnown(name) ? WORDS[name](a, b) : `${a}, ${b}`;
  return `${microseconds.toFixed(3).padStart(14)} µs  ${(name ?? `event ${event}`).padEnd(18)} ${words}`;
}

/**
 * The events that `trace` holds, one a line, oldest first; `hertz` turns cycles into microseconds.
 *
 * A first line says how many earlier ones were overwritten, if any were.
 */
export function traceLines(trace: Trace, hertz: number): string[] {
  const lines: string[] = [];
  const lost = trace.read((time, event, a, b) => lines.push(line((time / hertz) * 1e6, event, a, b)));
  return lost > 0 ? [`(${lost} earlier events were overwritten)`, ...lines] : lines;
}
