/**
 * 12: Cheetah.
 *
 * A web server on the left machine imports a site onto its disk and serves it
 * from there; a client on the right machine fetches a page, all over ExOS's TCP
 * on a simulated wire. With --host it serves the same way on localhost.
 */
import { deviceCapability } from "@exolith/exokernel";
import { capSlot, must, type Program } from "@exolith/exokernel/abi";
import { makeCheetah, type Cheetah } from "@exolith/cheetah";
import { eventProgram, makeFramePool, makeStack, transmitFilters } from "@exolith/libos-exos";
import { RIGHTS } from "@exolith/secure-bind";
import { fetcher } from "./support/fetcher.ts";
import { serveOnHost } from "./support/host-site.ts";
import { makePair } from "./support/machines.ts";
import { memorySite } from "./support/memory-site.ts";
import { readOptions } from "./support/options.ts";

const SERVER = 0x0a00_0001;
const CLIENT = 0x0a00_0002;
const guard = capSlot(0);
const device = capSlot(1);
const disk = capSlot(2);
const PAGE = "<!doctype html><title>Exolith</title><p>Served from raw blocks, by name of frame.\n";

const options = readOptions();
const site = memorySite({ "index.html": PAGE, "robots.txt": "User-agent: *\n" });

let cheetah: Cheetah | undefined;
const server: Program = eventProgram(4, (gate) => {
  const pool = makeFramePool(gate, guard);
  const blocks = gate.disks.blocks(0);
  const made = must(
    makeCheetah(gate, {
      slot: guard,
      disk: { disk: 0, first: 0, blocks, device: disk },
      source: site,
      cacheFrames: 512,
    }),
  );
  const stack = makeStack(gate, {
    nic: 0,
    address: SERVER,
    prefixLength: 24,
    slots: { device, guard },
    pool,
    ...(made.pieceSum === undefined ? {} : { pieceSum: made.pieceSum }),
  });
  stack.tcp.listen(80, () => made.handler);
  cheetah = made;
  return [stack.network, made];
});

function simulate(): void {
  const { left, right, run, finish } = makePair(options, [{ blocks: 4096 }]);
  const onDisk = [deviceCapability("nic", 0, RIGHTS.allocate), deviceCapability("disk", 0, RIGHTS.allocate)];
  const serving = left.add({ name: [1, 1], grants: onDisk, program: server });
  left.allow(serving, transmitFilters([2, 0, 0, 0, 0, 1], SERVER));
  run({ until: () => cheetah?.ready() === true });
  console.log(
    `the site is on the disk: ${cheetah?.progress().filesDone} files, ${cheetah?.progress().bytesDone} bytes`,
  );

  let answer: string | undefined;
  const request = `GET / HTTP/1.1\r\nHost: exolith\r\nConnection: close\r\n\r\n`;
  const done = (text: string): void => {
    answer = text;
  };
  const program = fetcher({ address: CLIENT, server: SERVER, port: 80, request, done });
  const fetching = right.add({
    name: [1, 1],
    grants: [deviceCapability("nic", 0, RIGHTS.allocate)],
    program,
  });
  right.allow(fetching, transmitFilters([2, 0, 0, 0, 0, 2], CLIENT));
  run({ until: () => answer !== undefined });
  console.log(`the client asked for / and got:\n\n${(answer ?? "nothing").replaceAll("\r\n", "\n")}`);
  finish();
}

if (options.host) await serveOnHost({ "index.html": PAGE });
else simulate();
