/** wrk as a client, and what it says. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Workload } from "./documents.ts";
import type { Client, Load, Told } from "./client.ts";
import { requirePrograms } from "./requirements.ts";

/** Lua that prints what wrk counted, so that nothing has to be guessed from its report for people. */
const REPORT = `
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    "REPORT {\\"requests\\":%d,\\"microseconds\\":%d,\\"bytes\\":%d,\\"failures\\":%d,\\"latency\\":[%d,%d,%d,%d]}\\n",
    summary.requests, summary.duration, summary.bytes,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9)))
end
`;

/** Lua that asks for one path after the other. */
const takingTurns = (paths: readonly string[]): string => `
local paths = { ${paths.map((path) => JSON.stringify(path)).join(", ")} }
local requests, next = {}, 0
init = function(args)
  for i, path in ipairs(paths) do requests[i] = wrk.format("GET", path) end
end
request = function()
  next = next % #requests + 1
  return requests[next]
end
`;

/** Writes the script of a workload; one document is a constant request, which costs wrk least. */
function scriptOf(scratch: string, { name, paths }: Workload): string {
  const path = join(scratch, `wrk-${name}.lua`);
  writeFileSync(path, paths.length > 1 ? takingTurns(paths) + REPORT : REPORT);
  return path;
}

/** A shell that runs its words, and then prints the processor time of what it has run. */
const TIMED = ["sh", "-c", '"$@"; code=$?; times; exit $code', "sh"] as const;

/** Seconds that a shell says its children took, user and system: the second line of `times` (POSIX). */
function secondsOf(output: string): number | undefined {
  const found = /^(\d+)m([\d.,]+)s (\d+)m([\d.,]+)s\s*$/.exec(output.trimEnd().split("\n").at(-1) ?? "");
  if (found === null) return undefined;
  const [, ...parts] = found.map((part) => Number(part.replace(",", ".")));
  const [userMinutes = 0, user = 0, systemMinutes = 0, system = 0] = parts;
  return (userMinutes + systemMinutes) * 60 + user + system;
}

/** What the script printed, and the shell. Throws when the script did not. */
export function parseWrk(output: string): Told {
  const line = /^REPORT (.*)$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`wrk did not report: ${output.trim().slice(-200)}`);
  const said = JSON.parse(line) as {
    requests: number;
    microseconds: number;
    bytes: number;
    failures: number;
    latency: readonly [number, number, number, number];
  };
  const [p50, p90, p99, p999] = said.latency;
  const worked = secondsOf(output);
  return {
    requests: said.requests,
    seconds: said.microseconds / 1e6,
    bytes: said.bytes,
    failures: said.failures,
    latency: { p50, p90, p99, p999 },
    busy: worked === undefined ? undefined : (worked * 1e6) / said.microseconds,
  };
}

/** The client that everybody knows. */
export const wrk: Client = {
  name: "wrk",
  check: () => requirePrograms(["wrk"]),
  command: ({ link, workload, mode, connections, seconds, scratch }: Load) => [
    ...TIMED,
    "wrk",
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--latency",
    ...(mode === "close" ? ["-H", "Connection: close"] : []),
    "-s",
    scriptOf(scratch, workload),
    `http://${link.serverAddress}${workload.paths[0] ?? "/"}`,
  ],
  parse: parseWrk,
};
