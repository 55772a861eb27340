/** A program for tests: serves a directory on a TAP whose frames come to harm in both directions. */
import { FRAME_BYTES } from "@exolith/hw-model";
import { readPrefixedAddress } from "../../src/board/addresses.ts";
import { openLinuxNetwork } from "../../src/board/machines.ts";
import { serve } from "../../src/board/serve.ts";
import { harmedNic } from "./harmed-nic.ts";

const [directory = "", name = "", address = ""] = process.argv.slice(2);
const faults = { loss: 0.01, duplicate: 0.01, reorder: 0.02, corrupt: 0.002 };

const served = await serve({
  directory,
  network: async (waker) => {
    const network = await openLinuxNetwork({
      kind: "tap",
      name,
      hardwareAddress: [2, 0, 0, 0, 0, 1],
      route: readPrefixedAddress(address),
      shownAddress: address.replace(/\/.*$/, ""),
      port: 80,
      pcap: undefined,
      waker,
    });
    return { ...network, nic: harmedNic(network.nic, faults, 7) };
  },
  frames: (64 * 2 ** 20) / FRAME_BYTES,
  log: false,
});
process.on("SIGTERM", () => void served.stop().then(() => process.exit(0)));
console.log(`Cheetah serves ${directory} at ${served.address}/`);
