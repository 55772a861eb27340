/** Frames of UDP over IPv4, made by hand. */

/** Bytes of the headers of Ethernet, IPv4 and UDP. */
export const HEADER_BYTES = 42;

/** The checksum field over 16-bit words (RFC 1071). */
function checksumOf(view: DataView, at: number, length: number, more: number): number {
  let sum = more;
  for (let i = 0; i < length; i += 2)
    sum += i + 1 < length ? view.getUint16(at + i) : view.getUint8(at + i) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A datagram of `payload` bytes from 10.0.0.2 to port 7 of 10.0.0.1, with both sums. */
export function udpFrame(payload: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + payload);
  const view = new DataView(frame.buffer);
  frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45]);
  view.setUint16(16, frame.length - 14);
  frame.set([64, 17], 22);
  view.setUint32(26, 0x0a00_0002);
  view.setUint32(30, 0x0a00_0001);
  view.setUint16(24, checksumOf(view, 14, 20, 0));
  view.setUint16(34, 50_000);
  view.setUint16(36, 7);
  view.setUint16(38, 8 + payload);
  for (let i = 0; i < payload; i++) frame[HEADER_BYTES + i] = i < 12 ? 0 : (i * 37) & 255;
  const pseudo = 2 * 0x0a00 + 3 + 17 + 8 + payload;
  view.setUint16(40, checksumOf(view, 34, 8 + payload, pseudo));
  return frame;
}
