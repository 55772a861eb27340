/**
 * 05: protected transfer.
 *
 * Control goes from one environment straight into another, on the same slice,
 * with four numbers and nothing else. Whom it may enter is the callee's choice;
 * whether the reply comes at once or later, too.
 */
import {
  NEVER,
  TRANSFER_KINDS,
  capSlot,
  failed,
  must,
  rowOf,
  sliceIndex,
  type EnvId,
  type Gate,
  type Program,
} from "@exolith/exokernel/abi";
import { makeSingle } from "./support/machines.ts";
import { readOptions } from "./support/options.ts";

const own = capSlot(0);
const ROUNDS = 1000;
const DOUBLE = 1;
const LATER = 2;

const options = readOptions();
const { add, run, finish, kernel } = makeSingle(options);
const { environments } = kernel.root;

/** Doubles a number at once, or later; a third kind of request breaks it. */
const server: Program = (gate) => {
  must(gate.sliceAlloc(sliceIndex(64), own));
  const waiting: EnvId[] = [];
  return {
    sliceBegin: () => {
      const client = waiting.shift();
      if (client !== undefined) {
        console.log(`server: runs at position ${gate.slices.current()}, and replies`);
        must(gate.transferReply(client, 99, 0, 0, 0));
      }
      gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);
    },
    transfer: (caller, what, number) => {
      if (what === DOUBLE) return number * 2;
      if (what !== LATER) throw new Error("no such request");
      waiting.push(caller);
      must(gate.wake(gate.self, own));
      return undefined;
    },
    transferAsync: (_, number) => console.log(`server: got ${number}, nobody waits for an answer`),
    fault: (_, reason) => console.log(`server: faulted, ${String(reason)}`),
  };
};

const told = (result: unknown): string =>
  failed(result) ? `refused: ${(result as { name: string }).name}` : String(result);

/** One thing after the other, a slice each. */
const client =
  (target: EnvId): Program =>
  (gate) => {
    must(gate.sliceAlloc(sliceIndex(0), own));
    const steps = [pingPong, breaks, goesAsync, waits];
    return {
      sliceBegin: () => {
        const step = steps.shift();
        step?.(gate, target);
        if (step === undefined) gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);
      },
      transferReply: (_, number) => console.log(`client: the reply is ${number}`),
    };
  };

function pingPong(gate: Gate, target: EnvId): void {
  const slices = environments.slicesBegun(rowOf(target));
  const begun = gate.clock.now();
  let number = 1;
  for (let i = 0; i < ROUNDS; i++) number = must(gate.transfer(target, DOUBLE, i, 0, 0)) ?? 0;
  const each = ((gate.clock.now() - begun) / ROUNDS / gate.clock.hertz) * 1e9;
  console.log(`client: ${ROUNDS} round trips, the last reply ${number}, ${each.toFixed(0)} ns each`);
  console.log(
    `client: slices that the server began meanwhile: ${environments.slicesBegun(rowOf(target)) - slices}`,
  );
}

function breaks(gate: Gate, target: EnvId): void {
  console.log(`client: a request that there is not: ${told(gate.transfer(target, 7, 0, 0, 0))}`);
}

function goesAsync(gate: Gate, target: EnvId): void {
  must(gate.transferAsync(target, 42, 0, 0, 0));
  console.log("client: initiated a transfer; it arrives when this returns");
}

function waits(gate: Gate, target: EnvId): void {
  console.log(`client: the reply will come later: ${told(gate.transfer(target, LATER, 0, 0, 0))}`);
  console.log(`client: kept by the server: ${environments.keptBy(rowOf(gate.self)) === target}`);
}

const serverId = add({ name: [1, 1], grants: [], program: server });
const clientId = add({ name: [1, 2], grants: [], program: client(serverId) });
run();
console.log(`client: kept by nobody: ${environments.keptBy(rowOf(clientId)) === 0}`);

/** Lets nobody in, and is not entered. */
const closed: Program = (gate) => {
  must(gate.transferAllow(TRANSFER_KINDS.none));
  return { sliceBegin: () => {}, transfer: () => 1 };
};
console.log(
  `board: a closed one is ${told(kernel.root.transfer(add({ name: [1, 3], grants: [], program: closed }), 0, 0, 0, 0))}`,
);
finish();
