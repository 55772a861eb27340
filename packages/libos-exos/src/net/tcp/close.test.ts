/** The end of connections: FIN in every order, TIME-WAIT, resets, aborts. */
import { describe, expect, test } from "vitest";
import type { Conversation } from "../../testing/conversation.ts";
import { makeConversation, openedByPeer } from "../../testing/conversation.ts";

/** Brings a connection into each synchronized state. */
const STATES: { readonly [state: string]: (talk: Conversation) => void } = {
  ESTABLISHED: () => {},
  "FIN-WAIT-1": (talk) => talk.connection.finish(),
  "FIN-WAIT-2": (talk) => {
    talk.connection.finish();
    talk.sends();
    talk.arrives({ seq: 1, ack: 2 });
  },
  "CLOSE-WAIT": (talk) => talk.arrives({ flags: "FA", seq: 1 }),
  CLOSING: (talk) => {
    talk.connection.finish();
    talk.sends();
    talk.arrives({ flags: "FA", seq: 1 });
  },
  "LAST-ACK": (talk) => {
    talk.arrives({ flags: "FA", seq: 1 });
    talk.connection.finish();
  },
};
const receiveNext = (state: string): number =>
  ["CLOSE-WAIT", "CLOSING", "LAST-ACK"].includes(state) ? 2 : 1;

describe("finish", () => {
  test("FIN rides on the last text", () => {
    const talk = openedByPeer();
    talk.say("bye");
    talk.connection.finish();
    expect(talk.sends()).toMatchObject([{ flags: "FPA", seq: 1, payload: "bye" }]);
    expect(talk.say("more")).toBe(false);
  });
  test("we close first: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT", () => {
    const talk = openedByPeer();
    talk.connection.finish();
    expect(talk.sends()).toMatchObject([{ flags: "FA", seq: 1 }]);
    talk.arrives({ seq: 1, ack: 2 });
    talk.arrives({ seq: 1, ack: 2, payload: "still here" });
    talk.arrives({ flags: "FA", seq: 11, ack: 2 });
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 2, ack: 12 }]);
    expect(talk.events).toEqual(["received still here", "ended", "closed done"]);
    expect(talk.tcp.use.connections()).toBe(0);
    expect(talk.tcp.use.timeWaits()).toBe(1);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("the peer closes first: CLOSE-WAIT, LAST-ACK", () => {
    const talk = openedByPeer();
    talk.arrives({ flags: "FA", seq: 1 });
    expect(talk.events).toEqual(["ended"]);
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 2 }]);
    talk.say("last words");
    expect(talk.sends()).toMatchObject([{ payload: "last words" }]);
    talk.connection.finish();
    expect(talk.sends()).toMatchObject([{ flags: "FA", seq: 11 }]);
    talk.arrives({ seq: 2, ack: 12 });
    expect(talk.events).toEqual(["ended", "acknowledged", "closed done"]);
    expect(talk.tcp.use.timeWaits()).toBe(0);
    expect(talk.tcp.use.connections()).toBe(0);
  });
  test("an interface that is full keeps the last acknowledgment for later, and no peer has to ask for it", () => {
    const talk = openedByPeer();
    talk.connection.finish();
    talk.sends();
    talk.arrives({ seq: 1, ack: 2 });
    talk.link = "full";
    talk.arrives({ flags: "FA", seq: 1, ack: 2 });
    expect(talk.sends()).toEqual([]);
    expect(talk.events).toEqual(["ended"]);
    expect([talk.tcp.use.connections(), talk.tcp.use.timeWaits()]).toEqual([1, 0]);
    talk.arrives({ flags: "R", seq: 2 });
    talk.passes(1);
    expect(talk.events).toEqual(["ended"]);
    talk.link = "sent";
    talk.passes(1);
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 2, ack: 2 }]);
    expect(talk.events).toEqual(["ended", "closed done"]);
    expect([talk.tcp.use.connections(), talk.tcp.use.timeWaits()]).toEqual([0, 1]);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("FIN and ACK of ours in one segment: straight to TIME-WAIT", () => {
    const talk = openedByPeer();
    talk.connection.finish();
    talk.sends();
    talk.arrives({ flags: "FA", seq: 1, ack: 2 });
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 2 }]);
    expect(talk.events).toEqual(["ended", "closed done"]);
  });
  test("both at once: CLOSING", () => {
    const talk = openedByPeer();
    talk.connection.finish();
    talk.sends();
    talk.arrives({ flags: "FA", seq: 1, ack: 1 });
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 2, ack: 2 }]);
    expect(talk.events).toEqual(["ended"]);
    talk.arrives({ seq: 2, ack: 2 });
    expect(talk.events).toEqual(["ended", "closed done"]);
    expect(talk.tcp.use.timeWaits()).toBe(1);
  });
  test("both at once, and our FIN is acknowledged before theirs was: theirs is, all the same", () => {
    const talk = openedByPeer();
    talk.connection.finish();
    talk.sends();
    talk.arrives({ flags: "FA", seq: 1, ack: 1 });
    talk.arrives({ seq: 2, ack: 2 });
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 2, ack: 2 }]);
    expect(talk.events).toEqual(["ended", "closed done"]);
    expect(talk.tcp.use.timeWaits()).toBe(1);
  });
  test("both at once, and the interface is full: theirs is acknowledged when there is room", () => {
    const talk = openedByPeer();
    talk.connection.finish();
    talk.sends();
    talk.link = "full";
    talk.arrives({ flags: "FA", seq: 1, ack: 1 });
    talk.arrives({ seq: 2, ack: 2 });
    expect(talk.sends()).toEqual([]);
    expect([talk.tcp.use.connections(), talk.tcp.use.timeWaits()]).toEqual([1, 0]);
    talk.link = "sent";
    talk.passes(1);
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 2, ack: 2 }]);
    expect(talk.events).toEqual(["ended", "closed done"]);
    expect([talk.tcp.use.connections(), talk.tcp.use.timeWaits()]).toEqual([0, 1]);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("a lost FIN is sent again", () => {
    const talk = openedByPeer();
    talk.connection.finish();
    talk.sends();
    talk.passes(200);
    expect(talk.sends()).toMatchObject([{ flags: "FA", seq: 1 }]);
  });
  test("a FIN before its text waits for it", () => {
    const talk = openedByPeer();
    talk.arrives({ flags: "FA", seq: 4, payload: "def" });
    expect(talk.events).toEqual([]);
    talk.arrives({ seq: 1, payload: "abc" });
    expect(talk.events).toEqual(["received abc", "received def", "ended"]);
    expect(talk.sends().at(-1)).toMatchObject({ ack: 8 });
  });
  test("a FIN alone that comes early is answered and remembered", () => {
    const talk = openedByPeer();
    talk.arrives({ flags: "FA", seq: 4 });
    expect(talk.sends()).toMatchObject([{ ack: 1 }]);
    talk.arrives({ seq: 1, payload: "abc" });
    expect(talk.events).toEqual(["received abc", "ended"]);
  });
  test("bytes that were not taken outlive the connection until they are", () => {
    const talk = openedByPeer();
    talk.takes = () => 0;
    talk.connection.finish();
    talk.sends();
    talk.arrives({ flags: "FA", seq: 1, ack: 2, payload: "abc" });
    expect(talk.events).toEqual(["received abc", "ended"]);
    expect(talk.tcp.use.timeWaits()).toBe(1);
    talk.takes = (length) => length;
    talk.connection.resume();
    expect(talk.events).toEqual(["received abc", "ended", "received abc", "closed done"]);
    talk.sends();
    expect(talk.tcp.use.connections()).toBe(0);
    expect(talk.freeBuffers).toBe(4);
  });
  test("nobody who leaves them holds a connection for ever", () => {
    const talk = openedByPeer();
    talk.takes = () => 0;
    talk.connection.finish();
    talk.sends();
    talk.arrives({ flags: "FA", seq: 1, ack: 2, payload: "abc" });
    talk.passes(599_999);
    expect(talk.events.at(-1)).toBe("ended");
    talk.passes(1);
    expect(talk.events.at(-1)).toBe("closed timeout");
    expect(talk.freeBuffers).toBe(4);
  });
  test("a peer that ended and then resets takes nothing back: the application gets its bytes, then hears of it", () => {
    const talk = openedByPeer();
    talk.takes = () => 0;
    talk.say("unheard", 3);
    talk.arrives({ flags: "FA", seq: 1, payload: "abc" });
    talk.arrives({ flags: "R", seq: 5 });
    expect(talk.events).toEqual(["received abc", "ended"]);
    expect(talk.released).toEqual([3]);
    expect(talk.say("more")).toBe(false);
    talk.takes = (length) => length;
    talk.connection.resume();
    expect(talk.events.slice(2)).toEqual(["received abc", "closed reset"]);
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.use.connections()).toBe(0);
    expect(talk.freeBuffers).toBe(4);
  });
  test("one that ended and then vanished takes nothing back either", () => {
    const talk = openedByPeer();
    talk.takes = () => 0;
    talk.arrives({ flags: "FA", seq: 1, payload: "abc" });
    talk.say("unheard");
    talk.passes(101_000);
    expect(talk.events).toEqual(["received abc", "ended"]);
    talk.takes = (length) => length;
    talk.connection.resume();
    expect(talk.events.slice(2)).toEqual(["received abc", "closed timeout"]);
  });
  test("a reset before the end of the peer's bytes loses what was not taken", () => {
    const talk = openedByPeer();
    talk.takes = () => 0;
    talk.arrives({ seq: 1, payload: "abc" });
    talk.arrives({ flags: "R", seq: 4 });
    expect(talk.events).toEqual(["received abc", "closed reset"]);
  });
  test("segments that fail the checks do not keep a vanished peer's connection", () => {
    const talk = openedByPeer();
    talk.connection.finish();
    talk.sends();
    talk.arrives({ seq: 1, ack: 2 });
    for (let i = 0; i < 10; i++) {
      talk.passes(50_000);
      talk.arrives({ seq: -2_000_000, ack: 77, payload: "junk" });
    }
    expect(talk.events).toEqual(["closed timeout"]);
  });
  test("a peer that vanishes in FIN-WAIT-2 is found out", () => {
    const talk = openedByPeer();
    talk.connection.finish();
    talk.sends();
    talk.arrives({ seq: 1, ack: 2 });
    talk.passes(200_000);
    expect(talk.events).toEqual(["closed timeout"]);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("one that is only slow is not", () => {
    const talk = openedByPeer();
    talk.connection.finish();
    talk.sends();
    talk.arrives({ seq: 1, ack: 2 });
    for (let second = 0; second < 600; second++) {
      talk.passes(1000);
      if (talk.sends().length > 0) talk.arrives({ seq: 1, ack: 2 });
    }
    expect(talk.events).toEqual([]);
  });
});

describe("TIME-WAIT", () => {
  const closed = (setting = {}): Conversation => {
    const talk = openedByPeer(setting);
    talk.connection.finish();
    talk.sends();
    talk.arrives({ flags: "FA", seq: 1, ack: 2 });
    talk.sends();
    return talk;
  };
  test("the FIN again is acknowledged again, an ACK in place is not answered", () => {
    const talk = closed();
    talk.arrives({ flags: "FA", seq: 1, ack: 2 });
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 2, ack: 2 }]);
    talk.arrives({ seq: 2, ack: 2 });
    expect(talk.sends()).toEqual([]);
  });
  test("ends after 60 s, a FIN starts it anew, a reset does not end it", () => {
    const talk = closed();
    talk.passes(40_000);
    talk.arrives({ flags: "FA", seq: 1, ack: 2 });
    talk.arrives({ flags: "R", seq: 2 });
    talk.sends();
    talk.passes(40_000);
    talk.sends();
    expect(talk.tcp.use.timeWaits()).toBe(1);
    talk.passes(20_000);
    talk.sends();
    expect(talk.tcp.use.timeWaits()).toBe(0);
  });
  test("a later SYN opens anew, with later numbers of ours", () => {
    const talk = closed();
    const before = talk.localInitial;
    talk.arrives({ flags: "S", seq: 500 });
    const [answer] = talk.sends();
    expect(answer).toMatchObject({ flags: "SA", ack: 501 });
    expect((talk.localInitial - before) | 0).toBeGreaterThan(2);
    talk.arrives({ seq: 501, ack: 1 });
    expect(talk.events.at(-1)).toBe("opened");
    expect(talk.tcp.counters.timeWaitReopened).toBe(1);
  });
  test("an old SYN is only acknowledged", () => {
    const talk = closed();
    talk.arrives({ flags: "S", seq: -5 });
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 2, ack: 2 }]);
  });
  test("the table is bounded; the oldest goes first", () => {
    const talk = makeConversation({ limits: { timeWaits: 4 } });
    talk.listen();
    for (let remotePort = 1; remotePort <= 10; remotePort++) {
      talk.arrives({ flags: "S", seq: 0, remotePort });
      talk.sends();
      talk.arrives({ seq: 1, ack: 1, remotePort });
      talk.connection.finish();
      talk.sends();
      talk.arrives({ flags: "FA", seq: 1, ack: 2, remotePort });
      talk.sends();
    }
    expect(talk.tcp.use.timeWaits()).toBe(4);
    expect(talk.tcp.counters.timeWaitEvicted).toBe(6);
    talk.arrives({ flags: "FA", seq: 1, ack: 2, remotePort: 1 });
    expect(talk.sends()).toMatchObject([{ flags: "R" }]);
  });
});

describe("resets", () => {
  test.each(Object.keys(STATES))("in %s the exact number resets and releases everything", (state) => {
    const talk = openedByPeer();
    STATES[state]?.(talk);
    talk.sends();
    if (state === "ESTABLISHED" || state === "CLOSE-WAIT") talk.say("unsent", 3);
    talk.arrives({ flags: "R", seq: receiveNext(state) });
    expect(talk.events.at(-1)).toBe("closed reset");
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.use.connections()).toBe(0);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
    if (state === "ESTABLISHED") expect(talk.released).toEqual([3]);
  });
  test.each(Object.keys(STATES))(
    "in %s another number in the window is challenged, one outside ignored",
    (state) => {
      const talk = openedByPeer();
      STATES[state]?.(talk);
      talk.sends();
      talk.arrives({ flags: "R", seq: receiveNext(state) + 5 });
      expect(talk.sends()).toMatchObject([{ flags: "A", ack: receiveNext(state) }]);
      talk.arrives({ flags: "R", seq: receiveNext(state) + 50_000 });
      talk.arrives({ flags: "R", seq: receiveNext(state) - 1 });
      expect(talk.sends()).toEqual([]);
      expect(talk.tcp.use.connections()).toBe(1);
    },
  );
  test.each(Object.keys(STATES))("in %s a SYN is challenged, so often and no more", (state) => {
    const talk = openedByPeer();
    STATES[state]?.(talk);
    talk.sends();
    for (let i = 0; i < 20; i++) talk.arrives({ flags: "S", seq: i * 7 });
    expect(talk.sends().filter((sent) => sent.payload === "").length).toBe(1);
    expect(talk.tcp.counters.rateLimited).toBe(19);
    expect(talk.tcp.use.connections()).toBe(1);
  });
  test("an ACK from long ago is challenged, a recent old one is not", () => {
    const talk = openedByPeer({}, { window: 1000 });
    talk.say("x".repeat(400));
    talk.sends();
    talk.arrives({ ack: 401, window: 1000 });
    talk.sends();
    talk.arrives({ ack: 201, window: 1000 });
    expect(talk.sends()).toEqual([]);
    talk.arrives({ ack: -2000, window: 1000 });
    expect(talk.tcp.counters.challenges).toBe(1);
  });
});

describe("abort", () => {
  test("sends RST, releases everything and forgets", () => {
    const talk = openedByPeer();
    talk.say("abc", 1);
    talk.sends();
    talk.say("def", 2);
    talk.connection.abort();
    expect(talk.events).toEqual(["closed aborted"]);
    expect(talk.released).toEqual([1, 2]);
    expect(talk.sends()).toMatchObject([{ flags: "RA", seq: 4 }]);
    expect(talk.tcp.use.connections()).toBe(0);
    expect(talk.freeBuffers).toBe(4);
  });
  test("a closed connection does nothing any more, even if its control block is in use again", () => {
    const talk = openedByPeer();
    const old = talk.connection;
    old.abort();
    talk.sends();
    talk.arrives({ flags: "S", seq: 0, remotePort: 9 });
    talk.sends();
    talk.arrives({ seq: 1, ack: 1, remotePort: 9 });
    expect(talk.connection).not.toBe(old);
    old.abort();
    old.finish();
    old.resume();
    expect(old.unacknowledged).toBe(0);
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.use.connections()).toBe(1);
  });
});
