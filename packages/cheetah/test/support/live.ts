/** A server at work inside the test, reached through the gateway on a port that the host chose. */
import { fileURLToPath } from "node:url";
import type { Exokernel } from "@exolith/exokernel";
import { FRAME_BYTES } from "@exolith/hw-model";
import { openGatewayNetwork } from "../../src/board/machines.ts";
import { serve, type Served, type ServeOptions } from "../../src/board/serve.ts";
import type { Limits } from "../../src/limits.ts";

/** The example site that comes with the server. */
export const EXAMPLE_SITE: string = fileURLToPath(new URL("../../site", import.meta.url));

/** What a test may want other than usual. */
export interface LiveOptions {
  readonly limits?: Partial<Limits>;
  readonly pcap?: string;
  readonly image?: string;
  /** Called before the network is opened, and while the directory is imported. */
  readonly before?: () => void;
  readonly importing?: ServeOptions["importing"];
  readonly stopping?: AbortSignal;
  readonly report?: (line: string) => void;
}

/** A server with an address to connect to. */
export interface Live extends Served {
  readonly port: number;
}

/** Physical memory of the server's machine: 64 MiB, whatever it serves. */
const FRAMES = (64 * 2 ** 20) / FRAME_BYTES;

/** Serves `directory` on 127.0.0.1. */
export async function serveLive(directory: string, options: LiveOptions = {}): Promise<Live> {
  const { before, pcap, ...others } = options;
  const network: ServeOptions["network"] = (waker) => {
    before?.();
    return openGatewayNetwork({ host: "127.0.0.1", port: 0, faults: {}, pcap, waker });
  };
  const served = await serve({ directory, network, frames: FRAMES, log: false, ...others });
  return { ...served, port: Number(new URL(served.address).port) };
}

/** Everything of a server that must be given back when its clients are gone. */
export interface Holdings {
  /** Frames of the server's machine that are held. */
  readonly frames: number;
  /** Head slots and chunks of the file cache that nobody holds, and blocks that are free. */
  readonly slotsFree: number;
  readonly chunksIdle: number;
  readonly blocksFree: number;
  readonly connections: number;
  readonly tcpConnections: number;
  readonly carried: number;
  readonly streams: number;
}

/** Frames that somebody holds. */
export const heldFrames = ({ root }: Exokernel): number => root.frames.count - root.frames.free();

/**
 * Most frames that the gateway ever holds: 64 receive buffers of 32 frames, 1,024 relay buffers of four, and its rings.
 * It claims the relay buffers as it first needs them, and keeps them.
 */
export const MOST_GATEWAY_FRAMES = 6500;

/** Reads the published tables. */
export function holdingsOf({ kernel, gatewayKernel, gateway, server }: Served): Holdings {
  const { counters } = server.cheetah;
  const streams = gatewayKernel?.root.streams;
  let open = 0;
  for (let row = 0; row < (streams?.count ?? 0); row++) if ((streams?.owner(row) ?? 0) !== 0) open += 1;
  return {
    frames: heldFrames(kernel),
    slotsFree: counters.slotsFree(),
    chunksIdle: counters.chunksIdle(),
    blocksFree: counters.blocksFree(),
    connections: counters.open(),
    tcpConnections: server.stack.tcp.use.connections(),
    carried: gateway()?.carried ?? 0,
    streams: open,
  };
}
