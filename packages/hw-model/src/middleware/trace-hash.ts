/** One hash over everything that crosses the devices, to compare runs by. */
import { sha256 } from "@noble/hashes/sha2.js";
import type { DiskRequest } from "../disk.ts";
import type { Cycles } from "../units.ts";
import type { DiskSink } from "./traced-disk.ts";
import type { FrameSink } from "./traced-nic.ts";

/** A running hash of all events; runs with the same digest had the same events in the same order. */
export interface TraceHash {
  /** A sink for frames of the interface called `name`. */
  nic(name: string): FrameSink;
  /** A sink for requests to the disk called `name`. */
  disk(name: string): DiskSink;
  /** Adds any bytes, such as what a console printed. O(length). */
  note(name: string, bytes: Uint8Array): void;
  /** Events so far. O(1). */
  events(): number;
  /** SHA-256 of all events so far, 64 hexadecimal digits. O(1). */
  digest(): string;
}

const KINDS = { in: 1, out: 2, note: 3, read: 4, write: 5, completed: 8, failed: 16 } as const;

const HEX = "0123456789abcdef";

const hexadecimal = (bytes: Uint8Array): string => {
  let text = "";
  for (const byte of bytes) text += `${HEX[byte >> 4]}${HEX[byte & 15]}`;
  return text;
};

/** Bytes of an event's head: its kind, its device, time, two numbers, and the length of what follows. */
const HEAD_BYTES = 32;

/** The hash of no events. */
export function makeTraceHash(): TraceHash {
  const hash = sha256.create();
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  const devices: string[] = [];
  let events = 0;
  const device = (name: string): number => {
    const found = devices.indexOf(name);
    if (found >= 0) return found;
    hash.update(new TextEncoder().encode(`${name}\n`));
    return devices.push(name) - 1;
  };
  const event = (kind: number, of: number, now: number, first: number, count: number): void => {
    events++;
    view.setUint16(0, kind, true);
    view.setUint16(2, of, true);
    view.setFloat64(8, now, true);
    view.setFloat64(16, first, true);
    view.setFloat64(24, count, true);
    hash.update(head);
  };
  const nic = (name: string): FrameSink => {
    const of = device(name);
    return {
      frame: ({ direction, now, bytes, at, length }) => {
        event(KINDS[direction], of, now, 0, length);
        hash.update(bytes.subarray(at, at + length));
      },
    };
  };
  const note = (name: string, bytes: Uint8Array): void => {
    event(KINDS.note, device(name), 0, 0, bytes.length);
    hash.update(bytes);
  };
  return {
    nic,
    note,
    disk: (name) => diskSink(device(name), event),
    events: () => events,
    digest: () => hexadecimal(hash.clone().digest()),
  };
}

type Event = (kind: number, of: number, now: number, first: number, count: number) => void;

const diskSink = (of: number, event: Event): DiskSink => ({
  submitted: (now: Cycles, { kind, first, count }: DiskRequest) => event(KINDS[kind], of, now, first, count),
  completed: (now: Cycles, { kind, first, count }: DiskRequest, ok: boolean) =>
    event(KINDS[kind] | KINDS.completed | (ok ? 0 : KINDS.failed), of, now, first, count),
});
