/** Gates: one frozen object per environment, whose every method already is that environment's. */
import { CALLS } from "../abi/calls.ts";
import type { Gate, GateCalls } from "../abi/gate.ts";
import { ABI_VERSION, TABLE_VERSION } from "../abi/version.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { GatherList } from "../memory/bound-window.ts";
import { BatchList } from "./batch-list.ts";
import { innerCalls } from "./calls.ts";
import { withEntrance } from "./enter.ts";
import { asBatched, withRefusalsNoted } from "./noted-calls.ts";
import { publish } from "./publish.ts";
import { translationReaders } from "./resource-readers.ts";
import { capabilityReaders, makeReaders, repossessionReaders, type Readers } from "./readers.ts";

const readersOf = new WeakMap<Kernel, Readers>();

const CALL_NAMES = Object.keys(CALLS) as (keyof GateCalls)[];

/** The calls of an environment as it sees them: each enters the kernel by its path. */
function enteringCalls(kernel: Kernel, environment: Environment, inner: GateCalls): GateCalls {
  const calls: Partial<Record<keyof GateCalls, unknown>> = {};
  for (const name of CALL_NAMES) {
    const { number, path } = CALLS[name];
    calls[name] = withEntrance(path)(kernel, environment, number, inner[name] as never);
  }
  return calls as GateCalls;
}

/** The gate of `environment`. */
export function makeGate(kernel: Kernel, environment: Environment): Gate {
  let readers = readersOf.get(kernel);
  if (readers === undefined) {
    readers = makeReaders(kernel);
    readersOf.set(kernel, readers);
  }
  const inner = withRefusalsNoted(kernel, environment, innerCalls(kernel, environment, makeGate));
  const batched = asBatched(kernel, environment, inner);
  return publish({
    self: environment.id,
    abiVersion: ABI_VERSION,
    tableVersion: TABLE_VERSION,
    gather: () => new GatherList(),
    batch: () => new BatchList(environment, batched, kernel.machine.meter),
    capabilities: capabilityReaders(environment),
    repossessions: repossessionReaders(environment),
    translation: translationReaders(kernel, environment),
    ...readers,
    ...enteringCalls(kernel, environment, inner),
  });
}
