/** The host a run was made on: figures of different hosts are not to be compared. */
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

/** What identifies a host, and how busy it was. */
export interface HostDescription {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly runtime: string;
  /** Load average of the last minute when the run began. */
  readonly load: number;
}

/** Describes this host. */
export const describeHost = (): HostDescription => ({
  processor: cpus()[0]?.model ?? "unknown",
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  runtime: `Node ${process.version}`,
  load: loadavg()[0] ?? 0,
});

/** One line for people. */
export const printHost = (host: HostDescription): string =>
  `${host.cores} x ${host.processor}, ${host.memoryGiB} GiB, ${host.runtime}, load ${host.load.toFixed(2)}`;
