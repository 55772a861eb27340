/** Peers that speak TCP as an attacker likes: real handshakes from many addresses, and then whatever their role says. */
import {
  ACK,
  FIN,
  PSH,
  RST,
  SYN,
  putArp,
  putSegment,
  readSegment,
  type Frame,
  type Heard,
  type Octets,
} from "./frames.ts";
import { makeRandom, type Random } from "./random.ts";
import { RAW_FIRST, type RawHost } from "./raw-host.ts";

/** The server, as its peers see it. */
export interface Aim {
  readonly octets: Octets;
  readonly address: number;
}

/** One connection, seen from the attacker's end. */
export interface Peer {
  readonly address: number;
  readonly port: number;
  isOpen: boolean;
  /** SND.NXT, RCV.NXT, and the end of what the server is known to have sent. */
  sendNext: number;
  receiveNext: number;
  seen: number;
  timestamp: number;
  /** For the role: how often it has had its turn. */
  turns: number;
  /** When it began to open, or did something last; milliseconds. */
  at: number;
}

/** What peers do. */
export interface Role {
  /** Options of the SYN. */
  readonly options?: readonly number[];
  /** The window that they offer. */
  readonly window: number;
  /** Whether arriving text is acknowledged as it comes. */
  readonly acknowledges: boolean;
  /** What is said when the handshake is done: nothing unless given. */
  readonly request?: (peer: Peer) => Uint8Array;
  /** A turn of an open peer; frames sent. */
  readonly turn?: (peer: Peer, peers: RawPeers) => number;
  /** Text or a FIN has come. */
  readonly heard?: (peer: Peer, segment: Heard, peers: RawPeers) => void;
}

/** Addresses that peers share: each has several ports. */
const PEER_ADDRESSES = 200;
const RETRY_MILLISECONDS = 1000;
const TIMESTAMPS = 8;
const NOTHING = new Uint8Array(0);
const TURNS_AT_ONCE = 64;

/** Many peers with one role. */
export class RawPeers {
  readonly host: RawHost;
  readonly random: Random;
  /** Handshakes completed, connections that the server ended or reset, and bytes of text received. */
  readonly counts = { opened: 0, ended: 0, reset: 0, text: 0, overlong: 0 };
  readonly #aim: Aim;
  readonly #role: Role;
  readonly #wanted: number;
  readonly #peers = new Map<number, Peer>();
  readonly #order: number[] = [];
  readonly #withTimestamps: boolean;
  #next = 0;
  /** Of each attack's own, so that none meets connections of the one before. */
  readonly #firstPort: number;
  #nextPort = 0;

  constructor(host: RawHost, aim: Aim, role: Role, wanted: number, seed: number) {
    this.host = host;
    this.#aim = aim;
    this.#role = role;
    this.#wanted = wanted;
    this.random = makeRandom(seed);
    this.#firstPort = this.random.below(60_000);
    this.#withTimestamps = role.options?.includes(TIMESTAMPS) ?? false;
  }

  /** Peers whose handshake is done. */
  get open(): number {
    let open = 0;
    for (const peer of this.#peers.values()) if (peer.isOpen) open += 1;
    return open;
  }

  /** Opens what is missing, or gives the next peers their turn; frames sent. */
  step(now: number): number {
    if (this.#peers.size < this.#wanted) {
      this.#open(now);
      return 1;
    }
    let sent = 0;
    for (let looked = 0; looked < TURNS_AT_ONCE && sent === 0; looked++) {
      this.#next = (this.#next + 1) % this.#order.length;
      const key = this.#order[this.#next] ?? -1;
      const peer = this.#peers.get(key);
      if (peer === undefined) this.#order.splice(this.#next, 1);
      else sent = this.#turn(peer, now);
      if (this.#order.length === 0) return sent;
    }
    return sent;
  }

  /** Takes note of a frame of the server. */
  heard(frame: Frame): void {
    const segment = readSegment(frame);
    const key = segment === undefined ? -1 : keyOf(segment.destination, segment.destinationPort);
    const peer = this.#peers.get(key);
    if (segment === undefined || peer === undefined) return;
    if ((segment.flags & RST) !== 0) {
      this.counts.reset += 1;
      this.#peers.delete(key);
    } else if (!peer.isOpen) this.#opened(peer, segment);
    else this.#took(peer, key, segment);
  }

  /** Sends a segment of `peer`: what it says of itself, unless `other` says otherwise. */
  say(peer: Peer, flags: number, other: Partial<Saying> = {}): void {
    const { text = NOTHING, window = this.#role.window } = other;
    const { sequence = peer.sendNext, acknowledgment = peer.receiveNext } = other;
    putSegment(this.host.out, this.#aim.octets, this.host.octets, {
      source: peer.address,
      destination: this.#aim.address,
      sourcePort: peer.port,
      destinationPort: 80,
      sequence: sequence >>> 0,
      acknowledgment: (flags & ACK) === 0 ? 0 : acknowledgment >>> 0,
      flags,
      window,
      options: other.options ?? this.#timestamps(peer, flags),
      text,
    });
    this.host.send();
  }

  #timestamps(peer: Peer, flags: number): readonly number[] {
    if ((flags & SYN) !== 0) return this.#role.options ?? [];
    if (!this.#withTimestamps) return [];
    return [1, 1, TIMESTAMPS, 10, ...wordOf(0x7000_0000 + peer.turns), ...wordOf(peer.timestamp)];
  }

  #open(now: number): void {
    const address = RAW_FIRST + 1 + (this.#nextPort % PEER_ADDRESSES);
    const port = 1024 + ((this.#firstPort + this.#nextPort) % 64_000);
    if (this.#nextPort < PEER_ADDRESSES) this.#introduce(address);
    this.#nextPort += 1;
    const sendNext = this.random.word();
    const peer = {
      address,
      port,
      isOpen: false,
      sendNext,
      receiveNext: 0,
      seen: 0,
      timestamp: 0,
      turns: 0,
      at: now,
    };
    this.#peers.set(keyOf(address, port), peer);
    this.#order.push(keyOf(address, port));
    this.say(peer, SYN);
  }

  /** Asks for the server's Ethernet address, as any host does before its first packet; so the server learns its own. */
  #introduce(sender: number): void {
    const { host } = this;
    const { octets, address: target } = this.#aim;
    const claim = {
      operation: 1,
      senderOctets: host.octets,
      sender,
      targetOctets: [0, 0, 0, 0, 0, 0],
      target,
    };
    putArp(host.out, octets, host.octets, claim);
    host.send();
  }

  #turn(peer: Peer, now: number): number {
    if (peer.isOpen) return this.#role.turn?.(peer, this) ?? 0;
    if (now - peer.at < RETRY_MILLISECONDS) return 0;
    peer.at = now;
    this.say(peer, SYN);
    return 1;
  }

  #opened(peer: Peer, segment: Heard): void {
    if ((segment.flags & (SYN | ACK)) !== (SYN | ACK)) return;
    peer.isOpen = true;
    peer.sendNext = segment.acknowledgment;
    peer.receiveNext = (segment.sequence + 1) >>> 0;
    peer.seen = peer.receiveNext;
    peer.timestamp = segment.timestamp;
    this.counts.opened += 1;
    const text = this.#role.request?.(peer) ?? NOTHING;
    this.say(peer, text.length > 0 ? ACK | PSH : ACK, { text });
    peer.sendNext = (peer.sendNext + text.length) >>> 0;
  }

  #took(peer: Peer, key: number, segment: Heard): void {
    if (segment.timestamp !== 0) peer.timestamp = segment.timestamp;
    const end = (segment.sequence + segment.textLength) >>> 0;
    const isNew = ((end - peer.seen) | 0) > 0;
    if (isNew) {
      this.counts.text += segment.textLength;
      peer.seen = end;
    }
    if (this.#role.acknowledges && segment.sequence === peer.receiveNext && segment.textLength > 0) {
      peer.receiveNext = end;
      this.say(peer, ACK);
    }
    this.#role.heard?.(peer, segment, this);
    if ((segment.flags & FIN) !== 0) this.#finish(peer, key, end);
  }

  #finish(peer: Peer, key: number, end: number): void {
    this.counts.ended += 1;
    peer.receiveNext = (end + 1) >>> 0;
    this.say(peer, ACK | FIN);
    this.#peers.delete(key);
  }
}

/** What a segment says other than its peer would. */
export interface Saying {
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly window: number;
  readonly options: readonly number[];
  readonly text: Uint8Array;
}

const keyOf = (address: number, port: number): number => (address % 65_536) * 65_536 + port;

/** A word of 32 bits as octets. */
export const wordOf = (value: number): number[] => [
  (value >>> 24) & 255,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];
