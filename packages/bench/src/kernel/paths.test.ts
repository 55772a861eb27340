import { TRACE_EVENTS, boot, makeTrace } from "@exolith/exokernel";
import { CALLS, capSlot, failed, must, type Gate } from "@exolith/exokernel/abi";
import { DEC5000_125, makeSimulatedMachine } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { checkShape, measureShape } from "./shape.ts";

/** The ways into the kernel, as the trace numbers them. */
const PATHS = ["short", "move", "long"];

test("[K13] a null call costs less than one with a stack, and that far less than a monolithic one; the trace shows the way that each call takes", () => {
  for (const { id, what, holds } of checkShape(measureShape()))
    if (id === "S1") expect([what, holds]).toEqual([what, true]);

  const trace = makeTrace(1024, { calls: true });
  const { root } = boot(makeSimulatedMachine({ profile: DEC5000_125, frames: 64 }), { trace });
  const gates: Gate[] = [];
  const made = root.environmentCreate((gate) => {
    gates.push(gate);
    return { sliceBegin: () => {} };
  }, capSlot(0));
  expect(failed(made)).toBe(false);
  const gate = gates[0] as Gate;
  const names = Object.keys(CALLS) as (keyof typeof CALLS)[];
  for (const name of names) (gate[name] as (...nothing: never[]) => unknown)();
  const ways = new Map<number, string | undefined>();
  trace.read((_, event, environment, what) => {
    if (event === TRACE_EVENTS.call && environment === must(made)) ways.set(what & 0xff, PATHS[what >> 8]);
  });
  for (const name of names) expect([name, ways.get(CALLS[name].number)]).toEqual([name, CALLS[name].path]);
  expect(new Set(ways.values())).toEqual(new Set(PATHS));
  expect([CALLS.nullCall.path, CALLS.batchRun.path]).toEqual(["short", "long"]);
});
