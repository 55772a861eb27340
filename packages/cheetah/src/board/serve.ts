/** The board: wires machines, kernels and environments into a server for the host. */
import type { Exokernel } from "@exolith/exokernel";
import { BLOCK_BYTES } from "@exolith/hw-model";
import { makeWaker, runOnHost, type HostWaker } from "@exolith/hw-model/host";
import type { Gateway } from "@exolith/libos-exos/gateway";
import type { ImportProgress } from "../disk/import-progress.ts";
import type { Limits } from "../limits.ts";
import { serverProgram, type StartedServer } from "../server-program.ts";
import { openDirectory, type DirectorySource } from "./directory-source.ts";
import {
  SERVER_SLOTS,
  startGateway,
  wakeEnvironment,
  wireGatewayProgram,
  type Booted,
} from "./environments.ts";
import { bootGateway, bootServer, openDisk, type ServerNetwork } from "./machines.ts";
import { watchDirectory } from "./watch.ts";

/** How to serve a directory. */
export interface ServeOptions {
  readonly directory: string;
  /** Opens the network; what it opened is closed with the server. */
  readonly network: (waker: HostWaker) => Promise<ServerNetwork>;
  /** Frames of the server's machine. */
  readonly frames: number;
  readonly cacheFrames?: number | undefined;
  /** Path of a disk image that lasts; without it the image is temporary. */
  readonly image?: string | undefined;
  /** True writes the access log to the standard output. */
  readonly log: boolean;
  readonly limits?: Partial<Limits> | undefined;
  /** Called while the directory is imported, a few times a second. */
  readonly importing?: (progress: ImportProgress) => void;
}

/** A server at work. */
export interface Served {
  readonly address: string;
  readonly server: StartedServer;
  /** The kernel of the server's machine, for tables and tests. */
  readonly kernel: Exokernel;
  /** The kernel of the gateway's machine, if there is one, and the gateway. */
  readonly gatewayKernel: Exokernel | undefined;
  readonly gateway: () => Gateway | undefined;
  /** Imports what changed; resolves when that has been done. */
  refresh(): Promise<ImportProgress>;
  /** Finishes the responses under way, lets everyone go and closes everything. */
  stop(): Promise<void>;
  /** Rejects when the server or a machine broke down; resolves after `stop`. */
  readonly done: Promise<void>;
}

/** Bytes of disk beyond what the site needs: room for changed files beside those still being served. */
const SPARE_BYTES = 2 ** 30;

/** Blocks for a site of this size: the files, their successors and the index. */
function blocksFor(source: DirectorySource): number {
  let bytes = 0;
  for (const found of source.list()) bytes += found.size + 2 * BLOCK_BYTES;
  return Math.ceil((3 * bytes + SPARE_BYTES) / BLOCK_BYTES);
}

/** Serves a directory; resolves when the first request would be answered. */
export async function serve(options: ServeOptions): Promise<Served> {
  const source = openDirectory(options.directory);
  const waker = makeWaker();
  const disk = openDisk(options.image, blocksFor(source), waker);
  try {
    const network = await options.network(waker);
    return await assemble(options, { source, waker, disk, network });
  } catch (error) {
    source.close();
    await disk.close();
    throw error;
  }
}

interface Devices {
  readonly source: DirectorySource;
  readonly waker: HostWaker;
  readonly disk: ReturnType<typeof openDisk>;
  readonly network: ServerNetwork;
}

async function assemble(options: ServeOptions, devices: Devices): Promise<Served> {
  const { network, waker } = devices;
  const fate = makeFate();
  let server: StartedServer | undefined;
  const program = serverProgram({
    route: network.route,
    port: network.port,
    slots: SERVER_SLOTS,
    source: devices.source,
    log: options.log,
    cacheFrames: options.cacheFrames,
    limits: options.limits,
    started: (started) => (server = started),
  });
  const booted = bootServer(network, devices.disk, options.frames, program, fate.broken);
  const gatewayKernel = network.far === undefined ? undefined : bootGateway(network.far, fate.broken);
  const run = runOnHost(
    gatewayKernel === undefined ? [booted.kernel] : [booted.kernel, gatewayKernel],
    waker,
  );
  run.done.catch(fate.broken);
  const close = async (): Promise<void> => {
    await run.stop();
    await network.close();
    devices.source.close();
    await devices.disk.close();
  };
  try {
    await until(
      () => server?.cheetah.ready() === true,
      fate,
      () => {
        if (server !== undefined) options.importing?.(server.cheetah.progress());
      },
    );
  } catch (error) {
    await close();
    throw error;
  }
  return open(options, devices, {
    booted,
    gatewayKernel,
    server: server as unknown as StartedServer,
    fate,
    close,
  });
}

interface Parts {
  readonly booted: Booted;
  readonly gatewayKernel: Exokernel | undefined;
  readonly server: StartedServer;
  readonly fate: Fate;
  readonly close: () => Promise<void>;
}

/** Lets clients in. */
function open(options: ServeOptions, { network, waker }: Devices, parts: Parts): Served {
  const { booted, gatewayKernel, server, fate } = parts;
  const { cheetah } = server;
  let gateway: Gateway | undefined;
  if (gatewayKernel !== undefined && network.far !== undefined)
    startGateway(
      gatewayKernel,
      network.far.nic,
      wireGatewayProgram((started) => (gateway = started)),
    );
  const wake = (): void => {
    wakeEnvironment(booted);
    waker.wake();
  };
  const refresh = async (): Promise<ImportProgress> => {
    const { rounds } = cheetah.progress();
    cheetah.refresh();
    wake();
    await until(() => cheetah.progress().rounds > rounds && cheetah.progress().phase === "idle", fate);
    return cheetah.progress();
  };
  const watching = watchDirectory(options.directory, () => {
    cheetah.refresh();
    wake();
  });
  const stop = async (): Promise<void> => {
    watching.close();
    network.far?.streams.stopListening();
    cheetah.drain();
    wake();
    await within(DRAIN_MILLISECONDS, () => cheetah.drained() && (gateway?.carried ?? 0) === 0, fate);
    await parts.close();
    fate.ended();
  };
  wake();
  return {
    address: network.address,
    server,
    kernel: booted.kernel,
    gatewayKernel,
    gateway: () => gateway,
    refresh,
    stop,
    done: fate.done,
  };
}

/** Milliseconds that `stop` waits for responses under way. */
const DRAIN_MILLISECONDS = 12_000;
/** Milliseconds between two looks at a condition. */
const LOOK_MILLISECONDS = 2;

/** How it all ends. */
interface Fate {
  readonly done: Promise<void>;
  readonly broken: (reason: unknown) => void;
  readonly ended: () => void;
  /** What broke, if anything did. */
  reason: unknown;
}

function makeFate(): Fate {
  let ended = (): void => {};
  let reject: (reason: unknown) => void = () => {};
  const done = new Promise<void>((resolve, refuse) => {
    ended = resolve;
    reject = refuse;
  });
  done.catch(() => {});
  const fate: Fate = {
    done,
    ended: () => ended(),
    reason: undefined,
    broken: (reason) => {
      fate.reason ??= reason;
      reject(reason);
    },
  };
  return fate;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));

/** Resolves when `condition` holds; rejects when something breaks before. */
async function until(condition: () => boolean, fate: Fate, meanwhile?: () => void): Promise<void> {
  while (!condition()) {
    if (fate.reason !== undefined) throw fate.reason;
    meanwhile?.();
    await pause();
  }
}

/** Resolves when `condition` holds, when `milliseconds` have passed or something breaks. */
async function within(milliseconds: number, condition: () => boolean, fate: Fate): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!condition() && fate.reason === undefined && performance.now() < end) await pause();
}
