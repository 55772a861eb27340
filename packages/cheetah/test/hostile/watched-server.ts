/** A program for tests: serves a directory on an interface of Linux, and says at each SIGUSR2 what it holds and has counted. */
import { FRAME_BYTES } from "@exolith/hw-model";
import { readAddress, readPrefixedAddress } from "../../src/board/addresses.ts";
import { openLinuxNetwork, type ServerNetwork } from "../../src/board/machines.ts";
import { serve } from "../../src/board/serve.ts";
import type { Limits } from "../../src/limits.ts";
import { holdingsOf, type Holdings } from "../support/live.ts";

/** What the program is told, as JSON. */
export interface ServerWish {
  readonly directory: string;
  readonly link: string;
  readonly address: string;
  readonly router: string;
  readonly cacheMebibytes: number;
  readonly limits?: Partial<Limits>;
}

/** Running totals by name, of one layer. */
export type Totals = Readonly<Record<string, number>>;

/** What the server holds and has counted. */
export interface Look {
  readonly held: Holdings & {
    readonly halfOpen: number;
    readonly timeWaits: number;
    readonly timers: number;
    readonly receiveBuffersFree: number;
    readonly slots: number;
    readonly chunks: number;
  };
  readonly memory: { readonly rss: number; readonly heap: number; readonly buffers: number };
  /** Processor time so far, microseconds. */
  readonly processor: number;
  readonly link: Totals;
  readonly arp: Totals;
  readonly ipv4: Totals;
  readonly icmp: Totals;
  readonly udp: Totals;
  readonly tcp: Totals;
  readonly http: Totals;
  readonly nic: Totals;
  readonly linux: Totals;
  readonly ring: Totals;
}

const wish = JSON.parse(process.argv[2] ?? "{}") as ServerWish;
let network: ServerNetwork | undefined;

const served = await serve({
  directory: wish.directory,
  network: async (waker) =>
    (network = await openLinuxNetwork({
      kind: "packet",
      name: wish.link,
      hardwareAddress: undefined,
      route: { ...readPrefixedAddress(wish.address), router: readAddress(wish.router) },
      shownAddress: wish.address.replace(/\/.*$/, ""),
      port: 80,
      pcap: undefined,
      waker,
    })),
  frames: (64 * 2 ** 20) / FRAME_BYTES,
  cacheFrames: (wish.cacheMebibytes * 2 ** 20) / FRAME_BYTES,
  limits: wish.limits,
  log: false,
});

const collect = (globalThis as { readonly gc?: () => void }).gc;

function httpTotals(): Totals {
  const { counters } = served.server.cheetah;
  const names = [
    "accepted",
    "refused",
    "requests",
    "timeouts",
    "stalls",
    "bodyBytes",
    "cacheHits",
    "cacheMisses",
  ] as const;
  return {
    ...Object.fromEntries(names.map((name) => [name, counters[name]()])),
    displaced: counters.displaced(),
  };
}

function ringTotals(): Totals {
  const { rings, filters } = served.kernel.root;
  let matched = 0;
  let [delivered, dropped] = [0, 0];
  for (let row = 0; row < filters.count; row++) if (filters.owner(row) !== 0) matched += filters.matched(row);
  for (let row = 0; row < rings.count; row++) {
    if (rings.owner(row) === 0) continue;
    delivered += rings.delivered(row);
    dropped += rings.dropped(row);
  }
  return { matched, unclaimed: filters.unclaimed(0), delivered, dropped };
}

/** Everything that there is to know, after a collection of garbage. */
function look(): Look {
  collect?.();
  const { stack, cheetah } = served.server;
  const { use } = stack.tcp;
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    held: {
      ...holdingsOf(served),
      halfOpen: use.halfOpen(),
      timeWaits: use.timeWaits(),
      timers: use.timers(),
      receiveBuffersFree: stack.memory.free(),
      slots: cheetah.counters.slots(),
      chunks: cheetah.counters.chunks(),
    },
    memory: { rss, heap: heapUsed, buffers: arrayBuffers },
    processor: user + system,
    ...stack.network.counters,
    tcp: stack.tcp.counters as unknown as Totals,
    http: httpTotals(),
    nic: network?.nic.counters as unknown as Totals,
    linux: network?.events as unknown as Totals,
    ring: ringTotals(),
  } as unknown as Look;
}

process.on("SIGUSR2", () => console.log(`look ${JSON.stringify(look())}`));
process.on("SIGTERM", () => void served.stop().then(() => process.exit(0)));
served.done.catch((error: unknown) => {
  console.error(String(error instanceof Error ? error.stack : error));
  process.exit(1);
});
console.log(`Cheetah serves ${wish.directory} at ${served.address}/`);
