/** A simulated server whose packets are logged and whose machine's work of one kind is counted. */
import { tracedNic, type CostName } from "@exolith/hw-model";
import { makePacketLog, type PacketLog } from "./packet-log.ts";
import { makeSimulatedRig, type SimulatedRig, type SimulatedRigOptions } from "./simulated-rig.ts";

/** The server, and what is known of it. */
export interface WatchedRig {
  readonly rig: SimulatedRig;
  readonly log: PacketLog;
  /** Units of the watched cost that were charged to the server's machine since the last call. */
  readonly charged: () => number;
}

/** Serves with `options`, and counts what is charged as `watched`. */
export function makeWatchedRig(watched: CostName, options: SimulatedRigOptions): WatchedRig {
  const log = makePacketLog();
  const rig = makeSimulatedRig({ ...options, wrapNic: (nic) => tracedNic(nic, log) });
  const { meter } = rig.server.machine;
  const charge = meter.charge.bind(meter);
  let units = 0;
  const counted: typeof charge = (cost, count) => {
    if (cost === watched) units += count;
    charge(cost, count);
  };
  Object.assign(meter, { charge: counted });
  const charged = (): number => {
    const count = units;
    units = 0;
    return count;
  };
  return { rig, log, charged };
}
