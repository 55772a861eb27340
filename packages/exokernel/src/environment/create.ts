/** Creation of environments. */
import { RIGHTS, makeCapability, type Capability } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { EnvId } from "../abi/ids.ts";
import type { Gate } from "../abi/gate.ts";
import type { Program, Upcalls } from "../abi/upcalls.ts";
import { WELL_KNOWN_NAME, WELL_KNOWN_SLOT } from "../abi/limits.ts";
import { capabilityAt, guardAt, setCapability } from "../capability/capability-list.ts";
import type { Guard } from "../capability/guard.ts";
import { publishEvents } from "../memory/system-frame.ts";
import type { Kernel } from "../kernel.ts";
import { disown, isMadeBy, passPanic } from "../panic.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { environmentRelease } from "./destroy.ts";
import { captureEntryPoints, makeEnvironment, type EntryPoints, type Environment } from "./environment.ts";

const WELL_KNOWN = makeCapability([...WELL_KNOWN_NAME], RIGHTS.none);

/** Makes the gate of an environment. */
export type GateMaker = (kernel: Kernel, environment: Environment) => Gate;

/** Creates an environment and starts its program; a program that throws leaves nothing behind. */
export function environmentCreate(
  kernel: Kernel,
  caller: Environment,
  program: unknown,
  slot: unknown,
  makeGate: GateMaker,
): Sys<EnvId, "BadSlot" | "BadCapability" | "BadProgram" | "Full"> {
  const held = capabilityAt(caller.capabilities, slot);
  const guard = guardAt(caller.capabilities, slot);
  if (held === undefined || guard === undefined) return ERRORS.BadSlot;
  if ((held.rights & RIGHTS.allocate) === 0) return ERRORS.BadCapability;
  if (typeof program !== "function") return ERRORS.BadProgram;
  const created = addEnvironment(kernel, caller.id, guard, held);
  if (created === undefined) return ERRORS.Full;
  const upcalls = start(kernel, created, program as Program, makeGate);
  if (upcalls === undefined || !created.alive) {
    environmentRelease(kernel, created);
    return ERRORS.BadProgram;
  }
  created.upcalls = upcalls;
  return created.id;
}

/** Takes a row for a new environment that holds `capability` in its slot 0; `undefined` when the table is full. */
export function addEnvironment(
  kernel: Kernel,
  parent: EnvId,
  guard: Guard,
  capability: Capability,
): Environment | undefined {
  const row = kernel.environments.ids.take();
  if (row < 0) return undefined;
  const id = kernel.environments.ids.idOf(row) as EnvId;
  const created = makeEnvironment(row, id, parent, guard);
  setCapability(created.capabilities, 0, capability);
  setCapability(created.capabilities, WELL_KNOWN_SLOT, WELL_KNOWN);
  publishEvents(kernel, created);
  kernel.environments.rows[row] = created;
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.environmentCreate, id, 0);
  return created;
}

/** Runs a program's first code; its entry points, captured once, or `undefined` if it threw or has none. */
function start(
  kernel: Kernel,
  created: Environment,
  program: Program,
  makeGate: GateMaker,
): EntryPoints | undefined {
  const before = kernel.running;
  kernel.running = created;
  try {
    const entries: unknown = program(makeGate(kernel, created));
    if (isMadeBy(entries, Promise)) disown(entries as Promise<unknown>);
    return captureEntryPoints(entries as Upcalls);
  } catch (reason) {
    passPanic(reason);
    return undefined;
  } finally {
    kernel.running = before;
  }
}
