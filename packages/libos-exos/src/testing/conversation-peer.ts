/** The peer of a conversation: segments as tests write them, to and from bytes. */
import type { Window } from "@exolith/exokernel/abi";
import { makeGather, makeWindow } from "@exolith/exokernel/testing";
import { finishChecksum, pseudoHeaderSum } from "../net/checksum.ts";
import type { SegmentOutput, SendResult } from "../net/segment-output.ts";
import type { Tcp, TcpOptions } from "../net/tcp/endpoint.ts";
import type { Segment } from "../net/tcp/segment.ts";
import { makeSegment, parseSegment } from "../net/tcp/segment.ts";
import { ACK, SYN, TCP_PROTOCOL, setTcpChecksum, writeTcpHeader } from "../net/wire/tcp-wire.ts";

/** Our own address and the peer's. */
export const LOCAL = 0x0a000001;
/** The peer's address. */
export const REMOTE = 0x0a000002;
/** Cycles a second: a cycle is a millisecond. */
export const HERTZ = 1000;

const FLAG_LETTERS = "FSRPAU";

/** A segment of the peer. Numbers count from the initial sequence numbers: the first byte of text is 1. */
export interface Arrival {
  /** Letters out of `FSRPAU`; `A` by default. */
  readonly flags?: string;
  readonly seq?: number;
  readonly ack?: number;
  readonly payload?: string;
  readonly window?: number;
  /** Options as bytes; the next five are shorthands. */
  readonly options?: readonly number[];
  readonly mss?: number;
  readonly scale?: number;
  readonly permitsBlocks?: boolean;
  /** TSval and TSecr, as they are on the wire. */
  readonly times?: readonly [number, number];
  /** SACK blocks, in our numbers, like `ack`. */
  readonly blocks?: readonly (readonly [number, number])[];
  readonly remotePort?: number;
  readonly localPort?: number;
  /** Spoils the checksum. */
  readonly corrupt?: boolean;
}

/** A segment that the endpoint sent, in the same numbers. */
export interface Sent {
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  readonly payload: string;
  readonly window: number;
  readonly mss: number;
  readonly scale: number;
  readonly permitsBlocks: boolean;
  readonly times: readonly [number, number] | undefined;
  /** SACK blocks, in the peer's numbers, like `ack`. */
  readonly blocks: readonly (readonly [number, number])[];
  readonly localPort: number;
  readonly remotePort: number;
}

/** What may be different in a conversation. */
export interface Setting extends Partial<Pick<TcpOptions, "limits" | "pieceSum" | "makeCongestion">> {
  /** Bytes and number of receive buffers. */
  readonly bufferBytes?: number;
  readonly buffers?: number;
  readonly remoteInitial?: number;
  /** When the clock starts, milliseconds. */
  readonly startsAt?: number;
  readonly mtu?: number;
  /** Who is asked for the peer's link address. */
  readonly nextHop?: (destination: number) => number;
}

/** The other end, played by the test. */
export interface Peer {
  readonly output: SegmentOutput;
  now: number;
  link: SendResult;
  localInitial: number;
  deliver(tcp: Tcp, arrival: Arrival): void;
  collect(): Sent[];
}

/** A peer that hears what the endpoint sends and says what it is told. */
export function makePeer(setting: Setting): Peer {
  const remoteInitial = setting.remoteInitial ?? 10_000;
  const header = makeWindow(128);
  const packet = makeWindow(65_536);
  const payload = makeListedPieces();
  const segment = makeSegment();
  let sent: Sent[] = [];
  let lastLocalPort = 80;
  const at = 34;
  /** Our initial sequence numbers, by the peer's port. */
  const initials = new Map<number, number>();
  const noteSyn = (): void => {
    peer.localInitial = segment.sequence;
    initials.set(segment.localPort, segment.sequence);
    lastLocalPort = segment.remotePort;
  };
  const send = (source: number, destination: number, _protocol: number, length: number): SendResult => {
    if (peer.link === "sent") {
      segment.remoteAddress = source;
      segment.localAddress = destination;
      const bytes = flatten(packet, header, at, length, payload);
      const validity = parseSegment(segment, packet, 0, bytes);
      if (validity !== "valid") throw new Error(`sent a ${validity} segment`);
      if ((segment.flags & SYN) !== 0) noteSyn();
      sent.push(describe(segment, initials.get(segment.localPort) ?? 0, remoteInitial));
    }
    payload.clear();
    return peer.link;
  };
  const peer: Peer = {
    now: setting.startsAt ?? 1_000_000,
    link: "sent",
    localInitial: 0,
    output: {
      header,
      transportAt: at,
      transportBytes: 60,
      payload,
      mtu: () => setting.mtu ?? 1500,
      ...(setting.nextHop === undefined ? {} : { nextHop: setting.nextHop }),
      sourceFor: () => LOCAL,
      send,
    },
    deliver: (tcp, arrival) => {
      const length = compose(packet, arrival, {
        sequence: (remoteInitial + (arrival.seq ?? 1)) >>> 0,
        localInitial: initials.get(arrival.remotePort ?? 80) ?? 0,
        localPort: arrival.localPort ?? lastLocalPort,
      });
      tcp.input(REMOTE, LOCAL, packet, 14, length);
    },
    collect: () => {
      const all = sent;
      sent = [];
      return all;
    },
  };
  return peer;
}

/** A gather list that can be read back. */
export interface ListedPieces {
  readonly count: number;
  readonly length: number;
  readonly pieces: readonly { readonly window: Window; readonly at: number; readonly length: number }[];
  clear(): void;
  add(window: Window, at: number, length: number): void;
}

/** Pieces as the tests read them back; bounded as the real ones are. */
export function makeListedPieces(): ListedPieces {
  const gather = makeGather();
  const pieces: { window: Window; at: number; length: number }[] = [];
  return {
    pieces,
    get count() {
      return gather.count;
    },
    get length() {
      return gather.length;
    },
    clear: () => {
      gather.clear();
      pieces.length = 0;
    },
    add: (window, at, length) => {
      gather.add(window, at, length);
      pieces.push({ window, at, length });
    },
  };
}

/** Copies header and pieces to the front of `packet`; returns the bytes. */
export function flatten(
  packet: Window,
  header: Window,
  at: number,
  length: number,
  payload: ListedPieces,
): number {
  packet.copy(0, header, at, length);
  let end = length;
  for (const piece of payload.pieces) {
    packet.copy(end, piece.window, piece.at, piece.length);
    end += piece.length;
  }
  return end;
}

function describe(segment: Segment, localInitial: number, remoteInitial: number): Sent {
  const hasAck = (segment.flags & ACK) !== 0;
  return {
    flags: [...FLAG_LETTERS].filter((_, bit) => (segment.flags & (1 << bit)) !== 0).join(""),
    seq: (segment.sequence - localInitial) | 0,
    ack: hasAck ? (segment.acknowledgment - remoteInitial) | 0 : 0,
    payload: segment.packet?.text(segment.textAt, segment.textLength) ?? "",
    window: segment.window,
    mss: segment.options.maximumSegmentSize,
    scale: segment.options.windowScale,
    permitsBlocks: segment.options.isSelectivePermitted,
    times: segment.options.hasTimestamps
      ? [segment.options.timestamp, segment.options.timestampEcho]
      : undefined,
    blocks: describeBlocks(segment, remoteInitial),
    localPort: segment.remotePort,
    remotePort: segment.localPort,
  };
}

function describeBlocks(segment: Segment, remoteInitial: number): [number, number][] {
  const { blockCount, blockStarts, blockEnds } = segment.options;
  return Array.from({ length: blockCount }, (_, index) => [
    ((blockStarts[index] ?? 0) - remoteInitial) | 0,
    ((blockEnds[index] ?? 0) - remoteInitial) | 0,
  ]);
}

// Writes the segment at 14, as if in an Ethernet frame; returns its bytes.
function compose(
  packet: Window,
  arrival: Arrival,
  numbers: {
    readonly sequence: number;
    readonly localInitial: number;
    readonly localPort: number;
  },
): number {
  const at = 14;
  const options = optionBytes(arrival, numbers.localInitial);
  const text = arrival.payload ?? "";
  writeTcpHeader(packet, at, {
    localPort: arrival.remotePort ?? 80,
    remotePort: numbers.localPort,
    sequence: numbers.sequence,
    acknowledgment: (numbers.localInitial + (arrival.ack ?? 1)) >>> 0,
    flags: flagBits(arrival.flags ?? "A"),
    window: arrival.window ?? 10_000,
    optionBytes: options.length,
  });
  packet.write(at + 20, Uint8Array.from(options), 0, options.length);
  const textAt = at + 20 + options.length;
  writeText(packet, textAt, text);
  const length = 20 + options.length + text.length;
  const sum = packet.checksum(at, length, pseudoHeaderSum(REMOTE, LOCAL, TCP_PROTOCOL, length));
  setTcpChecksum(packet, at, arrival.corrupt === true ? finishChecksum(sum) ^ 1 : finishChecksum(sum));
  return length;
}

const flagBits = (letters: string): number =>
  [...letters].reduce((bits, letter) => bits | (1 << FLAG_LETTERS.indexOf(letter)), 0);

function optionBytes(arrival: Arrival, localInitial: number): readonly number[] {
  const bytes = [...(arrival.options ?? [])];
  if (arrival.mss !== undefined) bytes.push(2, 4, arrival.mss >>> 8, arrival.mss & 0xff);
  if (arrival.scale !== undefined) bytes.push(1, 3, 3, arrival.scale);
  if (arrival.permitsBlocks === true) bytes.push(1, 1, 4, 2);
  if (arrival.times !== undefined) bytes.push(1, 1, 8, 10, ...arrival.times.flatMap(wordBytes));
  const { blocks = [] } = arrival;
  if (blocks.length > 0) bytes.push(1, 1, 5, 2 + blocks.length * 8);
  for (const edge of blocks.flat()) bytes.push(...wordBytes(localInitial + edge));
  while (bytes.length % 4 !== 0) bytes.push(0);
  return bytes;
}

const wordBytes = (word: number): number[] => [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff);

/** Writes Latin-1 `text` at `at`. */
export function writeText(window: Window, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) window.setU8(at + i, text.charCodeAt(i));
}
