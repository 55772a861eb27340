/** Ethernet frames by the byte: ARP, IPv4 with options and what it carries, IPv6. */
import type { RandomSequence } from "@exolith/hw-model";

const ETHERNET_BYTES = 14;
/** A frame is never shorter, without its check sequence. */
const LEAST_BYTES = 60;
const TYPE_IPV4 = 0x0800;
const TYPE_ARP = 0x0806;
const TYPE_IPV6 = 0x86dd;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const TRANSPORT_BYTES: Readonly<Record<number, number>> = { 1: 8, 6: 20, 17: 8 };

/** An IPv4 packet. Ports are those of TCP and UDP; other protocols have random bytes there. */
export interface Ipv4Frame {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly port?: number;
  /** Bytes of IPv4 options: a multiple of 4, at most 40. */
  readonly options: number;
  readonly payload: number;
  readonly identification: number;
  /** Units of 8 bytes before this fragment; 0 for a whole packet. */
  readonly fragment?: number;
  /** Fills what nothing depends on. */
  readonly random: RandomSequence;
}

/** A frame of `bytes`, or of the least that there is, with its addresses and its type; the rest is noise. */
function makeFrame(bytes: number, type: number, random: RandomSequence): DataView {
  const view = new DataView(new ArrayBuffer(Math.max(bytes, LEAST_BYTES)));
  for (let at = ETHERNET_BYTES; at + 4 <= bytes; at += 4) view.setUint32(at, random.next());
  view.setUint32(0, 0x02000000);
  view.setUint16(4, 2);
  view.setUint32(6, 0x02000000);
  view.setUint16(10, 1 + random.below(200));
  view.setUint16(12, type);
  return view;
}

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer);

/** The Internet checksum (RFC 1071) of `length` bytes at `at`. */
function checksum(view: DataView, at: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 2) sum += view.getUint16(at + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An IPv4 packet in an Ethernet frame; transport checksums are noise. */
export function ipv4Frame(packet: Ipv4Frame): Uint8Array {
  const header = IPV4_BYTES + packet.options;
  const total = header + (TRANSPORT_BYTES[packet.protocol] ?? 0) + packet.payload;
  const view = makeFrame(ETHERNET_BYTES + total, TYPE_IPV4, packet.random);
  const at = ETHERNET_BYTES;
  view.setUint16(at, 0x4500 + (header / 4) * 256 - 0x500);
  view.setUint16(at + 2, total);
  view.setUint16(at + 4, packet.identification);
  view.setUint16(at + 6, packet.fragment ?? 0x4000);
  view.setUint16(at + 8, 64 * 256 + packet.protocol);
  view.setUint16(at + 10, 0);
  view.setUint32(at + 12, packet.source);
  view.setUint32(at + 16, packet.destination);
  for (let i = IPV4_BYTES; i < header; i++) view.setUint8(at + i, 1);
  view.setUint16(at + 10, checksum(view, at, header));
  if (packet.sourcePort !== undefined) view.setUint16(at + header, packet.sourcePort);
  if (packet.port !== undefined) view.setUint16(at + header + 2, packet.port);
  if (packet.protocol === 6) view.setUint16(at + header + 12, 0x5010);
  return bytesOf(view);
}

/** An ARP request (`operation` 1) or reply (2) from `sender` about `target`. */
export function arpFrame(
  operation: number,
  sender: number,
  target: number,
  random: RandomSequence,
): Uint8Array {
  const view = makeFrame(42, TYPE_ARP, random);
  view.setUint16(14, 1);
  view.setUint16(16, TYPE_IPV4);
  view.setUint16(18, 0x0604);
  view.setUint16(20, operation);
  view.setUint32(28, sender);
  view.setUint32(38, target);
  if (operation === 1) for (let i = 0; i < 6; i++) view.setUint8(i, 0xff);
  return bytesOf(view);
}

/** An IPv6 packet whose first header behind the fixed one is `next`; addresses and the rest are noise. */
export function ipv6Frame(next: number, payload: number, random: RandomSequence): Uint8Array {
  const length = (TRANSPORT_BYTES[next] ?? 8) + payload;
  const view = makeFrame(ETHERNET_BYTES + IPV6_BYTES + length, TYPE_IPV6, random);
  view.setUint32(ETHERNET_BYTES, 0x60000000);
  view.setUint16(ETHERNET_BYTES + 4, length);
  view.setUint16(ETHERNET_BYTES + 6, next * 256 + 64);
  return bytesOf(view);
}
