/**
 * A program for tests: `blocked-host.ts <worker|here> <directory>`.
 *
 * Serves a directory through the gateway, and lets its own event loop stand still for six seconds from the
 * moment that it says so.
 */
import { FRAME_BYTES } from "@exolith/hw-model";
import { serveInWorker } from "../../src/board/serve-in-worker.ts";
import { serveHere, type ServePlan } from "../../src/board/serve-plan.ts";

const BLOCKED_MILLISECONDS = 6000;

const [where = "", directory = ""] = process.argv.slice(2);
const plan: ServePlan = {
  directory,
  network: { kind: "gateway", host: "127.0.0.1", port: 0, faults: {}, pcap: undefined },
  frames: (64 * 2 ** 20) / FRAME_BYTES,
  log: false,
};
const served = await (where === "worker" ? serveInWorker : serveHere)(plan);
console.log(`Cheetah serves ${directory} at ${served.address}/`);
process.on("SIGTERM", () => void served.stop().then(() => process.exit(0)));
setTimeout(() => {
  console.log("blocked");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MILLISECONDS);
  console.log("free");
}, 200);
