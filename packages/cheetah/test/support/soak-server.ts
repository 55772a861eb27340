/** A program for tests: serves a directory on an interface of Linux behind a bad link, beside a rival for its frames. */
import { readdirSync } from "node:fs";
import { rowOf, type EnvId } from "@exolith/exokernel/abi";
import { FRAME_BYTES } from "@exolith/hw-model";
import { readPrefixedAddress } from "../../src/board/addresses.ts";
import { openLinuxNetwork } from "../../src/board/machines.ts";
import { serve } from "../../src/board/serve.ts";
import { heldBy, usedIn } from "./held.ts";
import { shapedNic, type Shape, type ShapedNic } from "./shaped-nic.ts";
import { answerWishes, noteComplaints, type Sample, type ServerWish } from "./soak-messages.ts";
import { placeRival } from "./soak-rival.ts";

const [directory = "", name = "", address = ""] = process.argv.slice(2);
const MEBIBYTE = 2 ** 20;
/** Physical memory, and the part of it that is the file cache, of which a burst of the rival's wants half. */
const MACHINE_BYTES = 32 * MEBIBYTE;
const CACHE_BYTES = 16 * MEBIBYTE;
const SHAPE: Shape = {
  lossPercent: 1,
  duplicatePercent: 1,
  delayMilliseconds: 1,
  reorderPercent: 2,
  offloads: true,
};

const complaints = noteComplaints();
let link: ShapedNic | undefined;
const served = await serve({
  directory,
  network: async (waker) => {
    const network = await openLinuxNetwork({
      kind: "packet",
      name,
      hardwareAddress: undefined,
      route: readPrefixedAddress(address),
      shownAddress: address.replace(/\/.*$/, ""),
      port: 80,
      pcap: undefined,
      waker,
    });
    return { ...network, nic: (link = shapedNic(network.nic, SHAPE, 11)) };
  },
  frames: MACHINE_BYTES / FRAME_BYTES,
  cacheFrames: CACHE_BYTES / FRAME_BYTES,
  log: false,
  report: (line) => complaints.push(line),
});
served.done.catch((reason: unknown) => complaints.push(`broke down: ${String(reason)}`));

const { kernel, server } = served;
const { cheetah, stack } = server;
const { root } = kernel;
const [filter = 0] = stack.network.filters;
const environment = root.filters.owner(rowOf(filter)) as EnvId;
const rival = placeRival(kernel, CACHE_BYTES / FRAME_BYTES / 2);
const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});

function sample(): Sample {
  const { counters } = cheetah;
  const { tcp } = stack;
  // Twice: what the first finds, such as buffers outside the heap, is gone with the second.
  collect();
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    heap: heapUsed,
    external,
    resident: rss,
    descriptors: readdirSync("/proc/self/fd").length,
    held: {
      ...heldBy({ kernel, environment }),
      ...usedIn(stack),
      open: counters.open(),
      chunks: counters.chunks(),
      chunksHeld: counters.chunks() - counters.chunksIdle(),
      slotsFree: counters.slotsFree(),
      blocksFree: counters.blocksFree(),
      files: counters.files(),
    },
    done: {
      requests: counters.requests(),
      bodyBytes: counters.bodyBytes(),
      accepted: counters.accepted(),
      refused: counters.refused(),
      stalls: counters.stalls(),
      cacheMisses: counters.cacheMisses(),
      chunksGivenBack: counters.cacheGivenBack(),
      imports: cheetah.progress().rounds,
      framesLost: link?.lost() ?? 0,
      framesDoubled: link?.doubled() ?? 0,
      framesOvertaking: link?.overtaking() ?? 0,
      retransmissions: tcp.counters.retransmissions,
      timeouts: tcp.counters.retransmissionTimeouts,
      bursts: rival()?.bursts ?? 0,
      asked: root.revocations.asked(),
      answered: root.revocations.answered(),
      aborted: root.revocations.aborted(),
    },
    complaints,
  };
}

async function answer(wish: ServerWish): Promise<unknown> {
  if (wish.kind === "sample") return sample();
  if (wish.kind === "refresh") return await served.refresh();
  const placed = rival();
  if (placed !== undefined) placed.pressing = wish.on;
  return undefined;
}

answerWishes(answer);
process.on("SIGTERM", () => void served.stop().then(() => process.exit(complaints.length === 0 ? 0 : 1)));
console.log(`Cheetah serves ${directory} at ${served.address}/`);
