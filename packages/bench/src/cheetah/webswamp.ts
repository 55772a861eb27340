/** webswamp as a client: on a packet ring of its own, beside the host's network. */
import { dirname, extname, join } from "node:path";
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import type { Client, Load, Told } from "./client.ts";
import { Missing } from "./requirements.ts";

const require = createRequire(import.meta.url);

/** Locally administered, and not the interface's: the host's network leaves its frames alone. */
const HARDWARE_ADDRESS = "02:00:00:00:00:02";

/** What it prints with `--json`, as far as it is read here. */
interface Figures {
  readonly requests: number;
  readonly failed: number;
  readonly seconds: number;
  readonly bodyBytes: number;
  readonly headBytes: number;
  readonly latency: Told["latency"];
  readonly userShare: number;
  readonly systemShare: number;
}

/** Reads the figures. Throws when there are none. */
export function parseWebswamp(output: string): Told {
  const line = output.split("\n").find((each) => each.startsWith("{"));
  if (line === undefined) throw new Error(`webswamp did not report: ${output.trim().slice(-200)}`);
  const said = JSON.parse(line) as Figures;
  const { p50, p90, p99, p999 } = said.latency;
  return {
    requests: said.requests,
    seconds: said.seconds,
    bytes: said.bodyBytes + said.headBytes,
    failures: said.failed,
    latency: { p50, p90, p99, p999 },
    busy: said.userShare + said.systemShare,
  };
}

/** The command line of webswamp, as a user starts it. */
function webswampCommand(): readonly string[] {
  const root = dirname(require.resolve("@exolith/cheetah/package.json"));
  return extname(import.meta.url) === ".ts"
    ? [process.execPath, "--conditions=@exolith/source", join(root, "src/board/webswamp-main.ts")]
    : [process.execPath, join(root, "dist/webswamp.js")];
}

/** Throws a `Missing` when the machine cannot open packet sockets: an optional package of its own does that. */
function requirePacketSockets(): void {
  try {
    createRequire(require.resolve("@exolith/hw-model/package.json")).resolve("koffi");
  } catch {
    throw new Missing("not installed: koffi, by which packet sockets are opened");
  }
}

/** The client that is ours. */
export const webswamp: Client = {
  name: "webswamp",
  check: requirePacketSockets,
  command: ({ link, workload, mode, connections, seconds, scratch }: Load) => {
    const list = join(scratch, `webswamp-${workload.name}.txt`);
    writeFileSync(list, workload.paths.join("\n"));
    const network = ["--net", `packet:${link.clientInterface}`, "--mac", HARDWARE_ADDRESS];
    return [
      ...webswampCommand(),
      `http://${link.serverAddress}/`,
      "--list",
      list,
      "--concurrency",
      `${connections}`,
      "--seconds",
      `${seconds}`,
      ...(mode === "close" ? ["--close"] : []),
      ...network,
      "--address",
      `${link.nextRingAddress()}/${link.prefixLength}`,
      "--json",
    ];
  },
  parse: parseWebswamp,
};
