/** The same site on the host: Cheetah behind the gateway, until Control-C. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGatewayNetwork, serve } from "@exolith/cheetah/board";

const FRAMES = 16_384;
const PORT = 8080;

/** Serves `texts` from a temporary directory at a port of localhost. */
export async function serveOnHost(texts: Readonly<Record<string, string>>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "exolith-"));
  for (const [path, text] of Object.entries(texts)) writeFileSync(join(directory, path), text);
  const served = await serve({
    directory,
    network: (waker) =>
      openGatewayNetwork({ host: "127.0.0.1", port: PORT, faults: {}, pcap: undefined, waker }),
    frames: FRAMES,
    log: true,
  });
  console.log(`Cheetah serves at ${served.address}/ until Control-C`);
  process.once("SIGINT", () => void served.stop());
  await served.done;
  rmSync(directory, { recursive: true });
}
