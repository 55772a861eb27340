/** A client that asks once for every document and compares: `probe BASE EXPECTED-JSON SECONDS`. */
import { createHash } from "node:crypto";
import type { Expected } from "./documents.ts";

/** Milliseconds between two tries of a server that does not answer yet. */
const PAUSE = 50;

const [base = "", expected = "[]", seconds = "10"] = process.argv.slice(2);
const end = performance.now() + Number(seconds) * 1000;

/** What is wrong with an answer; `undefined` when nothing is. */
async function wrong({ path, bytes, sha256 }: Expected): Promise<string | undefined> {
  const response = await fetch(`${base}${path}`, {
    signal: AbortSignal.timeout(Math.max(1, Math.ceil(end - performance.now()))),
  });
  const body = new Uint8Array(await response.arrayBuffer());
  // A server that says so is not ready yet.
  if (response.status === 503) throw new Error(`${path}: status 503`);
  if (response.status !== 200) return `${path}: status ${response.status}`;
  if (body.length !== bytes) return `${path}: ${body.length} bytes instead of ${bytes}`;
  const found = createHash("sha256").update(body).digest("hex");
  return found === sha256 ? undefined : `${path}: other bytes than the document's`;
}

async function check(): Promise<string | undefined> {
  for (const one of JSON.parse(expected) as readonly Expected[]) {
    const reason = await wrong(one);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

async function answered(): Promise<boolean> {
  try {
    const reason = await check();
    if (reason !== undefined) throw new RangeError(reason);
    return true;
  } catch (error) {
    if (error instanceof RangeError || performance.now() > end) throw error;
    return false;
  }
}

try {
  while (!(await answered())) await new Promise((resolve) => setTimeout(resolve, PAUSE));
  process.exit(0);
} catch (error) {
  const { message, cause } = error as Error;
  console.error(cause instanceof Error ? `${message}: ${cause.message}` : message);
  process.exit(1);
}
