/** What a client is to the bench: a program that loads one server, and says what came of it. */
import type { Workload } from "./documents.ts";
import type { Link } from "./namespaces.ts";

/** Connections that stay, or one for every request. */
export const MODES = ["keep-alive", "close"] as const;

/** How connections are used. */
export type Mode = (typeof MODES)[number];

/** Load for one server. */
export interface Load {
  readonly link: Link;
  readonly workload: Workload;
  readonly mode: Mode;
  readonly connections: number;
  readonly seconds: number;
  /** A directory to write in. */
  readonly scratch: string;
}

/** Microseconds from the request to the end of the answer. */
export interface Latency {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
}

/** What a client counted. */
export interface Told {
  readonly requests: number;
  readonly seconds: number;
  /** Bytes that came, heads included. */
  readonly bytes: number;
  /** Answers that were not 200, and connections that failed. */
  readonly failures: number;
  readonly latency: Latency;
  /** Share of the time in which a processor worked for the client, if it says so: at 1 it is the client that is slow. */
  readonly busy: number | undefined;
}

/** A load generator. */
export interface Client {
  readonly name: string;
  /** Throws a `Missing` when it cannot be run. */
  check(): void;
  command(load: Load): readonly string[];
  /** Reads what it printed. Throws when that is not what it prints. */
  parse(output: string): Told;
}
