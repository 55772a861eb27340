/** Every TCP packet that crosses an interface, taken apart and summed by the test itself. */
import type { FrameSink } from "@exolith/hw-model";

/** One packet. */
export interface LoggedPacket {
  readonly direction: "in" | "out";
  readonly flags: string;
  /** Bytes of the IPv4 header, of the TCP header, and of text. */
  readonly ipBytes: number;
  readonly tcpBytes: number;
  readonly textBytes: number;
  /** True when TCP's checksum is that of pseudo-header and segment (RFC 9293 section 3.1). */
  readonly isSumRight: boolean;
}

/** Packets in the order in which the machine saw them. */
export interface PacketLog extends FrameSink {
  readonly packets: LoggedPacket[];
}

const ETHERNET_BYTES = 14;
const TCP = 6;
/** Bits of the flags, lowest first. */
const FLAGS = "FSRPA";

/** An empty log. */
export function makePacketLog(): PacketLog {
  const packets: LoggedPacket[] = [];
  return {
    packets,
    frame: ({ direction, bytes, at, length }) => {
      const packet = Buffer.from(bytes.subarray(at + ETHERNET_BYTES, at + length));
      const isTcp = bytes[at + 12] === 8 && bytes[at + 13] === 0 && packet[9] === TCP;
      if (isTcp) packets.push({ direction, ...takeApart(packet) });
    },
  };
}

function takeApart(packet: Buffer): Omit<LoggedPacket, "direction"> {
  const ipBytes = (packet.readUInt8(0) & 15) * 4;
  const segment = packet.subarray(ipBytes, packet.readUInt16BE(2));
  const tcpBytes = (segment.readUInt8(12) >> 4) * 4;
  const bits = segment.readUInt8(13);
  const flags = [...FLAGS].filter((_, bit) => (bits & (1 << bit)) !== 0).join("");
  const sum = sumWords(packet.subarray(12, 20)) + TCP + segment.length + sumWords(segment);
  return {
    flags,
    ipBytes,
    tcpBytes,
    textBytes: segment.length - tcpBytes,
    isSumRight: sum > 0 && sum % 0xffff === 0,
  };
}

function sumWords(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at++) sum += bytes.readUInt8(at) << (at % 2 === 0 ? 8 : 0);
  return sum;
}
