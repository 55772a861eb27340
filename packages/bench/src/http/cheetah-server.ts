/** Cheetah behind the gateway, as a server of the bench. */
import { openGatewayNetwork, serve } from "@exolith/cheetah/board";
import { serveBench } from "./server-child.ts";

const served = await serve({
  directory: process.argv[2] ?? ".",
  network: (waker) => openGatewayNetwork({ host: "127.0.0.1", port: 0, faults: {}, pcap: undefined, waker }),
  frames: 16_384,
  log: false,
});

serveBench(served.address, () => served.stop());
