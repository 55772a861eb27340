/** Attacks by name: what a raw host does, a frame or a few at a time. */
import {
  ACK,
  FIN,
  PSH,
  RST,
  SYN,
  TCP,
  TRANSPORT_AT,
  TYPE_IPV4,
  addressOf,
  putArp,
  putEthernet,
  putIp,
  putSegment,
  readSegment,
  type Frame,
} from "./frames.ts";
import { Fuzzer } from "./fuzz.ts";
import { makeRandom, type Random } from "./random.ts";
import { RAW_COUNT, RAW_FIRST, type RawHost } from "./raw-host.ts";
import { RawPeers, wordOf, type Aim, type Peer, type Role } from "./raw-peers.ts";

/** One attack. */
export interface Attack {
  /** Sends a frame or a few; how many. `now` in milliseconds. */
  step(now: number): number;
  /** A frame of the server has come. */
  heard?(frame: Frame): void;
  /** What it has to tell. */
  counts(): Readonly<Record<string, number>>;
}

/** Whom to attack. */
export interface Victims extends Aim {
  /** An honest client of the server: its address and its ports. */
  readonly client: number;
  readonly clientPorts: readonly number[];
}

/** What an attack is made with. */
export interface Means {
  readonly host: RawHost;
  readonly victims: Victims;
  readonly seed: number;
  /** Longest frame that the interface sends. */
  readonly frameBytes: number;
}

const NOTHING: Readonly<Record<string, number>> = {};
const SIZE_1460 = [2, 4, 5, 180];
const SIZE_AND_TIMES = [2, 4, 5, 180, 4, 2, 8, 10, 0x70, 0, 0, 0, 0, 0, 0, 0];
const SIZE_AND_BLOCKS = [2, 4, 5, 180, 1, 1, 4, 2];

const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1");
const LARGE = bytesOf("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
const CLOSING = bytesOf("GET /small.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

/** Peers with a role as an attack. */
function withPeers({ host, victims, seed }: Means, role: Role, wanted: number): Attack {
  const peers = new RawPeers(host, victims, role, wanted, seed);
  return {
    step: (now) => peers.step(now),
    heard: (frame) => peers.heard(frame),
    counts: () => ({ ...peers.counts, open: peers.open }),
  };
}

/** Segments that pretend to come from somebody else. */
function blind({ host, victims, seed }: Means, write: (random: Random) => Blind): Attack {
  const random = makeRandom(seed);
  return {
    step: () => {
      const { sequence = random.word(), acknowledgment = random.word(), ...rest } = write(random);
      putSegment(host.out, victims.octets, host.octets, {
        source: victims.client,
        destination: victims.address,
        sourcePort: random.pick(victims.clientPorts),
        destinationPort: 80,
        sequence,
        acknowledgment,
        window: 65_535,
        ...rest,
      });
      host.send();
      return 1;
    },
    counts: () => NOTHING,
  };
}

interface Blind {
  readonly flags: number;
  readonly source?: number;
  readonly sourcePort?: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly options?: readonly number[];
  readonly text?: Uint8Array;
}

/** SYNs from neighbours that are nobody, from far away, from addresses that answer for nothing, and from an honest client. */
const synFlood = (means: Means): Attack =>
  blind(means, (random) => ({
    flags: SYN,
    source: random.pick([
      addressOf("10.9.128.0") + random.below(30_000),
      addressOf("198.18.0.0") + random.below(131_072),
      RAW_FIRST + 1 + random.below(RAW_COUNT - 1),
      RAW_FIRST + 1 + random.below(RAW_COUNT - 1),
    ]),
    sourcePort: 1024 + random.below(64_000),
    acknowledgment: 0,
    options: random.pick([[], SIZE_1460, SIZE_AND_TIMES]),
  }));

/** What somebody says who knows an honest client's ports and guesses the rest (RFC 5961). */
const guesses = (means: Means): Attack =>
  blind(means, (random) =>
    random.pick<Blind>([
      { flags: RST },
      { flags: RST | ACK },
      { flags: SYN, options: SIZE_1460 },
      { flags: ACK | PSH, text: CLOSING },
      { flags: ACK },
      { flags: ACK | FIN },
      { flags: ACK, options: [1, 1, 8, 10, ...wordOf(random.word()), ...wordOf(random.word())] },
    ]),
  );

const DRIBBLE = bytesOf(`GET /small.txt HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(6000)}`);
/** Slow loris: heads that come a byte at a time and never end. */
const slowLoris: Role = {
  options: SIZE_1460,
  window: 65_535,
  acknowledges: true,
  request: () => bytesOf("GET / HTTP/1.1\r\nHost"),
  turn: (peer, peers) => {
    peers.say(peer, ACK | PSH, {
      text: DRIBBLE.subarray(40 + (peer.turns % 4000), 41 + (peer.turns % 4000)),
    });
    peer.sendNext = (peer.sendNext + 1) >>> 0;
    peer.turns += 1;
    return 1;
  },
};

/** The same with bodies: a byte at a time is taken of a large file. */
const slowReader: Role = {
  options: SIZE_1460,
  window: 1,
  acknowledges: true,
  request: () => LARGE,
  turn: (peer, peers) => {
    peers.say(peer, ACK);
    return 1;
  },
};

/** A part of the large file of its own for each peer, so that nobody shares what is held for him. */
const part = ({ port }: Peer): Uint8Array =>
  bytesOf(`GET /large.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=${((port - 1024) % 256) * 65_536}-\r\n\r\n`);

/** Windows held at zero while something is to be sent. */
const closedWindow: Role = {
  options: SIZE_1460,
  window: 0,
  acknowledges: false,
  request: part,
  heard: (peer, { textLength }, peers) => {
    if (textLength > 0) peers.say(peer, ACK);
  },
};

/** Heads by the dozen for a window that is closed: each takes a slot of the server's. */
const hoarder: Role = {
  options: SIZE_1460,
  window: 0,
  acknowledges: false,
  request: () => bytesOf("HEAD /none HTTP/1.1\r\nHost: x\r\n\r\n".repeat(40)),
};

/** Ask for more than they wait for, finish, and are gone in the midst of it: what they said last is never taken. */
const quitter: Role = {
  options: SIZE_1460,
  window: 65_535,
  acknowledges: false,
  request: () => Buffer.concat([LARGE, LARGE]),
  heard: (peer, _segment, peers) => {
    if (peer.turns > 0) return;
    peer.turns = 1;
    peers.say(peer, ACK | FIN);
    peer.sendNext = (peer.sendNext + 1) >>> 0;
    peers.say(peer, RST);
  },
};

/** Segments of a byte are asked for, and acknowledged as they come. */
const tinySegments: Role = {
  options: [2, 4, 0, 1],
  window: 65_535,
  acknowledges: true,
  request: () => LARGE,
  heard: (_peer, { textLength }, peers) => {
    if (textLength > peers.counts.overlong) peers.counts.overlong = textLength;
  },
};

/** The same acknowledgment, over and over, while text is under way. */
const acknowledgmentStorm: Role = {
  options: SIZE_AND_BLOCKS,
  window: 65_535,
  acknowledges: false,
  request: () => LARGE,
  turn: (peer, peers) => {
    peers.say(peer, ACK);
    return 1;
  },
};

/** Text is acknowledged before it has come. */
const optimist: Role = {
  options: SIZE_1460,
  window: 65_535,
  acknowledges: false,
  request: () => LARGE,
  turn: (peer, peers) => {
    const ahead = peers.random.pick([1460, 14_600, 100_000, 2 ** 30]);
    peers.say(peer, ACK, { acknowledgment: peer.seen + ahead });
    return 1;
  },
};

/** Blocks that tell of holes of a byte, of what was never sent, and of nothing. */
const liar: Role = {
  options: SIZE_AND_BLOCKS,
  window: 65_535,
  acknowledges: false,
  request: () => LARGE,
  turn: (peer, peers) => {
    const from =
      peer.receiveNext + peers.random.pick([1, 2, 100, 1460, 14_000, 10 ** 6]) + peers.random.below(3000);
    const blocks = [0, 2, 4].flatMap((step) => [...wordOf(from + step), ...wordOf(from + step + 1)]);
    peers.say(peer, ACK, { options: [1, 1, 5, 26, ...blocks] });
    return 1;
  },
};

/** Timestamps that go back, leap, or are missing, on connections that have agreed on them. */
const timeTraveller: Role = {
  options: SIZE_AND_TIMES,
  window: 65_535,
  acknowledges: false,
  request: () => LARGE,
  turn: (peer, peers) => {
    const times = [1, 1, 8, 10, ...wordOf(peers.random.word()), ...wordOf(peers.random.word())];
    peers.say(peer, ACK, { options: peers.random.chance(20) ? [] : times });
    return 1;
  },
};

/** Connections that end at once, which the server has to remember. */
const closer: Role = { options: SIZE_1460, window: 65_535, acknowledges: true, request: () => CLOSING };

/** Fragments of what never comes whole. */
function fragments({ host, victims, seed }: Means): Attack {
  const random = makeRandom(seed);
  return {
    step: () => {
      const { out } = host;
      const length = random.pick([8, 64, 1400]);
      putEthernet(out, victims.octets, host.octets, TYPE_IPV4);
      putIp(out, {
        source: random.pick([victims.client, RAW_FIRST + random.below(RAW_COUNT)]),
        destination: victims.address,
        protocol: TCP,
        length,
        identification: random.below(65_536),
        fragment: random.pick([0x2000, 0x2000, 0]) | random.pick([0, 1, 2, 185, 8191]),
      });
      out.length = TRANSPORT_AT + length;
      host.send();
      return 1;
    },
    counts: () => NOTHING,
  };
}

/** Claims to be where the honest client is. */
function forgedNeighbour({ host, victims, seed }: Means): Attack {
  const random = makeRandom(seed);
  return {
    step: () => {
      putArp(host.out, victims.octets, host.octets, {
        operation: random.pick([1, 2]),
        senderOctets: random.chance(50) ? host.octets : [2, 0, 0, 0, 0, random.below(256)],
        sender: victims.client,
        targetOctets: victims.octets,
        target: victims.address,
      });
      host.send();
      return 1;
    },
    counts: () => NOTHING,
  };
}

/** Anything at all. */
function fuzz({ host, victims, seed, frameBytes }: Means): Attack {
  const fuzzer = new Fuzzer(seed, { ...victims, ownOctets: host.octets, frameBytes });
  return {
    step: () => {
      fuzzer.next(host.out);
      host.send();
      return 1;
    },
    heard: (frame) => {
      const segment = readSegment(frame);
      if (segment !== undefined) fuzzer.heard(segment);
    },
    counts: () => fuzzer.made,
  };
}

const role =
  (played: Role, wanted: number) =>
  (means: Means): Attack =>
    withPeers(means, played, wanted);

/** The attacks there are. */
export type AttackName =
  | "fuzz"
  | "SYN flood"
  | "guessed numbers"
  | "fragments"
  | "forged neighbour"
  | "slow loris"
  | "slow readers"
  | "closed windows"
  | "hoarders"
  | "quitters"
  | "tiny segments"
  | "ACK storm"
  | "optimistic ACKs"
  | "SACK lies"
  | "timestamp lies"
  | "TIME-WAIT crowd";

/** Every attack by its name. */
export const ATTACKS: Readonly<Record<AttackName, (means: Means) => Attack>> = {
  fuzz,
  "SYN flood": synFlood,
  "guessed numbers": guesses,
  fragments,
  "forged neighbour": forgedNeighbour,
  "slow loris": role(slowLoris, 1500),
  "slow readers": role(slowReader, 1500),
  "closed windows": role(closedWindow, 1500),
  hoarders: role(hoarder, 64),
  quitters: role(quitter, 200),
  "tiny segments": role(tinySegments, 16),
  "ACK storm": role(acknowledgmentStorm, 64),
  "optimistic ACKs": role(optimist, 4),
  "SACK lies": role(liar, 64),
  "timestamp lies": role(timeTraveller, 64),
  "TIME-WAIT crowd": role(closer, 256),
};
