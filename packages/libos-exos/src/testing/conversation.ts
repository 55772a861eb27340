/** Conversations with one TCP endpoint, segment by segment, for tests. */
import { makeWindow } from "@exolith/exokernel/testing";
import type { SendResult } from "../net/segment-output.ts";
import type { Connection, ConnectionHandler, PieceOwner } from "../net/tcp/application.ts";
import type { Tcp } from "../net/tcp/endpoint.ts";
import { makeTcp } from "../net/tcp/endpoint.ts";
import { makeReceiveMemory } from "../net/tcp/receive-memory.ts";
import type { Arrival, Peer, Sent, Setting } from "./conversation-peer.ts";
import { HERTZ, REMOTE, makePeer, writeText } from "./conversation-peer.ts";

/** Both sides of the talk: the endpoint under test, its application, and the peer played by the test. */
export interface Conversation {
  readonly tcp: Tcp;
  /** What the application was told. */
  readonly events: string[];
  /** Tokens released, in order. */
  readonly released: number[];
  /** The application's connection; throws before there is one. */
  readonly connection: Connection;
  /** The initial sequence number that the endpoint chose last. */
  readonly localInitial: number;
  /** How many of the bytes offered the application takes; all by default. */
  takes: (length: number) => number;
  /** What the layer below says. */
  link: SendResult;
  readonly freeBuffers: number;
  listen(backlog?: number): void;
  connect(): Connection | undefined;
  /** The application sends `text` as one piece. */
  say(text: string, token?: number): boolean;
  arrives(arrival: Arrival): void;
  /** Polls, and hands out what was sent since the last call. */
  sends(): Sent[];
  /** Lets time pass, with every wake-up that is asked for on the way. */
  passes(milliseconds: number): void;
}

/** Starts a conversation; the initial window is four segments, so that few words fill it. */
export function makeConversation(setting: Setting = {}): Conversation {
  const peer = makePeer(setting);
  const memory = makeReceiveMemory(
    makeWindow((setting.bufferBytes ?? 4096) * (setting.buffers ?? 4)),
    setting.bufferBytes ?? 4096,
  );
  let word = 7;
  const tcp = makeTcp({
    output: peer.output,
    clock: { hertz: HERTZ, now: () => peer.now },
    memory,
    randomWord: () => (word = (Math.imul(word, 1664525) + 1013904223) >>> 0),
    limits: { initialWindowSegments: 4, ...setting.limits },
    ...(setting.makeCongestion === undefined ? {} : { makeCongestion: setting.makeCongestion }),
    ...(setting.pieceSum === undefined ? {} : { pieceSum: setting.pieceSum }),
  });
  const application = makeApplication();
  return {
    tcp,
    events: application.events,
    released: application.released,
    get connection() {
      return application.connection();
    },
    get localInitial() {
      return peer.localInitial;
    },
    get takes() {
      return application.takes;
    },
    set takes(takes) {
      application.takes = takes;
    },
    get link() {
      return peer.link;
    },
    set link(link) {
      peer.link = link;
    },
    get freeBuffers() {
      return memory.free();
    },
    listen: (backlog) => {
      tcp.listen(80, () => application.handler, backlog === undefined ? {} : { backlog });
    },
    connect: () => application.hold(tcp.connect(REMOTE, 80, application.handler)),
    say: (text, token = 0) => application.say(text, token),
    arrives: (arrival) => peer.deliver(tcp, arrival),
    sends: () => {
      tcp.poll();
      return peer.collect();
    },
    passes: (milliseconds) => passTime(tcp, peer, milliseconds),
  };
}

/** A conversation with a connection that the peer opened to port 80; segments of 100 bytes, window 10000. */
export function openedByPeer(setting: Setting = {}, syn: Arrival = {}): Conversation {
  const talk = makeConversation(setting);
  talk.listen();
  talk.arrives({ flags: "S", seq: 0, mss: 100, ...syn });
  talk.sends();
  talk.arrives({ seq: 1, ack: 1, ...(syn.window === undefined ? {} : { window: syn.window }) });
  talk.sends();
  talk.events.length = 0;
  return talk;
}

function passTime(tcp: Tcp, peer: Peer, milliseconds: number): void {
  const until = peer.now + milliseconds;
  for (let wakes = 0; tcp.wakeAt() <= until; wakes++) {
    if (wakes > 100_000) throw new Error("never comes to rest");
    peer.now = Math.max(peer.now, tcp.wakeAt());
    tcp.poll();
    if (peer.link === "full") break;
  }
  peer.now = until;
}

interface Application {
  readonly events: string[];
  readonly released: number[];
  readonly handler: ConnectionHandler;
  takes: (length: number) => number;
  connection(): Connection;
  hold(connection: Connection | undefined): Connection | undefined;
  say(text: string, token: number): boolean;
}

function makeApplication(): Application {
  const events: string[] = [];
  const released: number[] = [];
  const owner: PieceOwner = { released: (token) => void released.push(token) };
  let held: Connection | undefined;
  const connection = (): Connection => {
    if (held === undefined) throw new Error("no connection yet");
    return held;
  };
  const application: Application = {
    events,
    released,
    takes: (length) => length,
    connection,
    hold: (opened) => (held = opened),
    say: (text, token) => {
      const window = makeWindow(text.length);
      writeText(window, 0, text);
      return connection().send(window, 0, text.length, owner, token);
    },
    handler: {
      opened: (opened) => {
        held = opened;
        events.push("opened");
      },
      received: (_, window, at, length) => {
        events.push(`received ${window.text(at, length)}`);
        return application.takes(length);
      },
      acknowledged: () => void events.push("acknowledged"),
      ended: () => void events.push("ended"),
      closed: (_, reason) => void events.push(`closed ${reason}`),
    },
  };
  return application;
}
