/** A disk that shows every request that crosses it. */
import type { Disk, DiskRequest } from "../disk.ts";
import type { Cycles } from "../units.ts";

/** Where traced requests go. */
export interface DiskSink {
  /** A request was accepted. O(1). */
  submitted(now: Cycles, request: DiskRequest): void;
  /** A request was handed back. O(1). */
  completed(now: Cycles, request: DiskRequest, ok: boolean): void;
}

/** `disk` with every accepted and every finished request shown to `sink`. */
export function tracedDisk(disk: Disk, sink: DiskSink): Disk {
  return {
    hardware: disk.hardware,
    submit: (now, memory, request) => {
      const taken = disk.submit(now, memory, request);
      if (taken) sink.submitted(now, request);
      return taken;
    },
    reap: (now, limit, done) =>
      disk.reap(now, limit, (request, ok) => {
        sink.completed(now, request, ok);
        done(request, ok);
      }),
    settle: (now) => disk.settle(now),
    armPosition: () => disk.armPosition(),
    wakeAt: (now) => disk.wakeAt(now),
  };
}

/** One line of a request log. */
export interface DiskLogEntry {
  readonly kind: DiskRequest["kind"];
  readonly first: number;
  readonly count: number;
  readonly submitted: Cycles;
  /** When it was handed back; undefined while it is under way. */
  completed: Cycles | undefined;
  ok: boolean;
}

/** A request log: a sink that keeps what it is shown. */
export interface DiskLog extends DiskSink {
  /** One entry for each accepted request, oldest first. */
  readonly entries: readonly Readonly<DiskLogEntry>[];
}

/** An empty request log; it grows without bound. */
export function makeDiskLog(): DiskLog {
  const entries: DiskLogEntry[] = [];
  const underWay = new Map<DiskRequest, DiskLogEntry[]>();
  const submitted = (now: Cycles, request: DiskRequest): void => {
    const { kind, first, count } = request;
    const entry: DiskLogEntry = { kind, first, count, submitted: now, completed: undefined, ok: false };
    entries.push(entry);
    underWay.set(request, [...(underWay.get(request) ?? []), entry]);
  };
  const completed = (now: Cycles, request: DiskRequest, ok: boolean): void => {
    const [entry, ...rest] = underWay.get(request) ?? [];
    if (rest.length > 0) underWay.set(request, rest);
    else underWay.delete(request);
    if (entry === undefined) return;
    entry.completed = now;
    entry.ok = ok;
  };
  return { entries, submitted, completed };
}
