/** Packets by the byte, as they are on an Ethernet: for tests of filters. */

/** Octets written in hexadecimal, with anything between. */
export const bytes = (text: string): number[] =>
  (text.match(/[0-9a-f]{2}/g) ?? []).map((octet) => Number.parseInt(octet, 16));
/** Sixteen bits in network byte order. */
export const word = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];
/** Thirty-two bits in network byte order. */
export const long = (value: number): number[] => [...word(value >>> 16), ...word(value)];

/** The IPv4 address `a.b.c.d` as an unsigned number. */
export const ipv4 = (a: number, b: number, c: number, d: number): number =>
  ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;

/** An ARP request from 02:00:00:00:00:01 (10.0.0.1): who has 10.0.0.2? */
export const ARP_REQUEST: Uint8Array = Uint8Array.from(
  bytes(`ff ff ff ff ff ff 02 00 00 00 00 01 08 06
         00 01 08 00 06 04 00 01 02 00 00 00 00 01 0a 00 00 01 00 00 00 00 00 00 0a 00 00 02`),
);

/** What an IPv4 packet is made of; every field has an ordinary value when absent. */
export interface PacketFields {
  readonly source?: number;
  readonly destination?: number;
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly port?: number;
  /** Bytes of IPv4 options, a multiple of four, at most 40. */
  readonly options?: number;
  /** Flags and fragment offset, as the 16 bits of the header. */
  readonly fragment?: number;
  readonly identification?: number;
}

/**
 * An Ethernet frame from 02:…:01 to 02:…:02 with an IPv4 packet and 20 bytes of transport header.
 *
 * By default TCP from 10.0.0.1 port 49152 to 10.0.0.2 port 80. Checksums are zero.
 */
export function ipv4Packet(fields: PacketFields = {}): Uint8Array {
  const { source = ipv4(10, 0, 0, 1), destination = ipv4(10, 0, 0, 2), protocol = 6 } = fields;
  const { sourcePort = 49152, port = 80, options = 0, fragment = 0x4000, identification = 0x1234 } = fields;
  return Uint8Array.from([
    ...bytes("02 00 00 00 00 02 02 00 00 00 00 01 08 00"),
    0x45 + options / 4,
    0,
    ...word(40 + options),
    ...word(identification),
    ...word(fragment),
    64,
    protocol,
    ...bytes("00 00"),
    ...long(source),
    ...long(destination),
    ...Array.from({ length: options }, () => 1),
    ...word(sourcePort),
    ...word(port),
    ...bytes("00 00 00 01 00 00 00 00 50 02 ff ff 00 00 00 00"),
  ]);
}

/** `frame` with an IEEE 802.1Q tag for the VLAN `id`, of priority 3 and drop eligible. */
export const tagged = (frame: Uint8Array, id: number, tag = 0x8100): Uint8Array =>
  Uint8Array.from([...frame.slice(0, 12), ...word(tag), ...word(0x7000 | id), ...frame.slice(12)]);
