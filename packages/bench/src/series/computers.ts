/** Two machines, three wires between them, and an environment on each: a server's and its clients'. */
import { boot, createEnvironment, deviceCapability, type Exokernel } from "@exolith/exokernel";
import { capSlot, must, type CapSlot, type Gate, type Program } from "@exolith/exokernel/abi";
import {
  MODERN_3GHZ,
  makeSimulatedMachine,
  makeWire,
  runSimulated,
  type CostName,
  type CostProfile,
  type Nic,
  type RunLimits,
  type RunResult,
  type SimulatedMachine,
} from "@exolith/hw-model";
import {
  hardwareHigh,
  hardwareLow,
  makeFramePool,
  makeStack,
  nicAddress,
  transmitFilters,
  type FramePool,
  type Stack,
  type StackOptions,
} from "@exolith/libos-exos";
import { RIGHTS } from "@exolith/secure-bind";
import { counted, type Ledger } from "./ledger.ts";
import { protocolNic, type PacketWork } from "./protocol-nic.ts";
import { makeLabour, type Labour } from "./work.ts";

/** Ethernets between the machines, as many as the paper has. */
export const LINKS = 3;
/** Bits a second of each. */
export const BITS_PER_SECOND = 100e6;
/** From the end of sending to arrival: a switch and some metres. */
const DELAY_SECONDS = 10e-6;
const FRAMES = 8192;
const PREFIX_LENGTH = 24;
const RING_SLOTS = 256;
const RECEIVE_BYTES = 16_384;
const RECEIVE_BUFFERS = 128;

const guard = capSlot(0);
/** The disk's capability, after those of the interfaces. */
export const DISK_SLOT: CapSlot = capSlot(1 + LINKS);

/** Addresses on link `link`: the server's end and the clients'. */
export const serverAddress = (link: number): number => 0x0a00_0001 + link * 256;
const clientAddress = (link: number): number => 0x0a00_0002 + link * 256;
/** Where servers listen. */
export const PORT = 80;

/** What a machine is to be. */
export interface ComputerOptions {
  readonly profile: CostProfile;
  readonly absent: ReadonlySet<CostName>;
  /** What the kernel does for a packet besides what every kernel does. */
  readonly packetWork: (labour: Labour) => PacketWork;
}

/** A kernel on a machine. */
interface Computer {
  readonly machine: SimulatedMachine;
  readonly kernel: Exokernel;
  readonly ledger: Ledger;
  readonly labour: Labour;
}

/** Both machines. */
export interface Computers {
  readonly server: Computer;
  /** The server's ends of the wires. */
  readonly nics: readonly Nic[];
  run(limits: RunLimits): RunResult;
  /** Simulated seconds, by the clock that is ahead: one that is idle stands still. */
  seconds(): number;
}

/** Stacks over every link, whose peer is known beforehand. */
export function makeStacks(
  gate: Gate,
  pool: FramePool,
  end: "server" | "client",
  more: Pick<StackOptions, "pieceSum"> = {},
): readonly Stack[] {
  return Array.from({ length: LINKS }, (_, link) => {
    const [own, peer] =
      end === "server"
        ? [serverAddress(link), clientAddress(link)]
        : [clientAddress(link), serverAddress(link)];
    const stack = makeStack(gate, {
      nic: link,
      address: own,
      prefixLength: PREFIX_LENGTH,
      slots: { device: capSlot(1 + link), guard },
      pool,
      ringSlots: RING_SLOTS,
      receiveBytes: RECEIVE_BYTES,
      receiveBuffers: RECEIVE_BUFFERS,
      ...more,
    });
    const hardware = hardwareOf(link, end === "server" ? 1 : 0);
    stack.network.arp.addPermanent(peer, hardwareHigh(hardware), hardwareLow(hardware));
    return stack;
  });
}

/** The hardware address of one end of a link. */
const hardwareOf = (link: number, end: 0 | 1): readonly number[] => [2, 0, 0, 0, link, end + 1];

/** Where a program's environment gets its stacks from. */
export const poolOf = (gate: Gate): FramePool => makeFramePool(gate, guard);

function makeComputer(options: ComputerOptions, nics: readonly Nic[], seed: number): Computer {
  const { profile, absent, packetWork } = options;
  const bare = makeSimulatedMachine({ profile, frames: FRAMES, nics, disks: [{}], seed });
  const { machine, ledger } = counted(bare, absent);
  const labour = makeLabour(machine.meter);
  const also = packetWork(labour);
  const working = machine.nics.map((nic) => protocolNic(nic, labour, also));
  const kernel = boot(
    { ...machine, nics: working },
    {
      excessTicksMax: Infinity,
      faulted: (_, reason) => {
        throw reason;
      },
    },
  );
  return { machine: bare, kernel, ledger, labour };
}

/** Creates the one environment of a computer, which may send from the addresses of its end. */
function place({ kernel: { root } }: Computer, program: Program, address: (link: number) => number): void {
  const links = Array.from({ length: LINKS }, (_, link) => link);
  const grants = [
    ...links.map((link) => deviceCapability("nic", link, RIGHTS.allocate)),
    deviceCapability("disk", 0, RIGHTS.allocate),
  ];
  const environment = must(createEnvironment(root, { name: [1, 1], grants, program }));
  for (const link of links)
    for (const filter of transmitFilters(nicAddress(root, link), address(link)))
      must(root.transmitBind(link, filter, environment, guard, guard));
}

const IDLE: PacketWork = { received: () => {}, sent: () => {} };
/** The clients' machine: quick, so that it is never what is measured. */
const CLIENT: ComputerOptions = { profile: MODERN_3GHZ, absent: new Set(), packetWork: () => IDLE };

/** A server and its clients on their machines. Deterministic. */
export function makeComputers(
  options: ComputerOptions & { readonly seed: number },
  server: (labour: Labour) => Program,
  clients: Program,
): Computers {
  const { seed } = options;
  const wires = Array.from({ length: LINKS }, (_, link) =>
    makeWire({
      bitsPerSecond: BITS_PER_SECOND,
      delaySeconds: DELAY_SECONDS,
      seed: seed + link,
      ends: [
        { hertz: options.profile.hertz, address: hardwareOf(link, 0) },
        { hertz: CLIENT.profile.hertz, address: hardwareOf(link, 1) },
      ],
    }),
  );
  const near = makeComputer(
    options,
    wires.map(({ nics }) => nics[0]),
    seed,
  );
  const far = makeComputer(
    CLIENT,
    wires.map(({ nics }) => nics[1]),
    seed + 1,
  );
  place(near, server(near.labour), serverAddress);
  place(far, clients, clientAddress);
  const parts = [near, far].map(({ machine, kernel }) => ({ clock: machine.clock, steppable: kernel }));
  return {
    server: near,
    nics: wires.map(({ nics }) => nics[0]),
    run: (limits) => runSimulated(parts, { steps: Infinity, ...limits }),
    seconds: () => Math.max(...parts.map(({ clock }) => clock.now() / clock.hertz)),
  };
}
