/** A server as data: what to serve and where, so that it can be sent to a worker. */
import { makeInspection, type InspectionOptions } from "@exolith/exokernel";
import type { HostWaker } from "@exolith/hw-model/host";
import type { ImportProgress } from "../disk/import-progress.ts";
import type { Limits } from "../limits.ts";
import type { Techniques } from "../options.ts";
import {
  openGatewayNetwork,
  openLinuxNetwork,
  type LinuxChoice,
  type ServerNetwork,
  type WireChoice,
} from "./machines.ts";
import { serve, type Served } from "./serve.ts";

/** The network of a server, as data. */
export type NetworkPlan =
  | ({ readonly kind: "gateway" } & Omit<WireChoice, "waker">)
  | Omit<LinuxChoice, "waker">;

/** What to serve and how; structured cloning keeps all of it. */
export interface ServePlan {
  readonly directory: string;
  readonly network: NetworkPlan;
  /** Frames of the server's machine. */
  readonly frames: number;
  readonly cacheFrames?: number | undefined;
  /** Path of a disk image that lasts; without it the image is temporary. */
  readonly image?: string | undefined;
  /** True writes the access log to the standard output. */
  readonly log: boolean;
  readonly limits?: Partial<Limits> | undefined;
  /** Techniques that are turned off; all are used unless it says so. */
  readonly techniques?: Partial<Techniques> | undefined;
  /** Files of the server's own, besides the image, that are not part of the site wherever they are. */
  readonly excluded?: readonly string[] | undefined;
  /** What to show of the kernels when the server has stopped; nothing unless given. */
  readonly inspect?: InspectionOptions | undefined;
}

/** Who hears of a server. */
export interface ServeHearers {
  /** Hears in a line each what could not be imported. */
  readonly report?: ((line: string) => void) | undefined;
  /** Called while the directory is imported, a few times a second. */
  readonly importing?: ((progress: ImportProgress) => void) | undefined;
  /** Gives up an import under way. */
  readonly stopping?: AbortSignal | undefined;
}

/** A server at work, wherever it runs. */
export interface PlannedServer {
  readonly address: string;
  /** Finishes the responses under way and closes everything; what the plan's `inspect` asks for, in lines. */
  stop(): Promise<readonly string[]>;
  /** Rejects when the server or a machine broke down; resolves after `stop`. */
  readonly done: Promise<void>;
}

/** Opens the network of a plan; rejects when the host refuses. */
export const openNetwork = (plan: NetworkPlan, waker: HostWaker): Promise<ServerNetwork> =>
  plan.kind === "gateway" ? openGatewayNetwork({ ...plan, waker }) : openLinuxNetwork({ ...plan, waker });

/** The counters of an interface of Linux, in lines; none where there is no such interface. */
const eventLines = (network: ServerNetwork | undefined): string[] =>
  network?.events === undefined
    ? []
    : [
        "",
        "Interface of Linux",
        ...Object.entries(network.events).map(([name, count]) => `  ${name} ${count}`),
      ];

/** Serves as planned, in this thread; resolves when the first request would be answered. */
export async function serveHere(plan: ServePlan, hearers: ServeHearers = {}): Promise<PlannedServer> {
  const { network, inspect, ...rest } = plan;
  const inspections = { server: makeInspection(inspect), gateway: makeInspection(inspect) };
  let opened: ServerNetwork | undefined;
  const lines = ({ kernel, gatewayKernel }: Served): string[] => [
    ...(inspect?.tables === true ? eventLines(opened) : []),
    ...inspections.server.lines("the server", kernel.root),
    ...(gatewayKernel === undefined ? [] : inspections.gateway.lines("the gateway", gatewayKernel.root)),
  ];
  const served = await serve({
    ...rest,
    ...hearers,
    network: async (waker) => (opened = await openNetwork(network, waker)),
    traces: { server: inspections.server.trace, gateway: inspections.gateway.trace },
  });
  const stop = async (): Promise<readonly string[]> => {
    await served.stop();
    return lines(served);
  };
  return { address: served.address, stop, done: served.done };
}
