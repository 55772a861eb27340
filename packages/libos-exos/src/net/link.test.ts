import { capSlot, must } from "@exolith/exokernel/abi";
import { makeRig } from "@exolith/exokernel/testing";
import { expect, test } from "vitest";
import { makeFramePool } from "../memory/frame-pool.ts";
import { nicAddress } from "./address.ts";
import { transmitFilters } from "./filters.ts";
import { FRAME_KIND, RESCAN_SECONDS, findTransmitBindings, makeLink, type FrameKind } from "./link.ts";
import { PieceList } from "./piece-list.ts";
import { setArp, setArpSender } from "./wire/arp-wire.ts";
import { setIpv4Constants, setIpv4Ends } from "./wire/ipv4-wire.ts";

const ROOT = capSlot(0);
const US = 0x0a00_0001;

function makeSender() {
  const rig = makeRig();
  const gate = rig.environment([1, 1]);
  const pool = makeFramePool(gate, ROOT);
  const link = makeLink(gate, 0);
  const header = must(pool.run(1));
  const own = nicAddress(gate, 0);
  const filters = transmitFilters(own, US);
  const bind = (kind: FrameKind) => must(rig.root.transmitBind(0, filters[kind], gate.self, ROOT, ROOT));
  const send = (kind: FrameKind, address: number = US) => {
    link.prepare(kind, header, 0);
    link.address(header, 0, 0x0200, 9);
    if (kind === FRAME_KIND.arp) {
      setArp(header, 14, 1);
      setArpSender(header, 14, link.high, link.low, address);
    } else {
      setIpv4Constants(header, 14, 64);
      setIpv4Ends(header, 14, 17, address, 0x0a00_0002);
    }
    return link.send(kind, header, 0, 60, undefined);
  };
  const later = (seconds: number) =>
    rig.machine.clock.advance((gate.clock.now() + seconds * gate.clock.hertz) as never);
  return { rig, gate, link, header, pool, bind, send, later };
}

test("each kind finds its binding, in the order that a board binds them", () => {
  const { gate, link, bind, send } = makeSender();
  const bindings = [bind(FRAME_KIND.arp), bind(FRAME_KIND.ipv4)];
  expect(findTransmitBindings(gate, 0)).toEqual(bindings);
  expect([send(FRAME_KIND.ipv4), send(FRAME_KIND.arp)]).toEqual(["sent", "sent"]);
  for (const binding of bindings) {
    expect(gate.transmits.sent(binding & 0xffff)).toBe(1);
    expect(gate.transmits.refused(binding & 0xffff)).toBe(0);
  }
  expect({ ...link.counters }).toMatchObject({ sent: 2, sentBytes: 120, forged: 0 });
});

test("bindings in another order are found out once", () => {
  const { gate, bind, send } = makeSender();
  const ipv4 = bind(FRAME_KIND.ipv4);
  const arp = bind(FRAME_KIND.arp);
  for (let i = 0; i < 10; i++)
    expect([send(FRAME_KIND.arp), send(FRAME_KIND.ipv4)]).toEqual(["sent", "sent"]);
  expect([gate.transmits.sent(arp & 0xffff), gate.transmits.sent(ipv4 & 0xffff)]).toEqual([10, 10]);
  expect([gate.transmits.refused(arp & 0xffff), gate.transmits.refused(ipv4 & 0xffff)]).toEqual([1, 1]);
});

test("a forged source leaves through no binding", () => {
  const { link, bind, send } = makeSender();
  bind(FRAME_KIND.arp);
  bind(FRAME_KIND.ipv4);
  expect(send(FRAME_KIND.ipv4, US + 1)).toBe("refused");
  expect(send(FRAME_KIND.arp, US + 1)).toBe("refused");
  expect(link.counters.forged).toBe(2);
  expect(send(FRAME_KIND.ipv4)).toBe("sent");
});

test("without a binding nothing leaves; one made later is found, and one that goes away stops its kind alone", () => {
  const { rig, link, bind, send, later } = makeSender();
  later(10);
  expect(send(FRAME_KIND.arp)).toBe("refused");
  const arp = bind(FRAME_KIND.arp);
  expect(send(FRAME_KIND.arp)).toBe("refused");
  later(RESCAN_SECONDS);
  expect(send(FRAME_KIND.arp)).toBe("sent");
  later(RESCAN_SECONDS);
  expect(send(FRAME_KIND.ipv4)).toBe("refused");
  bind(FRAME_KIND.ipv4);
  later(RESCAN_SECONDS);
  expect(send(FRAME_KIND.ipv4)).toBe("refused");
  expect(send(FRAME_KIND.ipv4)).toBe("sent");
  must(rig.root.transmitUnbind(arp, ROOT));
  expect(send(FRAME_KIND.arp)).toBe("refused");
  expect(send(FRAME_KIND.ipv4)).toBe("sent");
  expect(link.counters.unbound).toBe(3);
});

test("a piece whose window is dead is counted and does not throw", () => {
  const { link, bind, header, pool } = makeSender();
  bind(FRAME_KIND.arp);
  bind(FRAME_KIND.ipv4);
  const dead = must(pool.run(1));
  const pieces = new PieceList();
  pieces.add(dead, 0, 8);
  pool.release(dead);
  expect(link.send(FRAME_KIND.ipv4, header, 0, 60, pieces)).toBe("refused");
  expect(link.counters.malformed).toBe(1);
});

test("a full interface says so", () => {
  const { link, bind, send } = makeSender();
  bind(FRAME_KIND.arp);
  bind(FRAME_KIND.ipv4);
  const results = new Set<string>();
  for (let i = 0; i < 2000; i++) results.add(send(FRAME_KIND.ipv4));
  expect([...results]).toEqual(["sent", "full"]);
  expect(link.counters.full).toBe(2000 - link.counters.sent);
});
