import type { Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HOST, PEER, makePacketHost } from "../testing/packet-host.ts";
import { ipv4Packet, udpPacket } from "../testing/packets.ts";
import { cut, windowOf } from "../testing/recorded-link.ts";
import { pseudoHeaderSum } from "./checksum.ts";
import { DYNAMIC_PORTS } from "./udp.ts";
import * as wire from "./wire/udp-wire.ts";

const PORT = 7000;
const ENDS = { source: PEER, sourcePort: 9, destination: HOST, destinationPort: PORT };

function makeHost() {
  const host = makePacketHost();
  const heard: unknown[] = [];
  host.udp.bind(PORT, (window, at, length, source, sourcePort) =>
    heard.push([window.text(at, length), source, sourcePort]),
  );
  const datagram = (bytes: Window, destination: number = HOST): void =>
    host.arrives(ipv4Packet({ source: PEER, destination, protocol: 17 }, bytes));
  return { ...host, heard, datagram };
}

test("a datagram reaches whoever bound its port, without padding", () => {
  const host = makeHost();
  const padded = makeWindow(30);
  padded.copy(0, udpPacket(ENDS, windowOf([104, 105])), 0, 10);
  host.datagram(padded);
  expect(host.heard).toEqual([["hi", PEER, 9]]);
});

test("a datagram without a checksum is taken, one with a wrong one is not", () => {
  const host = makeHost();
  const packet = udpPacket(ENDS, windowOf([104, 105]));
  packet.setU8(8, 105);
  host.datagram(packet);
  expect(host.heard).toHaveLength(0);
  packet.setU16(6, 0);
  host.datagram(packet);
  expect(host.heard).toEqual([["ii", PEER, 9]]);
  expect(host.udp.counters.badChecksum).toBe(1);
});

test("a broadcast reaches its port, and is never answered with an error", () => {
  const host = makeHost();
  host.datagram(udpPacket({ ...ENDS, destination: 0x0a00_00ff }, windowOf([104])), 0x0a00_00ff);
  expect(host.heard).toHaveLength(1);
  host.datagram(
    udpPacket({ ...ENDS, destination: 0x0a00_00ff, destinationPort: 1 }, windowOf([104])),
    0x0a00_00ff,
  );
  expect(host.udp.counters.noPort).toBe(1);
  expect(host.link.sent).toHaveLength(0);
});

test.each([
  ["shorter than a header", 7],
  ["longer than the datagram", 11],
])("a length %s is malformed", (_, length) => {
  const host = makeHost();
  const packet = udpPacket(ENDS, windowOf([104, 105]));
  packet.setU16(4, length);
  host.datagram(packet);
  expect(host.udp.counters.malformed).toBe(1);
  expect(host.heard).toHaveLength(0);
});

test("what is sent has a right sum, never 0, and is what its peer hears", () => {
  const host = makeHost();
  const port = fc.integer({ min: 1, max: 65_535 });
  fc.assert(
    fc.property(port, port, fc.uint8Array({ maxLength: 300 }), (sourcePort, destinationPort, data) => {
      host.link.sent.length = 0;
      const window = windowOf(data);
      const result = host.udp.send({
        sourcePort,
        destination: PEER,
        destinationPort,
        window,
        at: 0,
        length: data.length,
      });
      expect(result).toBe("sent");
      const frame = host.link.sent[0] as Window;
      const sent = cut(frame, 34, frame.length - 34);
      expect(wire.udpChecksum(sent, 0)).not.toBe(0);
      expect(sent.checksum(0, sent.length, pseudoHeaderSum(HOST, PEER, 17, sent.length))).toBe(0xffff);
      expect([wire.udpSourcePort(sent, 0), wire.udpDestinationPort(sent, 0)]).toEqual([
        sourcePort,
        destinationPort,
      ]);
      expect(sent.equals(8, window, 0, data.length)).toBe(true);
    }),
  );
});

test("a datagram longer than the link carries is not sent", () => {
  const host = makeHost();
  const window = makeWindow(70_000);
  const send = (length: number) =>
    host.udp.send({ sourcePort: 1, destination: PEER, destinationPort: 2, window, at: 0, length });
  expect(send(1472)).toBe("sent");
  expect(send(1473)).toBe("unreachable");
  expect(send(66_000)).toBe("unreachable");
  expect(host.ipv4.payload.count).toBe(0);
});

test("a port is bound once, and free again when it is unbound", () => {
  const { udp } = makePacketHost();
  const nobody = (): void => {};
  expect(udp.bind(0, nobody)).toBe(false);
  expect(udp.bind(65_536, nobody)).toBe(false);
  expect(udp.bind(80, nobody)).toBe(true);
  expect(udp.bind(80, nobody)).toBe(false);
  udp.unbind(80);
  expect(udp.bind(80, nobody)).toBe(true);
  expect(udp.bindAny(nobody)).toBe(DYNAMIC_PORTS);
  expect(udp.bindAny(nobody)).toBe(DYNAMIC_PORTS + 1);
});

test("no bytes make it throw", () => {
  const host = makeHost();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => host.datagram(windowOf(bytes))));
});
