/** IPv6 packets by the byte, as they are on an Ethernet: for tests of filters. */
import type { Ipv6Address } from "../filter/builders.ts";
import { bytes, long, word } from "./packets.ts";

/** The IPv6 address `2001:db8::n`. */
export const ipv6 = (n: number): Ipv6Address => [0x2001_0db8, 0, 0, n];

/** An extension header. */
export interface ExtensionFields {
  /** Its protocol number. */
  readonly number: number;
  /** All its bytes: a multiple of eight; 8 when absent. */
  readonly length?: number;
  /** Of a fragment header: offset in units of eight bytes, and whether more follow. */
  readonly offset?: number;
  readonly more?: boolean;
  readonly identification?: number;
}

/** What an IPv6 packet is made of; every field has an ordinary value when absent. */
export interface Packet6Fields {
  readonly source?: Ipv6Address;
  readonly destination?: Ipv6Address;
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly port?: number;
  readonly hopLimit?: number;
  readonly headers?: readonly ExtensionFields[];
  /** What stands behind the headers; a transport header with the ports when absent. */
  readonly payload?: readonly number[];
}

function extension({ number, length = 8, ...fields }: ExtensionFields, next: number): number[] {
  if (number !== 44) return [next, length / 8 - 1, ...Array.from({ length: length - 2 }, () => 1)];
  const { offset = 0, more = false, identification = 0x1234_5678 } = fields;
  return [next, 0, ...word((offset << 3) | Number(more)), ...long(identification)];
}

/**
 * An Ethernet frame from 02:…:01 to 02:…:02 with an IPv6 packet.
 *
 * By default TCP from 2001:db8::1 port 49152 to 2001:db8::2 port 80. Checksums are zero.
 */
export function ipv6Packet(fields: Packet6Fields = {}): Uint8Array {
  const { source = ipv6(1), destination = ipv6(2), protocol = 6, hopLimit = 64, headers = [] } = fields;
  const { sourcePort = 49152, port = 80 } = fields;
  const transport = [
    ...word(sourcePort),
    ...word(port),
    ...bytes("00 00 00 01 00 00 00 00 50 02 ff ff 00 00 00 00"),
  ];
  const numbers = [...headers.map(({ number }) => number), protocol];
  const behind = [
    ...headers.flatMap((header, i) => extension(header, numbers[i + 1] ?? protocol)),
    ...(fields.payload ?? transport),
  ];
  return Uint8Array.from([
    ...bytes("02 00 00 00 00 02 02 00 00 00 00 01 86 dd 60 00 00 00"),
    ...word(behind.length),
    numbers[0] ?? protocol,
    hopLimit,
    ...source.flatMap(long),
    ...destination.flatMap(long),
    ...behind,
  ]);
}

/** A message of neighbour discovery: `option` is a type and the last octet of the address 02:…; 0 for none. */
export function neighbourPacket(
  type: number,
  target: Ipv6Address,
  option: readonly [number, number] | undefined,
  fields: Packet6Fields = {},
): Uint8Array {
  const link = option === undefined ? [] : [option[0], 1, 2, 0, 0, 0, 0, option[1]];
  const payload = [type, 0, 0, 0, 0, 0, 0, 0, ...target.flatMap(long), ...link];
  return ipv6Packet({ protocol: 58, hopLimit: 255, ...fields, payload });
}
