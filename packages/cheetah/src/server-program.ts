/** The server as a program: the code of Cheetah's environment. */
import {
  RESOURCE_KINDS,
  failed,
  type CapSlot,
  type Cycles,
  type Gate,
  type Program,
} from "@exolith/exokernel/abi";
import { eventProgram, makeFramePool, makeStack, type RouteOptions, type Stack } from "@exolith/libos-exos";
import { makeCheetah, type Cheetah } from "./cheetah.ts";
import type { Techniques } from "./options.ts";
import type { ImportProgress } from "./disk/import-progress.ts";
import type { SiteSource } from "./disk/site-source.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";

/** Slots in which the creator grants what the server needs; slot 0 is its own guard. */
export interface ServerSlots {
  readonly guard: CapSlot;
  readonly nic: CapSlot;
  readonly disk: CapSlot;
  readonly console: CapSlot;
}

/** What a server program is told. */
export interface ServerProgramOptions {
  readonly route: RouteOptions;
  /** TCP port that it listens on. */
  readonly port: number;
  readonly slots: ServerSlots;
  readonly source: SiteSource;
  /** Hears of every import that has ended, well or not. */
  readonly imported?: ((progress: ImportProgress) => void) | undefined;
  /** True writes the access log to the console. */
  readonly log: boolean;
  /** Frames of the file cache; the server's default when absent. */
  readonly cacheFrames?: number | undefined;
  /** Limits other than the defaults. */
  readonly limits?: Partial<Limits> | undefined;
  /** Techniques other than the defaults. */
  readonly techniques?: Partial<Techniques> | undefined;
  /** Called with the server once it is at work. */
  readonly started: (server: StartedServer) => void;
}

/** A server at work, and the stack under it. */
export interface StartedServer {
  readonly cheetah: Cheetah;
  readonly stack: Stack;
}

const RECEIVE_BYTES = 16_384;
const RECEIVE_BUFFERS = 256;

/**
 * The server lost what it cannot do without: a kernel that takes by force takes whatever it finds first.
 *
 * Its message is for the person who runs it.
 */
export class ServerRobbed extends Error {
  override readonly name: string = "ServerRobbed";
}

/** Throws unless all that was taken by force are time slices, of which fewer do. */
function checkLosses({ repossessions }: Gate): void {
  for (let index = 0; index < repossessions.count(); index++)
    if (repossessions.kind(index) !== RESOURCE_KINDS.slice)
      throw new ServerRobbed("the kernel has taken resources by force that the server did not give back");
}

/**
 * A web server on network interface 0, with its site on all of disk 0.
 *
 * It faults with a `ServerRobbed` when the kernel takes more than time slices from it by force.
 */
export const serverProgram = (options: ServerProgramOptions): Program => {
  const serves = makeServing(options);
  return (gate) => ({
    ...serves(gate),
    repossessed: () => {
      checkLosses(gate);
      gate.repossessionsClear();
    },
  });
};

const makeServing = (options: ServerProgramOptions): Program =>
  eventProgram(4, (gate) => {
    const { slots, techniques = {} } = options;
    const pool = makeFramePool(gate, slots.guard);
    const cheetah = makeCheetah(gate, {
      ...techniques,
      slot: slots.guard,
      disk: { disk: 0, first: 0, blocks: gate.disks.blocks(0), device: slots.disk },
      source: options.source,
      imported: options.imported,
      sumsNeeded: techniques.offloads === false || gate.nics.transmitChecksum(0) === 0,
      now: () => stack.tcp.now() as Cycles,
      cacheFrames: options.cacheFrames,
      limits: options.limits,
      log: options.log
        ? (window, at, length) => {
            const taken = gate.consoleWrite(window, at, length, slots.console);
            return failed(taken) ? length : taken;
          }
        : undefined,
    });
    if (failed(cheetah)) throw new Error(`the server cannot be made: ${cheetah.name}`);
    const stack = makeStack(gate, {
      ...options.route,
      nic: 0,
      slots: { device: slots.nic, guard: slots.guard },
      pool,
      ringSlots: 512,
      receiveBytes: RECEIVE_BYTES,
      receiveBuffers: RECEIVE_BUFFERS,
      ...(cheetah.pieceSum === undefined ? {} : { pieceSum: cheetah.pieceSum }),
      tcp: {
        // Without merging a request is acknowledged by itself, as if a kernel did it before the server has seen it.
        ...(techniques.packetMerging === false ? { delayedAcknowledgmentSeconds: 0 } : {}),
        ...(techniques.offloads === false ? { checksumOffload: false, segmentationOffload: false } : {}),
      },
    });
    const backlog = options.limits?.connections ?? DEFAULT_LIMITS.connections;
    stack.tcp.listen(options.port, () => cheetah.handler, { backlog });
    options.started({ cheetah, stack });
    return [stack.network, cheetah];
  });
