/** A link that keeps what it sends, and a clock that is set by hand: for tests of one layer. */
import type { ClockReaders, Gather, Window } from "@exolith/exokernel/abi";
import { cycles } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import type { HardwareAddress } from "../net/address.ts";
import { hardwareHigh, hardwareLow } from "../net/address.ts";
import type { Link, LinkResult } from "../net/link.ts";
import {
  ETHERNET_BYTES,
  ETHER_TYPE,
  setDestination,
  setEtherType,
  setSource,
} from "../net/wire/ethernet-wire.ts";

/** A link whose frames stay here. */
export interface RecordedLink extends Link {
  /** Every frame accepted, oldest first. */
  readonly sent: Window[];
  /** What `send` returns from now on. */
  result: LinkResult;
}

/** A clock of 1,000 cycles a second that stands until it is moved. */
export interface HandClock extends ClockReaders {
  /** Moves time on by `seconds`. */
  advance(seconds: number): void;
}

/** A clock that shows 0. */
export function makeHandClock(): HandClock {
  let now = 0;
  return {
    hertz: 1000,
    now: () => cycles(now),
    wallclock: () => now,
    advance: (seconds) => {
      now += seconds * 1000;
    },
  };
}

/** A link of interface `own` that carries packets of 1,500 bytes nowhere. */
export function makeRecordedLink(own: HardwareAddress): RecordedLink {
  const sent: Window[] = [];
  const high = hardwareHigh(own);
  const low = hardwareLow(own);
  const counters = { sent: 0, sentBytes: 0, full: 0, forged: 0, unbound: 0, malformed: 0 };
  const link: RecordedLink = {
    nic: 0,
    high,
    low,
    packetBytes: 1500,
    transmitChecksum: false,
    segmentationBytes: 0,
    counters,
    sent,
    result: "sent",
    prepare: (kind, header, at) => {
      setSource(header, at, high, low);
      setEtherType(header, at, kind === 0 ? ETHER_TYPE.arp : ETHER_TYPE.ipv4);
    },
    address: setDestination,
    send: (_kind, header, at, length, pieces) => {
      const frame = makeGathered();
      frame.add(header, at, length);
      pieces?.appendTo(frame);
      if (link.result === "sent") sent.push(frame.bytes());
      return link.result;
    },
  };
  return link;
}

/** A gather list that copies what it is given. */
function makeGathered(): Gather & { bytes(): Window } {
  const memory = makeWindow(4096);
  let count = 0;
  let length = 0;
  return {
    get count() {
      return count;
    },
    get length() {
      return length;
    },
    clear: () => {
      length = 0;
    },
    add: (window, at, bytes) => {
      memory.copy(length, window, at, bytes);
      count += 1;
      length += bytes;
    },
    offload: () => {},
    bytes: () => cut(memory, 0, length),
  };
}

/** A window of its own with `length` bytes of `window` from `at`. */
export function cut(window: Window, at: number, length: number): Window {
  const copy = makeWindow(length);
  copy.copy(0, window, at, length);
  return copy;
}

/** A window with these bytes. */
export function windowOf(bytes: Iterable<number>): Window {
  const source = Uint8Array.from(bytes);
  const window = makeWindow(source.length);
  window.write(0, source, 0, source.length);
  return window;
}

/** A window with the bytes that `hexadecimal` spells; blanks are skipped. */
export const windowOfHex = (hexadecimal: string): Window =>
  windowOf((hexadecimal.replace(/\s/gu, "").match(/../gu) ?? []).map((pair) => Number.parseInt(pair, 16)));

/** The packet inside a frame. */
export const packetOf = (frame: Window): Window => cut(frame, ETHERNET_BYTES, frame.length - ETHERNET_BYTES);
