import type { Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HOST, PEER, makePacketHost } from "../testing/packet-host.ts";
import { echoPacket, ipv4Packet, udpPacket } from "../testing/packets.ts";
import { cut, packetOf, windowOf } from "../testing/recorded-link.ts";
import { ERRORS_PER_SECOND } from "./icmp.ts";
import * as wire from "./wire/icmp-wire.ts";

const toUs = (payload: Window, destination: number = HOST): Window =>
  ipv4Packet({ source: PEER, destination, protocol: 1 }, payload);
const messageIn = (frame: Window | undefined): Window =>
  cut(frame as Window, 34, (frame as Window).length - 34);

describe("echo", () => {
  test("any request comes back as a reply with its bytes and a right sum", () => {
    const host = makePacketHost();
    const word = fc.nat(0xffff);
    fc.assert(
      fc.property(word, word, fc.uint8Array({ maxLength: 200 }), (identifier, sequence, data) => {
        host.link.sent.length = 0;
        host.arrives(toUs(echoPacket(8, identifier, sequence, windowOf(data))));
        const reply = messageIn(host.link.sent[0]);
        expect(wire.icmpType(reply, 0)).toBe(0);
        expect(reply.checksum(0, reply.length, 0)).toBe(0xffff);
        expect([wire.icmpIdentifier(reply, 0), wire.icmpSequence(reply, 0)]).toEqual([identifier, sequence]);
        expect(reply.length).toBe(8 + data.length);
        expect(reply.equals(8, windowOf(data), 0, data.length)).toBe(true);
      }),
    );
  });

  test("a broadcast request is not answered", () => {
    const host = makePacketHost();
    host.arrives(toUs(echoPacket(8, 1, 1, makeWindow(8)), 0x0a00_00ff));
    expect(host.link.sent).toHaveLength(0);
  });

  test("our request carries our bytes, and its reply reaches whoever listens", () => {
    const host = makePacketHost();
    const heard: unknown[] = [];
    host.icmp.listen(77, (source, sequence, window, at, length) =>
      heard.push([source, sequence, window.text(at, length)]),
    );
    expect(host.icmp.echo(PEER, 77, 5, { window: windowOf([120, 104, 105]), at: 1, length: 2 })).toBe("sent");
    const request = messageIn(host.link.sent[0]);
    expect(request.checksum(0, request.length, 0)).toBe(0xffff);
    host.arrives(toUs(echoPacket(0, 77, 5, cut(request, 8, 2))));
    host.arrives(toUs(echoPacket(0, 78, 5, cut(request, 8, 2))));
    expect(heard).toEqual([[PEER, 5, "hi"]]);
    host.icmp.listen(77, undefined);
    host.arrives(toUs(echoPacket(0, 77, 5, cut(request, 8, 2))));
    expect(heard).toHaveLength(1);
    expect(host.icmp.counters.repliesReceived).toBe(3);
  });
});

describe("errors", () => {
  const datagram = (): Window =>
    ipv4Packet(
      { source: PEER, destination: HOST, protocol: 17 },
      udpPacket(
        { source: PEER, sourcePort: 9, destination: HOST, destinationPort: 4000 },
        windowOf([1, 2, 3]),
      ),
    );

  test("port unreachable quotes the header and eight bytes", () => {
    const host = makePacketHost();
    const packet = datagram();
    host.arrives(packet);
    const error = messageIn(host.link.sent[0]);
    expect([wire.icmpType(error, 0), wire.icmpCode(error, 0)]).toEqual([3, 3]);
    expect(error.checksum(0, error.length, 0)).toBe(0xffff);
    expect(error.length).toBe(8 + 28);
    expect(error.equals(8, packet, 0, 28)).toBe(true);
  });

  test("they are limited in rate", () => {
    const host = makePacketHost();
    for (let i = 0; i < ERRORS_PER_SECOND + 7; i++) host.arrives(datagram());
    expect(host.icmp.counters.errorsSent).toBe(ERRORS_PER_SECOND);
    expect(host.icmp.counters.limited).toBe(7);
  });

  test.each([
    [3, "errorsReceived"],
    [11, "errorsReceived"],
    [13, "ignored"],
  ] as const)("a message of type %i is never answered", (type, counter) => {
    const host = makePacketHost();
    host.arrives(toUs(echoPacket(type, 0, 0, datagram())));
    expect(host.link.sent).toHaveLength(0);
    expect(host.icmp.counters[counter]).toBe(1);
  });
});

test("a wrong sum and a short message are refused", () => {
  const host = makePacketHost();
  const echo = echoPacket(8, 1, 1, makeWindow(4));
  echo.setU8(9, 1);
  host.arrives(toUs(echo));
  host.arrives(toUs(makeWindow(7)));
  expect([host.icmp.counters.badChecksum, host.icmp.counters.malformed]).toEqual([1, 1]);
  expect(host.link.sent).toHaveLength(0);
});

test("no bytes make it throw", () => {
  const host = makePacketHost();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => host.arrives(toUs(windowOf(bytes)))));
  for (const frame of host.link.sent) expect(packetOf(frame).length).toBeLessThan(1500);
});
