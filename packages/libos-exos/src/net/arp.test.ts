import type { Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeHandClock, makeRecordedLink, packetOf, windowOf } from "../testing/recorded-link.ts";
import { arpPacket } from "../testing/packets.ts";
import * as arp from "./arp.ts";
import { ARP_ROWS, ARP_STATE, ARP_TABLE_BYTES } from "./arp-table.ts";
import { makeRoute } from "./route.ts";
import * as wire from "./wire/arp-wire.ts";
import { destinationHigh, destinationLow } from "./wire/ethernet-wire.ts";

const US = 0x0a00_0001;
const PEER = 0x0a00_0002;
const PEER_HARDWARE = [0x0200, 2] as const;

function makeHost(announced: boolean = true) {
  const link = makeRecordedLink([2, 0, 0, 0, 0, 1]);
  const clock = makeHandClock();
  const resolved: number[] = [];
  const host = arp.makeArp(
    { clock },
    {
      link,
      route: makeRoute({ address: US, prefixLength: 24, router: 0x0a00_00fe }),
      table: makeWindow(ARP_TABLE_BYTES),
      tableAt: 0,
      scratch: makeWindow(arp.ARP_FRAME_BYTES),
      scratchAt: 0,
      resolved: (address) => resolved.push(address),
    },
  );
  const arrives = (packet: Window): void => host.input(packet, 0, packet.length);
  const later = (seconds: number): void => {
    clock.advance(seconds);
    host.poll();
  };
  if (announced) {
    later(0);
    later(arp.ANNOUNCE_SECONDS);
    link.sent.length = 0;
  }
  return { host, link, clock, resolved, arrives, later };
}

const fromPeer = (
  operation: number,
  target: number = US,
  hardware: readonly [number, number] = PEER_HARDWARE,
) => arpPacket({ operation, sender: [...hardware, PEER], target: [0, 0, target] });
const stateOf = ({ host }: ReturnType<typeof makeHost>, address: number): number =>
  host.readers.find(address) < 0 ? ARP_STATE.free : host.readers.state(host.readers.find(address));

test("our address is announced twice at the start, two seconds apart, to everybody", () => {
  const { link, host, later } = makeHost(false);
  later(0);
  later(1);
  expect(link.sent).toHaveLength(1);
  later(1);
  later(100);
  expect(link.sent).toHaveLength(2);
  for (const frame of link.sent) {
    expect([destinationHigh(frame, 0), destinationLow(frame, 0)]).toEqual([0xffff, 0xffff_ffff]);
    expect(wire.senderAddress(frame, 14)).toBe(US);
    expect(wire.targetAddress(frame, 14)).toBe(US);
  }
  expect(host.wakeAt()).toBe(Infinity);
});

describe("a request for us", () => {
  test("is answered to its sender, who is learnt", () => {
    const host = makeHost();
    host.arrives(fromPeer(1));
    expect(host.link.sent).toHaveLength(1);
    const reply = packetOf(host.link.sent[0] as Window);
    expect(wire.arpOperation(reply, 0)).toBe(wire.ARP_OPERATION.reply);
    expect([wire.senderHigh(reply, 0), wire.senderLow(reply, 0), wire.senderAddress(reply, 0)]).toEqual([
      0x0200,
      1,
      US,
    ]);
    expect([wire.targetHigh(reply, 0), wire.targetLow(reply, 0), wire.targetAddress(reply, 0)]).toEqual([
      0x0200,
      2,
      PEER,
    ]);
    const frame = host.link.sent[0] as Window;
    expect([destinationHigh(frame, 0), destinationLow(frame, 0)]).toEqual([0x0200, 2]);
    expect(host.host.lookup(PEER)).toBe(host.host.readers.find(PEER));
  });

  test("that probes for our address is answered and nobody is learnt", () => {
    const host = makeHost();
    host.arrives(arpPacket({ operation: 1, sender: [0x0200, 9, 0], target: [0, 0, US] }));
    expect(host.link.sent).toHaveLength(1);
    expect(host.host.readers.find(0)).toBe(-1);
  });

  test("is answered only so often", () => {
    const host = makeHost();
    host.later(1);
    for (let i = 0; i < 3 * arp.SENT_PER_SECOND; i++) host.arrives(fromPeer(1));
    expect(host.link.sent).toHaveLength(arp.SENT_PER_SECOND);
    expect(host.host.counters.limited).toBe(2 * arp.SENT_PER_SECOND);
  });
});

describe("a next hop", () => {
  test("that is in use outlasts any number of silent neighbours, and is asked for again among them", () => {
    const host = makeHost();
    host.host.lookup(PEER);
    host.arrives(fromPeer(2));
    for (let i = 0; i < 2 * ARP_ROWS; i++) host.host.lookup(0x0a00_0003 + (i % 240));
    for (let i = 0; i < 2 * ARP_ROWS; i++) host.host.lookup(0x0a00_0100 + i);
    expect(host.host.lookup(PEER)).toBe(host.host.readers.find(PEER));
    host.later(arp.REACHABLE_SECONDS);
    for (let i = 0; i < 2 * arp.SENT_PER_SECOND; i++) host.host.lookup(0x0a00_1000 + i);
    const { length } = host.link.sent;
    host.host.lookup(PEER);
    expect(stateOf(host, PEER)).toBe(ARP_STATE.probing);
    expect(host.link.sent).toHaveLength(length + 1);
    host.arrives(fromPeer(1));
    expect(host.link.sent).toHaveLength(length + 2);
  });
  test("is asked for once a second, three times, then held unreachable, then asked for again", () => {
    const host = makeHost();
    expect(host.host.lookup(PEER)).toBe(arp.ARP_UNRESOLVED);
    expect(host.host.lookup(PEER)).toBe(arp.ARP_UNRESOLVED);
    expect(host.link.sent).toHaveLength(1);
    host.later(1);
    host.later(1);
    expect(host.link.sent).toHaveLength(3);
    host.later(1);
    expect(host.host.lookup(PEER)).toBe(arp.ARP_UNREACHABLE);
    host.later(arp.HOLD_DOWN_SECONDS - 1);
    expect(host.host.lookup(PEER)).toBe(arp.ARP_UNREACHABLE);
    expect(host.link.sent).toHaveLength(3);
    host.later(1);
    expect(host.host.lookup(PEER)).toBe(arp.ARP_UNRESOLVED);
    expect(host.link.sent).toHaveLength(4);
  });

  test("is found soon, whatever number of others is asked for that nobody has", () => {
    const { host, link, arrives, clock, resolved } = makeHost();
    let strangers = 0;
    for (let step = 0; step < 2000 && resolved.length === 0; step++) {
      clock.advance(0.001);
      host.poll();
      host.lookup(step % 6 === 0 ? PEER : 0x0a00_0010 + (strangers++ % 200));
      if (link.sent.some((frame) => wire.targetAddress(frame, 14) === PEER)) arrives(fromPeer(2));
      link.sent.length = 0;
    }
    expect(resolved).toEqual([PEER]);
    for (let address = 0x0a00_0010; address < 0x0a00_00d0; address++) host.lookup(address);
    expect(host.lookup(PEER)).toBeGreaterThanOrEqual(0);
  });
  test("is resolved by the answer, and those who waited are told once", () => {
    const host = makeHost();
    host.host.lookup(PEER);
    host.arrives(fromPeer(2));
    expect(host.resolved).toEqual([PEER]);
    const row = host.host.lookup(PEER);
    expect([host.host.high(row), host.host.low(row)]).toEqual([0x0200, 2]);
    host.arrives(fromPeer(2));
    expect(host.resolved).toEqual([PEER]);
  });

  test("is used while stale, and its last holder asked first", () => {
    const host = makeHost();
    host.arrives(fromPeer(2));
    host.later(arp.REACHABLE_SECONDS);
    expect(stateOf(host, PEER)).toBe(ARP_STATE.stale);
    expect(host.host.wakeAt()).toBe(Infinity);
    expect(host.host.lookup(PEER)).toBeGreaterThanOrEqual(0);
    expect(stateOf(host, PEER)).toBe(ARP_STATE.probing);
    const frame = host.link.sent[0] as Window;
    expect([destinationHigh(frame, 0), destinationLow(frame, 0)]).toEqual([0x0200, 2]);
    host.arrives(fromPeer(2));
    expect(stateOf(host, PEER)).toBe(ARP_STATE.reachable);
  });

  test("stays in use while the limit holds back the requests that it would answer", () => {
    const { host, link, arrives, later } = makeHost();
    const last = US + 1 + 200;
    const claim = (sender: number) =>
      arpPacket({ operation: 2, sender: [...PEER_HARDWARE, sender], target: [0, 0, US] });
    for (let address = US + 1; address <= last; address++) arrives(claim(address));
    later(arp.REACHABLE_SECONDS);
    link.sent.length = 0;
    for (let second = 0; second < 20; second++) {
      for (let address = US + 1; address <= last; address++) host.lookup(address);
      expect(host.lookup(last)).toBeGreaterThanOrEqual(0);
      const asked = link.sent.some((frame) => wire.targetAddress(frame, 14) === last);
      link.sent.length = 0;
      if (asked) arrives(claim(last));
      later(1);
    }
    expect(host.lookup(US + 1)).toBe(arp.ARP_UNREACHABLE);
    expect(host.counters.limited).toBeGreaterThan(0);
  });
  test("that stopped answering becomes unreachable after three requests", () => {
    const host = makeHost();
    host.arrives(fromPeer(2));
    host.later(arp.REACHABLE_SECONDS);
    host.host.lookup(PEER);
    for (let second = 0; second < 3; second++) host.later(1);
    expect(host.host.lookup(PEER)).toBe(arp.ARP_UNREACHABLE);
    expect(host.link.sent).toHaveLength(3);
  });
});

describe("what is not learnt", () => {
  test("a stranger's packet to somebody else", () => {
    const host = makeHost();
    host.arrives(fromPeer(2, 0x0a00_0007));
    expect(host.host.readers.find(PEER)).toBe(-1);
  });

  test("an address off the link", () => {
    const host = makeHost();
    host.arrives(arpPacket({ operation: 1, sender: [0x0200, 9, 0x0808_0808], target: [0, 0, US] }));
    expect(host.host.readers.find(0x0808_0808)).toBe(-1);
  });

  test("our own address from somebody else, which is a conflict", () => {
    const host = makeHost();
    host.arrives(arpPacket({ operation: 1, sender: [0x0200, 9, US], target: [0, 0, US] }));
    expect(host.host.counters.conflicts).toBe(1);
    expect(host.link.sent).toHaveLength(0);
  });

  test("a neighbour's address from somebody else, as long as the neighbour answers", () => {
    const { host, link, arrives, later } = makeHost();
    arrives(fromPeer(2));
    for (let second = 0; second < 100; second++) {
      for (let times = 0; times < 50; times++) arrives(fromPeer(2, US, [0x0600, 6]));
      expect(link.sent.length).toBeLessThanOrEqual(1);
      for (const frame of link.sent) {
        expect([destinationHigh(frame, 0), destinationLow(frame, 0)]).toEqual(PEER_HARDWARE);
        arrives(fromPeer(2));
      }
      link.sent.length = 0;
      expect(host.low(host.lookup(PEER))).toBe(2);
      later(1);
    }
    expect(host.counters.conflicts).toBe(5000);
  });

  test("a neighbour's address from somebody else, until the neighbour was asked in vain", () => {
    const host = makeHost();
    host.arrives(fromPeer(2));
    host.later(arp.LOCK_SECONDS);
    const seconds: number[] = [];
    for (let second = 0; second < 4; second++) {
      host.arrives(fromPeer(2, US, [0x0600, 6]));
      seconds.push(host.host.low(host.host.lookup(PEER)));
      host.later(arp.RETRY_SECONDS);
    }
    expect(seconds).toEqual([2, 2, 6, 6]);
  });

  test("anything for a permanent address", () => {
    const host = makeHost();
    host.host.addPermanent(PEER, 0x0200, 2);
    host.later(1000);
    host.arrives(fromPeer(2, US, [0x0600, 6]));
    expect(host.host.low(host.host.lookup(PEER))).toBe(2);
  });

  test.each([
    [0x0100, 5],
    [0, 0],
  ] as const)("a sender with the Ethernet address %i %i", (high, low) => {
    const host = makeHost();
    host.arrives(fromPeer(2, US, [high, low]));
    expect(host.host.counters.malformed).toBe(1);
  });
});

test("a flood of senders leaves the table bounded", () => {
  const host = makeHost();
  for (let n = 2; n < 2000; n++)
    host.arrives(
      arpPacket({ operation: 2, sender: [0x0200, n, 0x0a00_0000 + (n % 250) + 2], target: [0, 0, US] }),
    );
  expect(host.host.readers.count).toBe(256);
});

test("no bytes make it throw", () => {
  const host = makeHost();
  const prefix = fc.constantFrom([], [0, 1, 8, 0, 6, 4]);
  fc.assert(
    fc.property(prefix, fc.uint8Array({ maxLength: 40 }), (start, rest) => {
      host.arrives(windowOf([...start, ...rest]));
    }),
  );
});
