/** The kernel's trace, in words. */
import { TRACE_EVENTS, type Trace, type TraceEvent } from "@exolith/exokernel";

/** What the two numbers of an event are. */
const MEANINGS: { readonly [E in keyof typeof TRACE_EVENTS]: readonly [a: string, b: string | undefined] } = {
  sliceBegin: ["environment", "position"],
  sliceEnd: ["environment", "position"],
  deliver: ["ring", "bytes"],
  drop: ["ring", "bytes"],
  transmit: ["binding", "bytes"],
  forged: ["binding", "bytes"],
  fault: ["environment", "cause"],
  environmentCreate: ["environment", undefined],
  environmentDestroy: ["environment", undefined],
  transferBegin: ["extent", "blocks"],
  transferEnd: ["extent", "blocks"],
  call: ["environment", "number and path"],
  control: ["environment", "to"],
  controlReply: ["environment", "to"],
  excess: ["environment", "ticks"],
  forfeit: ["environment", "left"],
  revoke: ["environment", "kind and count"],
  repossess: ["environment", "kind and count"],
  predicate: ["environment", "tag"],
  dmaCancel: ["environment", "bytes"],
};

const nameOf = (event: TraceEvent): keyof typeof TRACE_EVENTS => {
  const names = Object.keys(TRACE_EVENTS) as (keyof typeof TRACE_EVENTS)[];
  return names.find((name) => TRACE_EVENTS[name] === event) ?? "fault";
};

/** An id as its row, which is short. */
const shown = (kind: string, value: number): string =>
  `${kind} ${kind === "environment" ? value & 0xffff : value}`;

/** Prints the events that `trace` holds; `hertz` turns cycles into microseconds. */
export function printTrace(title: string, trace: Trace, hertz: number): void {
  const lines: string[] = [];
  const lost = trace.read((time, event, a, b) => {
    const name = nameOf(event);
    const [first, second] = MEANINGS[name];
    const microseconds = ((time / hertz) * 1e6).toFixed(3).padStart(14);
    const numbers = [shown(first, a), ...(second === undefined ? [] : [shown(second, b)])].join(", ");
    lines.push(`${microseconds} µs  ${name.padEnd(18)} ${numbers}`);
  });
  console.log(`\n${title}${lost > 0 ? ` (${lost} earlier events were overwritten)` : ""}`);
  for (const line of lines) console.log(line);
}
