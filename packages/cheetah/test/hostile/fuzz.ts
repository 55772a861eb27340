/** Frames that no honest host sends, of every layer; the same seed, the same frames for the same conversation. */
import {
  ACK,
  FIN,
  ICMP,
  IP_AT,
  PSH,
  RST,
  SYN,
  TCP,
  TRANSPORT_AT,
  TYPE_ARP,
  TYPE_IPV4,
  UDP,
  URG,
  addressOf,
  putArp,
  putEthernet,
  putIp,
  putSegment,
  sumIp,
  sumPlace,
  sumTransport,
  type Frame,
  type Heard,
  type Octets,
  type Segment,
} from "./frames.ts";
import { malformedRequest } from "./malformed.ts";
import { makeRandom, type Random } from "./random.ts";
import { RAW_COUNT, RAW_FIRST } from "./raw-host.ts";

/** Whom it is aimed at, and from where. */
export interface FuzzTarget {
  readonly octets: Octets;
  readonly address: number;
  readonly ownOctets: Octets;
  /** Longest frame that the interface sends. */
  readonly frameBytes: number;
}

/** What can be made. */
export const LAYERS = ["ethernet", "arp", "ipv4", "fragments", "icmp", "udp", "tcp", "conversation"] as const;
/** One of them. */
export type Layer = (typeof LAYERS)[number];

/** Conversations that are remembered, to be gone on with. */
const REMEMBERED = 64;
const EVERYBODY: Octets = [255, 255, 255, 255, 255, 255];
const BROADCAST = 0xffff_ffff;
/** Sources that no datagram may come from, or that are ours. */
const STRANGE = ["0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.1", "240.0.0.1", "10.9.255.255"].map(
  addressOf,
);

/** Makes frames; every one is written over the last. */
export class Fuzzer {
  readonly random: Random;
  /** Frames made, by layer. */
  readonly made: Record<Layer, number> = {
    ethernet: 0,
    arp: 0,
    ipv4: 0,
    fragments: 0,
    icmp: 0,
    udp: 0,
    tcp: 0,
    conversation: 0,
  };
  readonly #target: FuzzTarget;
  readonly #heard: Heard[] = [];
  readonly #makers: Readonly<Record<Layer, (frame: Frame) => void>>;

  constructor(seed: number, target: FuzzTarget) {
    this.random = makeRandom(seed);
    this.#target = target;
    this.#makers = {
      ethernet: (frame) => this.#ethernet(frame),
      arp: (frame) => this.#arp(frame),
      ipv4: (frame) => this.#ipv4(frame),
      fragments: (frame) => this.#fragment(frame),
      icmp: (frame) => this.#icmp(frame),
      udp: (frame) => this.#udp(frame),
      tcp: (frame) => this.#tcp(frame),
      conversation: (frame) => this.#converse(frame),
    };
  }

  /** Writes the next frame. */
  next(frame: Frame): void {
    const layer = this.random.pick(LAYERS);
    this.made[layer] += 1;
    this.#makers[layer](frame);
  }

  /** The server said something to one of our addresses: it may be answered. */
  heard(segment: Heard): void {
    if ((segment.flags & RST) !== 0) return;
    if (this.#heard.length < REMEMBERED) this.#heard.push(segment);
    else this.#heard[this.random.below(REMEMBERED)] = segment;
  }

  #ethernet(frame: Frame): void {
    const { random } = this;
    const { octets, ownOctets, frameBytes } = this.#target;
    const type = random.pick([
      TYPE_IPV4,
      TYPE_ARP,
      0x86dd,
      0x8100,
      0x88a8,
      0x8847,
      0x0000,
      0x05dc,
      0xffff,
      random.below(65_536),
    ]);
    const elsewhere: Octets = [0x02, 0, 0, random.below(256), random.below(256), random.below(256)];
    const to = random.pick([
      octets,
      octets,
      octets,
      EVERYBODY,
      [1, 0, 0x5e, 0, 0, 1],
      [0x33, 0x33, 0, 0, 0, 1],
      elsewhere,
    ]);
    putEthernet(frame, to, random.pick([ownOctets, octets, EVERYBODY, elsewhere, [0, 0, 0, 0, 0, 0]]), type);
    frame.length = random.pick([
      14,
      15,
      20,
      33,
      34,
      60,
      61,
      1514,
      1515,
      1518,
      2000,
      frameBytes,
      14 + random.below(1501),
    ]);
    this.#scribble(frame, 14, frame.length);
  }

  #arp(frame: Frame): void {
    const { random } = this;
    const { octets, address, ownOctets } = this.#target;
    putArp(frame, random.pick([octets, EVERYBODY]), ownOctets, {
      operation: random.pick([1, 2, 1, 2, 0, 3, 65_535]),
      senderOctets: random.pick([ownOctets, octets, EVERYBODY, [0, 0, 0, 0, 0, 0], [1, 0, 0x5e, 0, 0, 1]]),
      // Of neighbours only our own and nobody's are claimed: a link cannot be defended against a forged neighbour.
      sender: random.pick([address, this.#ownAddress(), this.#nobody(), ...STRANGE]),
      targetOctets: random.pick([octets, EVERYBODY, [0, 0, 0, 0, 0, 0]]),
      target: random.pick([address, address, address, this.#nobody(), BROADCAST]),
    });
    if (random.chance(40)) this.#mutate(frame, 14, 28);
    if (random.chance(20)) frame.length = 14 + random.below(28);
    if (random.chance(20)) frame.length = 42 + random.below(200);
  }

  #ipv4(frame: Frame): void {
    const { random } = this;
    const length = random.pick([0, 1, 7, 8, 19, 20, 40, 1480, random.below(1481)]);
    this.#datagram(frame, random.pick([ICMP, TCP, UDP, 0, 2, 41, 47, 50, 132, 255]), length);
    this.#scribble(frame, TRANSPORT_AT, frame.length);
    const { view } = frame;
    if (random.chance(20)) view.setUint8(IP_AT, random.below(256));
    if (random.chance(20)) view.setUint16(IP_AT + 2, random.below(65_536));
    if (random.chance(10)) view.setUint8(IP_AT + 8, 0);
    if (random.chance(20)) this.#putOptions(frame);
    if (random.chance(80)) sumIp(frame, Math.min((view.getUint8(IP_AT) & 15) * 4, frame.length - IP_AT));
    if (random.chance(20)) frame.length = 14 + random.below(frame.length - 13);
  }

  /** Options of IPv4 in the place of what stood there: source routes, timestamps, lengths that are none. */
  #putOptions(frame: Frame): void {
    const words = 6 + this.random.below(10);
    frame.view.setUint8(IP_AT, 0x40 | words);
    for (let at = IP_AT + 20; at < IP_AT + words * 4; at++)
      frame.view.setUint8(at, this.random.pick([0, 1, 7, 68, 131, 137, 148, 255, this.random.below(256)]));
    frame.length = Math.max(frame.length, IP_AT + words * 4);
  }

  /** Parts of datagrams: that overlap, never end, end twice, or lie beyond the longest datagram. */
  #fragment(frame: Frame): void {
    const { random } = this;
    const offset = random.pick([0, 0, 1, 2, 185, 8191, random.below(8192)]);
    const more = random.pick([0x2000, 0x2000, 0]);
    this.#datagram(frame, random.pick([TCP, TCP, UDP, ICMP]), random.pick([8, 16, 1480, random.below(1481)]));
    frame.view.setUint16(IP_AT + 4, random.below(16));
    frame.view.setUint16(IP_AT + 6, more | offset | (random.chance(5) ? 0x8000 : 0));
    this.#scribble(frame, TRANSPORT_AT, frame.length);
    if (offset === 0 && frame.length >= TRANSPORT_AT + 4) frame.view.setUint16(TRANSPORT_AT + 2, 80);
    sumIp(frame, 20);
  }

  #icmp(frame: Frame): void {
    const { random } = this;
    const length = 8 + random.pick([0, 20, 28, 28, 48, random.below(1400)]);
    this.#datagram(frame, ICMP, length);
    this.#scribble(frame, TRANSPORT_AT, frame.length);
    const { view } = frame;
    view.setUint8(TRANSPORT_AT, random.pick([0, 3, 3, 3, 4, 5, 8, 8, 11, 12, 13, 17, random.below(256)]));
    view.setUint8(TRANSPORT_AT + 1, random.pick([0, 1, 2, 3, 4, 4, 9, 13, random.below(256)]));
    if (length >= 36) this.#quote(frame);
    if (random.chance(85)) sumTransport(frame, ICMP, 2, length);
  }

  /** A segment of ours in an error: of a conversation, if there is one; and a segment size to come down to. */
  #quote({ view }: Frame): void {
    const { random } = this;
    const heard = this.#heard.length > 0 ? random.pick(this.#heard) : undefined;
    view.setUint16(TRANSPORT_AT + 6, random.pick([0, 1, 68, 576, 65_535, random.below(65_536)]));
    const quoted = TRANSPORT_AT + 8;
    view.setUint32(quoted, 0x4500_0000 | random.below(1500));
    view.setUint32(quoted + 4, random.word());
    view.setUint32(quoted + 8, 0x4006_0000 | random.below(65_536));
    view.setUint32(quoted + 12, this.#target.address);
    view.setUint32(quoted + 16, heard?.destination ?? this.#ownAddress());
    view.setUint16(quoted + 20, 80);
    view.setUint16(quoted + 22, heard?.destinationPort ?? random.below(65_536));
    view.setUint32(quoted + 24, heard?.sequence ?? random.word());
  }

  #udp(frame: Frame): void {
    const { random } = this;
    const length = 8 + random.pick([0, 1, 18, 500, 1472]);
    this.#datagram(frame, UDP, length);
    this.#scribble(frame, TRANSPORT_AT, frame.length);
    frame.view.setUint16(TRANSPORT_AT + 2, random.pick([0, 7, 53, 80, 65_535, random.below(65_536)]));
    frame.view.setUint16(TRANSPORT_AT + 4, random.chance(70) ? length : random.below(65_536));
    if (random.chance(60)) sumTransport(frame, UDP, 6, length);
    if (random.chance(20)) frame.view.setUint16(TRANSPORT_AT + 6, 0);
  }

  #tcp(frame: Frame): void {
    const { random } = this;
    this.#segment(frame, {
      source: this.#source(),
      destination: random.chance(95) ? this.#target.address : random.pick([BROADCAST, ...STRANGE]),
      sourcePort: random.pick([0, 80, 1024 + random.below(64), random.below(65_536)]),
      destinationPort: random.chance(85) ? 80 : random.below(65_536),
      sequence: random.word(),
      acknowledgment: random.word(),
      flags: random.pick([
        SYN,
        SYN,
        SYN | FIN,
        SYN | RST,
        0,
        255,
        FIN,
        ACK,
        ACK | URG,
        RST,
        SYN | ACK,
        random.below(256),
      ]),
      window: random.pick([0, 1, 65_535, random.below(65_536)]),
      options: this.#options(),
      text: this.#text(),
    });
    this.#spoil(frame);
  }

  /** What an honest client would say next, or nearly; without a conversation, the SYN of one. */
  #converse(frame: Frame): void {
    const { random } = this;
    const { address } = this.#target;
    const heard = this.#heard.length > 0 && random.chance(90) ? random.pick(this.#heard) : undefined;
    const ends = {
      source: heard?.destination ?? this.#ownAddress(),
      destination: address,
      sourcePort: heard?.destinationPort ?? 1024 + random.below(64_000),
      destinationPort: 80,
    };
    if (heard === undefined) {
      const options = random.pick([[], [2, 4, 5, 180], [2, 4, 0, random.below(80)], this.#options()]);
      this.#segment(frame, {
        ...ends,
        sequence: random.word(),
        acknowledgment: 0,
        flags: SYN,
        window: 65_535,
        options,
      });
      return;
    }
    const taken = heard.textLength + ((heard.flags & (SYN | FIN)) === 0 ? 0 : 1);
    this.#segment(frame, {
      ...ends,
      sequence: (heard.acknowledgment + this.#slip()) >>> 0,
      acknowledgment: (heard.sequence + taken + this.#slip()) >>> 0,
      flags: random.pick([ACK, ACK, ACK | PSH, ACK | PSH, ACK | FIN, ACK | URG, SYN, RST, random.below(256)]),
      window: random.pick([65_535, 65_535, 0, 1, random.below(65_536)]),
      options: heard.timestamp === 0 ? this.#options() : this.#timestamps(heard),
      text: this.#text(),
    });
    if (random.chance(15)) this.#spoil(frame);
  }

  /** How far off a number is: mostly not at all. */
  #slip(): number {
    const { random } = this;
    if (random.chance(70)) return 0;
    return random.pick([1, -1, 1460, -1460, 16_384, 65_535, -65_536, 2 ** 31, random.word()]);
  }

  /** Timestamps that go on where they were, or not, and blocks beside them. */
  #timestamps(heard: Heard): readonly number[] {
    const { random } = this;
    if (random.chance(5)) return [];
    const own = random.chance(80) ? 1 : random.word();
    const word = (value: number): number[] => [
      value >>> 24,
      (value >>> 16) & 255,
      (value >>> 8) & 255,
      value & 255,
    ];
    const times = [1, 1, 8, 10, ...word(own), ...word(random.chance(80) ? heard.timestamp : random.word())];
    if (random.chance(70)) return times;
    const from = (heard.sequence + this.#slip()) >>> 0;
    return [...times, 1, 1, 5, 10, ...word(from), ...word((from + random.below(3000)) >>> 0)];
  }

  /** Options: none, known ones with every length, and none at all. */
  #options(): readonly number[] {
    const { random } = this;
    const options: number[] = [];
    for (let parts = random.pick([0, 0, 1, 2, 5]); parts > 0; parts--) {
      options.push(random.pick([0, 1, 2, 3, 4, 5, 8, 28, 253, random.below(256)]));
      options.push(random.pick([0, 1, 2, 3, 4, 8, 10, 34, 255, random.below(256)]));
      for (let rest = random.below(8); rest > 0; rest--) options.push(random.below(256));
    }
    const bytes = Math.min(40, options.length & ~3);
    return options.slice(0, bytes);
  }

  #text(): Uint8Array {
    const { random } = this;
    if (random.chance(40)) return new Uint8Array(0);
    if (random.chance(50)) return Buffer.from("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    if (random.chance(60)) return malformedRequest(random).subarray(0, 1000);
    return new Uint8Array(random.below(1200)).fill(random.below(256));
  }

  #segment(frame: Frame, segment: Segment): void {
    putSegment(frame, this.#target.octets, this.#target.ownOctets, segment);
  }

  /** A whole datagram whose header is right but for its source perhaps. */
  #datagram(frame: Frame, protocol: number, length: number): void {
    const { octets, ownOctets, address } = this.#target;
    putEthernet(frame, octets, ownOctets, TYPE_IPV4);
    const destination = this.random.chance(92)
      ? address
      : this.random.pick([BROADCAST, addressOf("10.9.255.255"), ...STRANGE]);
    putIp(frame, { source: this.#source(), destination, protocol, length });
    frame.length = TRANSPORT_AT + length;
  }

  /** Changes a few bytes, and has the checksums right again or not. */
  #spoil(frame: Frame): void {
    const { random } = this;
    this.#mutate(frame, IP_AT, frame.length - IP_AT);
    const header = (frame.view.getUint8(IP_AT) & 15) * 4;
    if (random.chance(70) && header === 20) {
      sumIp(frame, 20);
      sumTransport(frame, TCP, sumPlace(TCP), frame.length - TRANSPORT_AT);
    }
    if (random.chance(10)) frame.length = Math.max(14, frame.length - random.below(60));
  }

  #mutate({ view }: Frame, at: number, length: number): void {
    const { random } = this;
    for (let changes = 1 + random.below(6); changes > 0; changes--)
      view.setUint8(at + random.below(length), random.pick([0, 255, 1, 128, random.below(256)]));
  }

  #scribble({ bytes }: Frame, from: number, to: number): void {
    const { random } = this;
    if (to <= from) return;
    bytes.fill(random.below(256), from, to);
    for (let marks = random.below(8); marks > 0; marks--)
      bytes[from + random.below(to - from)] = random.below(256);
  }

  #source(): number {
    const { random } = this;
    if (random.chance(60)) return this.#ownAddress();
    if (random.chance(40)) return random.word();
    return random.pick([this.#target.address, this.#nobody(), ...STRANGE]);
  }

  #ownAddress(): number {
    return RAW_FIRST + this.random.below(RAW_COUNT);
  }

  /** An address of the link where nobody is. */
  #nobody(): number {
    return addressOf("10.9.128.0") + this.random.below(30_000);
  }
}
