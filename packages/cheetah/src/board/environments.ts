/** The environments of a server and of its gateway, on whatever machines they are given. */
import {
  boot,
  createEnvironment,
  deviceCapability,
  type BootOptions,
  type Exokernel,
} from "@exolith/exokernel";
import { capSlot, failed, must, type EnvId, type Program, type TransmitId } from "@exolith/exokernel/abi";
import { FRAME_BYTES, type Machine, type Nic } from "@exolith/hw-model";
import { transmitFilters, type Stack } from "@exolith/libos-exos";
import { gatewayProgram, type Gateway } from "@exolith/libos-exos/gateway";
import { RIGHTS } from "@exolith/secure-bind";
import type { ServerSlots } from "../server-program.ts";

const own = capSlot(0);

/** The server's address on the virtual wire, and the gateway's: RFC 1918, never seen outside. */
export const SERVER_ADDRESS = 0x0a00_0001;
export const GATEWAY_ADDRESS = 0x0a00_0002;
export const WIRE_PREFIX = 24;
/** TCP port of the server on the virtual wire. */
export const SERVER_PORT = 80;

/** Frames of the gateway's machine: 40 MiB. */
export const GATEWAY_FRAMES: number = (40 * 2 ** 20) / FRAME_BYTES;

/** A kernel on a machine, with one environment on it. */
export interface Booted {
  readonly kernel: Exokernel;
  readonly environment: EnvId;
}

/** Told when an environment of a kernel faults. */
export type Faulted = (reason: unknown) => void;

/** Where `startServer` grants what a server needs. */
export const SERVER_SLOTS: ServerSlots = Object.freeze({
  guard: capSlot(0),
  nic: capSlot(1),
  disk: capSlot(2),
  console: capSlot(3),
});

/** Boots a server's machine and creates the server's environment, which may send from `address` only. */
export function startServer(
  machine: Machine,
  address: number,
  program: Program,
  faulted: Faulted,
  options: BootOptions = {},
): Booted {
  const kernel = bootMachine(machine, faulted, options);
  const grants = [
    deviceCapability("nic", 0, RIGHTS.allocate),
    deviceCapability("disk", 0, RIGHTS.allocate),
    deviceCapability("console", 0, RIGHTS.write),
  ];
  const environment = created(createEnvironment(kernel.root, { name: [1, 1], grants, program }));
  bindTransmission(kernel, environment, machine.nics[0] as Nic, address);
  return { kernel, environment };
}

/** Boots a kernel that reports its faults. */
export const bootMachine = (machine: Machine, faulted: Faulted, options: BootOptions = {}): Exokernel =>
  boot(machine, { ...options, faulted: (_, reason) => faulted(reason) });

/** Creates the gateway's environment on its own kernel, at the other end of the wire. */
export function startGateway(kernel: Exokernel, nic: Nic, program: Program): EnvId {
  const grants = [deviceCapability("nic", 0, RIGHTS.allocate), deviceCapability("stream", 0, RIGHTS.none)];
  const environment = created(createEnvironment(kernel.root, { name: [1, 1], grants, program }));
  bindTransmission(kernel, environment, nic, GATEWAY_ADDRESS);
  return environment;
}

/** The gateway on the virtual wire, with the capabilities that `startGateway` grants. */
export const wireGatewayProgram = (started: (gateway: Gateway, stack: Stack) => void): Program =>
  gatewayProgram({
    address: GATEWAY_ADDRESS,
    prefixLength: WIRE_PREFIX,
    serviceAddress: SERVER_ADDRESS,
    servicePort: SERVER_PORT,
    slots: { guard: capSlot(0), nic: capSlot(1), stream: capSlot(2) },
    started,
  });

const created = (result: ReturnType<typeof createEnvironment>): EnvId => {
  if (failed(result)) throw new Error(`the environment cannot be created: ${result.name}`);
  return result;
};

/** Lets `user` send ARP and IPv4 packets through interface 0, from `address` only; the bindings, in this order. */
export const bindTransmission = (
  kernel: Exokernel,
  user: EnvId,
  nic: Nic,
  address: number,
): readonly TransmitId[] =>
  transmitFilters(nic.hardware.address, address).map((filter) =>
    must(kernel.root.transmitBind(0, filter, user, own, own)),
  );

/** Wakes an environment, if it is still there. */
export function wakeEnvironment({ kernel, environment }: Booted): void {
  if (kernel.root.environments.id(environment & 0xffff) === environment) kernel.root.wake(environment, own);
}
