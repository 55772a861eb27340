/** What is asked for: documents of one size each, and a mix of them. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** One document of the site. */
export interface SiteDocument {
  /** `1K` and its like: what people call it, and its name on the site. */
  readonly name: string;
  readonly bytes: number;
}

/** The documents of the site, the smallest first. */
export const SITE: readonly SiteDocument[] = [
  { name: "0", bytes: 0 },
  { name: "100", bytes: 100 },
  { name: "1K", bytes: 1024 },
  { name: "10K", bytes: 10_240 },
  { name: "100K", bytes: 102_400 },
  { name: "1M", bytes: 1_048_576 },
];

/**
 * How often each document is in a hundred requests of the mix.
 *
 * The classes of SPECweb96: 35 below 1 KB, 50 of 1 to 10 KB, 14 of 10 to 100 KB, 1 of up to 1 MB.
 */
const MIX: Readonly<Record<string, number>> = { "100": 18, "1K": 42, "10K": 25, "100K": 14, "1M": 1 };

/** What the bench may be asked to request. */
export const WORKLOAD_NAMES: readonly string[] = [...SITE.map(({ name }) => name), "mix"];

/** Requests that follow each other, over and over. */
export interface Workload {
  readonly name: string;
  readonly paths: readonly string[];
  /** Bytes of a body, on average. */
  readonly meanBytes: number;
}

const pathOf = ({ name }: SiteDocument): string => `/${name}.bin`;

/** The workload of that name; throws for a name that is none of `WORKLOAD_NAMES`. */
export function workloadOf(name: string): Workload {
  if (name === "mix") return mixed();
  const found = SITE.find((document) => document.name === name);
  if (found === undefined) throw new RangeError(`no document of ${name}`);
  return { name, paths: [pathOf(found)], meanBytes: found.bytes };
}

/** Each document spread evenly over the hundred, so that large ones do not come together. */
function mixed(): Workload {
  const placed = SITE.flatMap((document) => {
    const count = MIX[document.name] ?? 0;
    return Array.from({ length: count }, (_, i) => ({ document, at: (i + 0.5) / count }));
  }).toSorted((a, b) => a.at - b.at);
  return {
    name: "mix",
    paths: placed.map(({ document }) => pathOf(document)),
    meanBytes: placed.reduce((sum, { document }) => sum + document.bytes, 0) / placed.length,
  };
}

/** A document as a client has to find it. */
export interface Expected {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Bytes that follow from their place: one that is moved or missing is noticed. */
function contents({ bytes }: SiteDocument): Uint8Array {
  const text = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) text[i] = 97 + ((i + (i >> 8) * 7 + (i >> 16) * 5) % 26);
  return text;
}

/** Writes the site; what a client has to find there. */
export function writeSite(directory: string): readonly Expected[] {
  return SITE.map((document) => {
    const text = contents(document);
    const path = pathOf(document);
    writeFileSync(join(directory, path), text);
    return { path, bytes: text.length, sha256: createHash("sha256").update(text).digest("hex") };
  });
}
