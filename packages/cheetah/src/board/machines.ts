/** The host's machines of a server: one that serves, and one at the far end of the wire for the host's own connections. */
import type { Exokernel, Trace } from "@exolith/exokernel";
import type { Program } from "@exolith/exokernel/abi";
import { makePcapWriter, makeWire, tracedNic, type FaultRates, type Nic } from "@exolith/hw-model";
import {
  listenStreams,
  makeHostMachine,
  openImageDisk,
  openPacketNic,
  openPcapFile,
  openTap,
  type HostWaker,
  type ImageDisk,
  type ListeningStreams,
  type PacketNic,
  type TapNic,
} from "@exolith/hw-model/host";
import type { RouteOptions } from "@exolith/libos-exos";
import {
  GATEWAY_FRAMES,
  SERVER_ADDRESS,
  SERVER_PORT,
  WIRE_PREFIX,
  bootMachine,
  startServer,
  type Booted,
  type Faulted,
} from "./environments.ts";

/** Everything a board opened on the host, to be closed together. */
export interface Opened {
  readonly close: () => Promise<void>;
}

/** The network that the server's machine is on. */
export interface ServerNetwork extends Opened {
  /** The interface of the server's machine. */
  readonly nic: Nic;
  readonly route: RouteOptions;
  /** TCP port that the server listens on. */
  readonly port: number;
  /** The other machine's interface and streams, when the host reaches the server through a gateway. */
  readonly far: { readonly nic: Nic; readonly streams: ListeningStreams } | undefined;
  /** Lets frames gather, where they come from Linux by a ring. */
  readonly coalesce?: (() => void) | undefined;
  /** Where people find the server. */
  readonly address: string;
  /** What happened to an interface of Linux besides its frames. */
  readonly events?: TapNic["linux"] | PacketNic["linux"];
}

/** How the virtual wire behaves, and who watches it. */
export interface WireChoice {
  readonly host: string;
  readonly port: number;
  readonly faults: FaultRates;
  readonly pcap: string | undefined;
  readonly waker: HostWaker;
}

/** Opens the virtual wire and listens on the host; rejects when the host refuses. */
export async function openGatewayNetwork(choice: WireChoice): Promise<ServerNetwork> {
  const { waker, host, port, faults } = choice;
  const wire = makeWire({ faults, flowControl: true, arrived: () => waker.wake() });
  const streams = await listenStreams({ host, port, waker });
  const watched = watch(wire.nics[0], choice.pcap);
  return {
    nic: watched.nic,
    route: { address: SERVER_ADDRESS, prefixLength: WIRE_PREFIX },
    port: SERVER_PORT,
    far: { nic: wire.nics[1], streams },
    address: `http://${displayHost(host)}:${streams.port}`,
    close: async () => {
      await streams.close();
      watched.close();
    },
  };
}

const displayHost = (host: string): string => {
  if (host === "127.0.0.1" || host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
};

/** Which interface of Linux is used, and how: a TAP, or one that is there, beside Linux. */
export interface LinuxChoice {
  readonly kind: "tap" | "packet";
  readonly name: string;
  /** The server's Ethernet address; with a packet socket the interface's own unless given. */
  readonly hardwareAddress: readonly number[] | undefined;
  readonly route: RouteOptions;
  /** The route's address, for people. */
  readonly shownAddress: string;
  readonly port: number;
  readonly pcap: string | undefined;
  readonly waker: HostWaker;
}

/** The server's Ethernet address at the end of a TAP unless it is told another: locally administered. */
const TAP_ADDRESS = [2, 0, 0, 0, 0, 1] as const;

const openLinuxNic = ({ kind, name, hardwareAddress, waker }: LinuxChoice): Promise<TapNic | PacketNic> => {
  if (kind === "tap") return openTap({ name, address: hardwareAddress ?? TAP_ADDRESS, waker });
  const address = hardwareAddress === undefined ? {} : { address: hardwareAddress };
  return openPacketNic({ interface: name, ...address, waker });
};

/** Attaches to an interface of Linux; rejects when the host refuses, and says what is missing. */
export async function openLinuxNetwork(choice: LinuxChoice): Promise<ServerNetwork> {
  const { route, port, shownAddress } = choice;
  const nic = await openLinuxNic(choice);
  const watched = watch(nic, choice.pcap);
  const shownPort = port === 80 ? "" : `:${port}`;
  return {
    nic: watched.nic,
    route,
    port,
    far: undefined,
    coalesce: "coalesce" in nic ? nic.coalesce : undefined,
    address: `http://${shownAddress}${shownPort}`,
    events: nic.linux,
    close: async () => {
      await nic.close();
      watched.close();
    },
  };
}

interface Watched {
  readonly nic: Nic;
  readonly close: () => void;
}

function watch(nic: Nic, path: string | undefined): Watched {
  if (path === undefined) return { nic, close: () => {} };
  const file = openPcapFile(path);
  const epoch = Date.now() - performance.now();
  return { nic: tracedNic(nic, makePcapWriter(file, { hertz: 1e9, epoch })), close: () => file.close() };
}

/** The disk of a server: an image that lasts, or one that is gone with the server. */
export function openDisk(image: string | undefined, blocks: number, waker: HostWaker): ImageDisk {
  return openImageDisk(
    image === undefined ? { temporary: true, blocks, waker } : { path: image, blocks, waker },
  );
}

/** What a board hears of a kernel. */
export interface Watching {
  readonly faulted: Faulted;
  readonly trace: Trace;
}

/**
 * On a host, time also passes while the whole program is stopped, by a debugger or by Ctrl-Z.
 *
 * That is no fault of an environment's: excess time is forfeited, and ends nobody.
 */
const PATIENT = { excessTicksMax: Infinity } as const;

/** Boots the server's machine and creates the server's environment, which may send as itself only. */
export function bootServer(
  network: ServerNetwork,
  disk: ImageDisk,
  frames: number,
  program: Program,
  { faulted, trace }: Watching,
): Booted {
  const machine = makeHostMachine({ frames, nics: [network.nic], disks: [disk] });
  return startServer(machine, network.route.address, program, faulted, { trace, ...PATIENT });
}

/** Boots the machine at the far end of the wire; its environment is created when the server is ready. */
export function bootGateway(far: NonNullable<ServerNetwork["far"]>, { faulted, trace }: Watching): Exokernel {
  const machine = makeHostMachine({ frames: GATEWAY_FRAMES, nics: [far.nic], streams: [far.streams] });
  return bootMachine(machine, faulted, { trace, ...PATIENT });
}
