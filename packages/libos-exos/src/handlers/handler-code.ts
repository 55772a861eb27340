/** Handlers that come with ExOS: their modules, what they may use, and where they keep things. */
import { type Pipe, internetChecksum } from "@exolith/secure-bind";
import { bytesOfBase64 } from "./base64.ts";
import { MODULES, type HandlerName } from "./modules.ts";

export type { HandlerName } from "./modules.ts";

/** A handler to be installed: of this package, or of anybody. */
export interface HandlerCode {
  /** A WebAssembly module that exports `handle`; see `assembly/handler.ts`. */
  readonly module: Uint8Array;
  /** Instructions of one run at most. */
  readonly fuel: number;
  /** Pages of 64 KiB that its memory has: what the module declares. */
  readonly pages: number;
  /** Pipes that it runs, by index. */
  readonly pipes?: readonly Pipe[];
}

/** Enough for a look at the headers, a sum over the longest datagram, and an answer. */
const FUEL = 16_384;

const code = (name: HandlerName, pipes?: readonly Pipe[]): HandlerCode =>
  Object.freeze({
    module: bytesOfBase64(MODULES[name]),
    fuel: FUEL,
    pages: 1,
    ...(pipes === undefined ? {} : { pipes }),
  });

/**
 * The handlers of this package, written in AssemblyScript: `assembly/` has their sources.
 *
 * All answer to where a frame came from on the link, without ARP or a router.
 * Whatever is not plain (options, fragments, a wrong length or sum) they defer,
 * and so they do datagrams from a port below 1024 or from the one that they are
 * for, and answers: no two of them can be made to talk to each other.
 *
 * - `arp`: answers requests for the address that its filter names; `ARP_HANDLER`.
 * - `echo`: answers ICMP echo requests.
 * - `udpEcho`: sends datagrams back, at ports below 1024.
 * - `remoteIncrement`: adds to a word; `REMOTE_INCREMENT`.
 * - `remoteLock`: grants locks, and wakes the owner; `REMOTE_LOCK`.
 * - `activeMessage`: runs the function that a message names; `ACTIVE_MESSAGE`.
 * - `deliverTo`: puts bytes where the message says, and wakes the owner; `DELIVER_TO`.
 */
export const HANDLER_CODE: Readonly<Record<HandlerName, HandlerCode>> = Object.freeze({
  arp: code("arp"),
  echo: code("echo"),
  udpEcho: code("udpEcho"),
  remoteIncrement: code("remoteIncrement"),
  remoteLock: code("remoteLock"),
  activeMessage: code("activeMessage"),
  deliverTo: code("deliverTo", [[internetChecksum()]]),
});

/** Bit 31 of the first word of `remoteIncrement`, `remoteLock` and `activeMessage`: answers have it, requests do not. */
export const ANSWER_BIT = 0x8000_0000;

/** Segment of `arp`: six octets of our link address, which the owner writes. */
export const ARP_HANDLER = { ownAt: 0 } as const;

/**
 * `remoteIncrement`. Its segment has the word, big-endian.
 *
 * A datagram is a tag of 31 bits and an amount; the answer has the tag with
 * `ANSWER_BIT`, and the new value in the amount's place.
 */
export const REMOTE_INCREMENT = { wordAt: 0, requestBytes: 8 } as const;

/**
 * `remoteLock`. Its segment has `count` locks: address and port of the holder, times granted, times denied.
 *
 * A datagram is a tag, an operation and the lock's number of 16 bits each, and a
 * word; the answer has `ANSWER_BIT`, what came of it, and in the word how often the
 * lock was granted.
 */
export const REMOTE_LOCK = {
  locksAt: 1024,
  lockBytes: 16,
  count: 64,
  requestBytes: 12,
  operations: { acquire: 1, release: 2 },
  results: { granted: 1, denied: 2, released: 3 },
} as const;

/**
 * `activeMessage`. Its segment has `count` words, big-endian.
 *
 * A datagram is a tag, a function, the index of a word, and two operands; the
 * answer has `ANSWER_BIT`, and the word's former value in place of the first.
 */
export const ACTIVE_MESSAGE = {
  wordsAt: 4096,
  count: 1024,
  requestBytes: 20,
  functions: { exchange: 0, add: 1, exchangeIf: 2, raise: 3 },
} as const;

/**
 * `deliverTo`. Its segment has `count` buffers, and for each of them the bytes and datagrams that arrived.
 *
 * A datagram is a tag, the number of a buffer, an offset in it, and the bytes.
 */
export const DELIVER_TO = {
  arrivedAt: 0,
  arrivedBytes: 8,
  buffersAt: 8192,
  bufferBytes: 8192,
  count: 7,
  headerBytes: 12,
} as const;
