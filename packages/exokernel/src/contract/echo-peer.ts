/** The far end of a wire, played by hand: asks for an address, then for an echo, and checks what comes back. */
import type { LibosPeer } from "./libos-board.ts";

/** Who talks to whom: Ethernet octets and IPv4 addresses as unsigned numbers. */
export interface EchoEnds {
  readonly hardware: readonly number[];
  readonly address: number;
  readonly peerHardware: readonly number[];
  readonly peerAddress: number;
}

const ETHERNET = 14;
const ARP_FRAME = 60;
const ECHO_BYTES = 32;

/** RFC 1071. */
function checksum(view: DataView, at: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 2) sum += view.getUint16(at + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const makeFrame = (
  length: number,
  to: readonly number[],
  from: readonly number[],
  type: number,
): DataView => {
  const bytes = new Uint8Array(length);
  bytes.set(to, 0);
  bytes.set(from, 6);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, type);
  return view;
};

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer);
const BROADCAST = [255, 255, 255, 255, 255, 255];

/** An ARP packet (RFC 826): 1 asks, 2 answers. */
function arpFrame(ends: EchoEnds, operation: 1 | 2, to: readonly number[]): Uint8Array {
  const view = makeFrame(ARP_FRAME, to, ends.peerHardware, 0x0806);
  view.setUint32(14, 0x0001_0800);
  view.setUint32(18, 0x0604_0000 | operation);
  bytesOf(view).set(ends.peerHardware, 22);
  view.setUint32(28, ends.peerAddress);
  if (operation === 2) bytesOf(view).set(to, 32);
  view.setUint32(38, ends.address);
  return bytesOf(view);
}

/** An ICMP echo request (RFC 792) in IPv4 (RFC 791). */
function echoFrame(ends: EchoEnds, sequence: number): Uint8Array {
  const view = makeFrame(ETHERNET + 20 + 8 + ECHO_BYTES, ends.hardware, ends.peerHardware, 0x0800);
  view.setUint16(14, 0x4500);
  view.setUint16(16, 28 + ECHO_BYTES);
  view.setUint16(18, sequence);
  view.setUint16(22, 0x4001);
  view.setUint32(26, ends.peerAddress);
  view.setUint32(30, ends.address);
  view.setUint16(24, checksum(view, 14, 20));
  view.setUint8(34, 8);
  view.setUint16(38, 0x4558);
  view.setUint16(40, sequence);
  for (let i = 0; i < ECHO_BYTES; i++) view.setUint8(42 + i, sequence + i);
  view.setUint16(36, checksum(view, 34, 8 + ECHO_BYTES));
  return bytesOf(view);
}

/** True for a whole and correct reply to `sequence`. */
function isReply(ends: EchoEnds, sequence: number, frame: Uint8Array): boolean {
  const sent = echoFrame(ends, sequence);
  if (frame.length !== sent.length) return false;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (view.getUint16(12) !== 0x0800 || view.getUint8(34) !== 0) return false;
  if (checksum(view, 14, 20) !== 0 || checksum(view, 34, 8 + ECHO_BYTES) !== 0) return false;
  if (view.getUint32(26) !== ends.address || view.getUint32(30) !== ends.peerAddress) return false;
  return frame.subarray(38).every((byte, i) => byte === sent[38 + i]);
}

/** For a library operating system that answers ARP and ICMP echo. */
export function makeEchoPeer(ends: EchoEnds): LibosPeer {
  let sequence = 0;
  let answered = 0;
  return {
    request: () => {
      sequence = (sequence + 1) & 0xffff;
      return [arpFrame(ends, 1, BROADCAST), echoFrame(ends, sequence)];
    },
    hear: (frame) => {
      const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
      const asks =
        frame.length >= 42 &&
        view.getUint16(12) === 0x0806 &&
        view.getUint16(20) === 1 &&
        view.getUint32(38) === ends.peerAddress;
      if (asks) return [arpFrame(ends, 2, [...frame.subarray(6, 12)])];
      if (isReply(ends, sequence, frame)) answered += 1;
      return [];
    },
    answered: () => answered,
  };
}
