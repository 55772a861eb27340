/**
 * Processor time and packets, as Linux counts them.
 *
 * The time that a thread ran is exact (nanoseconds in `schedstat`); how it divides into user and system is sampled
 * by the tick of the clock on most kernels (`utime` and `stime` of `stat`), so it is the proportion of these two
 * that is taken. Time that interrupts take from a thread is in the thread's, unless the kernel was configured to
 * tell it apart (CONFIG_IRQ_TIME_ACCOUNTING).
 */
import { readFileSync, readdirSync } from "node:fs";

/** Running totals of some processes. */
export interface ProcessTime {
  /** Nanoseconds that their threads have run. */
  readonly nanoseconds: number;
  /** Samples that found them in user code, and in the system. */
  readonly userTicks: number;
  readonly systemTicks: number;
}

/** Running totals of one core, everybody's together. */
export interface CoreTime {
  /** Milliseconds by the clock, and those in which the core had nothing to do. */
  readonly milliseconds: number;
  readonly idleMilliseconds: number;
  /** Nanoseconds of the kernel's own thread for interrupts that were put off. */
  readonly deferredNanoseconds: number;
}

/** Frames through an interface, both ways. One that the interface is to cut later counts once. */
export interface PacketCount {
  readonly received: number;
  readonly sent: number;
}

/** Milliseconds of a tick in `/proc/stat`: USER_HZ is 100 on every architecture that Node.js runs on. */
const TICK_MILLISECONDS = 10;

/** Reads a file of a process that may be gone: nothing then. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}

const nanosecondsOf = (schedstat: string): number => Number(schedstat.split(" ")[0] ?? 0) || 0;

/** The fields of `stat` after the name, which may hold spaces: 11 and 12 are `utime` and `stime`. */
export const statFields = (stat: string): readonly string[] =>
  stat.slice(stat.lastIndexOf(")") + 2).split(" ");

/** What `pids` have used. Threads that ended are not counted in nanoseconds. */
export function readProcessTime(pids: readonly number[]): ProcessTime {
  let [nanoseconds, userTicks, systemTicks] = [0, 0, 0];
  for (const pid of pids) {
    const fields = statFields(textOf(`/proc/${pid}/stat`));
    userTicks += Number(fields[11] ?? 0);
    systemTicks += Number(fields[12] ?? 0);
    for (const thread of threadsOf(pid))
      nanoseconds += nanosecondsOf(textOf(`/proc/${pid}/task/${thread}/schedstat`));
  }
  return { nanoseconds, userTicks, systemTicks };
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** `pid` and everything that it started and that is still there. */
export function familyOf(pid: number): readonly number[] {
  const children = textOf(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(familyOf)];
}

/** Finds the kernel's thread for deferred interrupts of `core`; `undefined` where it is hidden. */
export const deferredThread = (core: number): number | undefined =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => textOf(`/proc/${pid}/comm`).trim() === `ksoftirqd/${core}`);

/** What `core` has done; `deferred` is its thread, if it can be seen. */
export function readCoreTime(core: number, deferred: number | undefined): CoreTime {
  const line = new RegExp(`^cpu${core} (.*)$`, "m").exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "";
  const [, , , idle = 0, waiting = 0] = line.split(" ").map(Number);
  return {
    milliseconds: performance.now(),
    idleMilliseconds: (idle + waiting) * TICK_MILLISECONDS,
    deferredNanoseconds: deferred === undefined ? 0 : nanosecondsOf(textOf(`/proc/${deferred}/schedstat`)),
  };
}

/** What has passed the interface `name` in the network namespace of `pid`. */
export function readPackets(pid: number, name: string): PacketCount {
  const line = textOf(`/proc/${pid}/net/dev`)
    .split("\n")
    .find((each) => each.trim().startsWith(`${name}:`));
  const fields = line?.split(":")[1]?.trim().split(/\s+/).map(Number) ?? [];
  return { received: fields[1] ?? 0, sent: fields[9] ?? 0 };
}
