/** The board: wires machines, kernels and environments into a server for the host. */
import { statSync } from "node:fs";
import { NO_TRACE, type Exokernel, type Trace } from "@exolith/exokernel";
import { BLOCK_BYTES } from "@exolith/hw-model";
import { makeWaker, runOnHost, type HostWaker } from "@exolith/hw-model/host";
import type { Gateway } from "@exolith/libos-exos/gateway";
import type { ImportProgress } from "../disk/import-progress.ts";
import type { Limits } from "../limits.ts";
import type { Techniques } from "../options.ts";
import { serverProgram, type StartedServer } from "../server-program.ts";
import { IMPORT_ERRORS, makeFollowUp } from "./follow-up.ts";
import { openDirectory, type DirectorySource } from "./directory-source.ts";
import {
  SERVER_SLOTS,
  startGateway,
  wakeEnvironment,
  wireGatewayProgram,
  type Booted,
} from "./environments.ts";
import { bootGateway, bootServer, openDisk, type ServerNetwork, type Watching } from "./machines.ts";
import { watchDirectory, type DirectoryWatch } from "./watch.ts";

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
  /** Techniques other than the defaults. */
  readonly techniques?: Partial<Techniques> | undefined;
  /** Files of the server's own, besides the image, that are not part of the site wherever they are. */
  readonly excluded?: readonly string[] | undefined;
  /** Hears in a line each what could not be imported, at the start and whenever the directory has changed. */
  readonly report?: ((line: string) => void) | undefined;
  /** Gives up an import under way: `serve` rejects with a `ServeStopped`. */
  readonly stopping?: AbortSignal | undefined;
  /** Where the kernels of the server's machine and of the gateway's note their events; nowhere by default. */
  readonly traces?: { readonly server: Trace; readonly gateway: Trace } | undefined;
  /** Called while the directory is imported, a few times a second. */
  readonly importing?: ((progress: ImportProgress) => void) | undefined;
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

/** There is nothing to serve, for a reason that the message gives. */
export class ImportFailed extends Error {
  override readonly name: string = "ImportFailed";
}

/** The server was stopped before it served. */
export class ServeStopped extends Error {
  override readonly name: string = "ServeStopped";
}

/** Bytes of disk beyond what the site needs: room for changed files beside those still being served. */
const SPARE_BYTES = 2 ** 30;
/** Bytes of an image beyond twice the site, with less of which it is made bigger. */
const LEAST_BYTES = 2 ** 20;

/** Blocks for a site of this size: the files, their successors and the index. An image that has room for them does. */
function blocksFor(source: DirectorySource, image: string | undefined): number {
  let bytes = 0;
  for (const found of source.list()) if ("size" in found) bytes += found.size + 2 * BLOCK_BYTES;
  const held = image === undefined ? undefined : statSync(image, { throwIfNoEntry: false });
  if (held?.isFile() === true && held.size >= 2 * bytes + LEAST_BYTES)
    return Math.floor(held.size / BLOCK_BYTES);
  return Math.ceil((3 * bytes + SPARE_BYTES) / BLOCK_BYTES);
}

/** Serves a directory; resolves when the first request would be answered. */
export async function serve(options: ServeOptions): Promise<Served> {
  const { image, excluded = [] } = options;
  const source = openDirectory(options.directory, image === undefined ? excluded : [image, ...excluded]);
  const waker = makeWaker();
  const disk = openDisk(image, blocksFor(source, image), waker);
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
  const refresh = (): void => {
    server?.cheetah.refresh();
    wakeEnvironment(booted);
    waker.wake();
  };
  const watching = watchDirectory(options.directory, refresh);
  const followUp = makeFollowUp(options.report ?? (() => {}), refresh);
  const program = serverProgram({
    route: network.route,
    port: network.port,
    slots: SERVER_SLOTS,
    source: devices.source,
    imported: followUp.imported,
    log: options.log,
    cacheFrames: options.cacheFrames,
    limits: options.limits,
    techniques: options.techniques,
    started: (started) => (server = started),
  });
  const { traces = { server: NO_TRACE, gateway: NO_TRACE } } = options;
  const watch = (trace: Trace): Watching => ({ faulted: fate.broken, trace });
  const booted = bootServer(network, devices.disk, options.frames, program, watch(traces.server));
  const gatewayKernel =
    network.far === undefined ? undefined : bootGateway(network.far, watch(traces.gateway));
  const run = runOnHost(
    gatewayKernel === undefined ? [booted.kernel] : [booted.kernel, gatewayKernel],
    waker,
    network.coalesce === undefined ? {} : { coalesce: network.coalesce },
  );
  run.done.catch(fate.broken);
  const close = async (): Promise<void> => {
    watching.close();
    followUp.close();
    await run.stop();
    await network.close();
    devices.source.close();
    await devices.disk.close();
  };
  try {
    await firstImport(options, () => server, fate);
  } catch (error) {
    await close();
    throw error;
  }
  return open(devices, {
    booted,
    gatewayKernel,
    server: server as unknown as StartedServer,
    fate,
    watching,
    close,
  });
}

/** Waits until the directory has been imported; rejects when there is nothing to serve after that. */
async function firstImport(
  options: ServeOptions,
  server: () => StartedServer | undefined,
  fate: Fate,
): Promise<void> {
  const { directory, stopping, importing } = options;
  const isOver = (): boolean => (server()?.cheetah.progress().rounds ?? 0) > 0;
  await until(
    () => isOver() || stopping?.aborted === true,
    fate,
    () => {
      const started = server();
      if (started !== undefined) importing?.(started.cheetah.progress());
    },
  );
  if (stopping?.aborted === true) throw new ServeStopped("stopped before the directory was imported");
  const cheetah = server()?.cheetah;
  const error = cheetah?.progress().error ?? "DiskFailed";
  if (cheetah?.ready() !== true) throw new ImportFailed(`cannot serve ${directory}: ${IMPORT_ERRORS[error]}`);
}

interface Parts {
  readonly booted: Booted;
  readonly gatewayKernel: Exokernel | undefined;
  readonly server: StartedServer;
  readonly fate: Fate;
  readonly watching: DirectoryWatch;
  readonly close: () => Promise<void>;
}

/** Lets clients in. */
function open({ network, waker }: Devices, parts: Parts): Served {
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
    const { rounds, phase } = cheetah.progress();
    const wanted = phase === "idle" ? rounds + 1 : rounds + 2;
    cheetah.refresh();
    wake();
    await until(() => cheetah.progress().rounds >= wanted, fate);
    return cheetah.progress();
  };
  const stop = async (): Promise<void> => {
    parts.watching.close();
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
