/** An environment of ExOS that pings addresses, one after the other. */
import { capSlot, cycles, type Gate, type Program } from "@exolith/exokernel/abi";
import {
  Ping,
  eventProgram,
  formatAddress,
  makeFramePool,
  makeStack,
  type Pollable,
} from "@exolith/libos-exos";
import { milliseconds } from "./machines.ts";

/** Whom to ping, from which address. */
export interface PingerOptions {
  readonly address: number;
  readonly targets: readonly number[];
  readonly count: number;
  /** Called when all are done. */
  readonly finished: () => void;
}

const guard = capSlot(0);
const device = capSlot(1);
const INTERVAL_SECONDS = 0.01;

/** Prints a line for each reply, and one for each address. */
export const pinger = (options: PingerOptions): Program =>
  eventProgram(4, (gate) => {
    const pool = makeFramePool(gate, guard);
    const slots = { device, guard };
    const { network } = makeStack(gate, { nic: 0, address: options.address, prefixLength: 24, slots, pool });
    const targets = [...options.targets];
    let current: Ping | undefined;
    const next = (): void => {
      const target = targets.shift();
      current = target === undefined ? undefined : ping(gate, network.icmp, options.count, target, next);
      if (current === undefined) options.finished();
    };
    const part: Pollable = {
      poll: () => {
        current?.poll();
        return false;
      },
      wakeAt: () => cycles(current?.wakeAt() ?? Infinity),
    };
    next();
    return [network, part];
  });

function ping(
  gate: Gate,
  icmp: ConstructorParameters<typeof Ping>[1],
  count: number,
  target: number,
  done: () => void,
): Ping {
  const intervalCycles = gate.clock.hertz * INTERVAL_SECONDS;
  const name = formatAddress(target);
  const replied = (sequence: number, cyclesTaken: number): void =>
    console.log(`${name} answers ${sequence} after ${milliseconds(cyclesTaken)}`);
  const finished = (replies: number): void => {
    console.log(`${name}: ${replies} of ${count} came back`);
    done();
  };
  return new Ping(
    gate,
    icmp,
    { destination: target, identifier: target & 0xffff, count, intervalCycles },
    { replied, done: finished },
  );
}
