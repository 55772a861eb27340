/** A program for tests: Node's own fetch for many targets at once, some of which it gives up. */
import { createHash } from "node:crypto";
import type { FetchingReport } from "./fetching-report.ts";

const [origin = "", wanted = "[]", unwanted = "", given = "0"] = process.argv.slice(2);
const targets = JSON.parse(wanted) as string[];
const MOMENTS = 3;
const bodies: Record<string, number> = {};
const aborted: number[] = [];
const failures: string[] = [];

async function fetchWhole(target: string): Promise<void> {
  const response = await fetch(origin + target);
  const body = Buffer.from(await response.arrayBuffer());
  const answer = `${response.status} ${target} ${createHash("sha256").update(body).digest("hex")}`;
  bodies[answer] = (bodies[answer] ?? 0) + 1;
}

/** Gives up at once, after the head of an answer, or after the first bytes of its body. */
async function fetchAndAbort(moment: number): Promise<void> {
  const controller = new AbortController();
  const asked = fetch(origin + unwanted, { signal: controller.signal });
  if (moment === 0) controller.abort();
  try {
    const reader = (await asked).body?.getReader();
    if (moment === 2) await reader?.read();
    controller.abort();
    while ((await reader?.read())?.done === false);
    failures.push(`${unwanted} came whole`);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "AbortError") throw error;
    aborted[moment] = (aborted[moment] ?? 0) + 1;
  }
}

const all: Promise<void>[] = [];
for (let i = 0; i < Number(given); i++) all.push(fetchAndAbort(i % MOMENTS));
for (const target of targets) all.push(fetchWhole(target));
for (const result of await Promise.allSettled(all))
  if (result.status === "rejected") failures.push(String(result.reason));
const report: FetchingReport = { bodies, aborted, failures };
console.log(JSON.stringify(report));
process.exit(0);
