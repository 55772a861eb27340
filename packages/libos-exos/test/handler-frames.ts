/** Frames for handlers: plain ones of each protocol, made by hand. */

/** Who is at both ends. */
export const ENDS = {
  here: [2, 0, 0, 0, 0, 1],
  there: [2, 0, 0, 0, 0, 2],
  hereAddress: [10, 0, 0, 1],
  thereAddress: [10, 0, 0, 2],
} as const;

const high = (value: number): number => (value >>> 8) & 255;
const low = (value: number): number => value & 255;

/** Octets written in hexadecimal. */
export const octets = (text: string): readonly number[] =>
  text.split(" ").map((octet) => parseInt(octet, 16));

/** 32 bits in the order of the network. */
export const word = (value: number): readonly number[] => [
  high(value >>> 16),
  low(value >>> 16),
  high(value),
  low(value),
];

/** The ones' complement sum of `bytes`, folded (RFC 1071); 0xffff over what has a right checksum. */
export function onesSum(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

/** `bytes` with the checksum of all of them, and of `more`, at `at`. */
function summed(bytes: readonly number[], at: number, more: readonly number[] = []): readonly number[] {
  const checksum = ~onesSum([...more, ...bytes]) & 0xffff;
  return bytes.with(at, high(checksum)).with(at + 1, low(checksum));
}

/** Padded to the shortest frame. */
const padded = (bytes: readonly number[]): Uint8Array => {
  const frame = new Uint8Array(Math.max(60, bytes.length));
  frame.set(bytes);
  return frame;
};

/** IPv4 of `protocol` from there to here. */
export function ipv4Frame(protocol: number, body: readonly number[], timeToLive: number = 3): Uint8Array {
  const total = 20 + body.length;
  const header = summed(
    [0x45, 0, high(total), low(total), 0x12, 0x34, 0x40, 0, timeToLive, protocol, 0, 0],
    10,
    [...ENDS.thereAddress, ...ENDS.hereAddress],
  );
  return padded([
    ...ENDS.here,
    ...ENDS.there,
    0x08,
    0x00,
    ...header,
    ...ENDS.thereAddress,
    ...ENDS.hereAddress,
    ...body,
  ]);
}

/** An ICMP echo request. */
export const echoFrame = (data: readonly number[]): Uint8Array =>
  ipv4Frame(1, summed([8, 0, 0, 0, 0xab, 0xcd, 0, 7, ...data], 2));

/** A datagram, with UDP's sum or without. */
export function udpFrame(
  data: readonly number[],
  withSum: boolean = true,
  ports: readonly [number, number] = [4000, 7],
): Uint8Array {
  const length = 8 + data.length;
  const [from, to] = ports;
  const datagram = [high(from), low(from), high(to), low(to), high(length), low(length), 0, 0, ...data];
  const pseudo = [...ENDS.thereAddress, ...ENDS.hereAddress, 0, 17, high(length), low(length)];
  return ipv4Frame(17, withSum ? summed(datagram, 6, pseudo) : datagram);
}

/** An ARP request for our address. */
export const arpFrame = (): Uint8Array =>
  padded([
    ...octets("ff ff ff ff ff ff"),
    ...ENDS.there,
    ...octets("08 06 00 01 08 00 06 04 00 01"),
    ...ENDS.there,
    ...ENDS.thereAddress,
    ...octets("00 00 00 00 00 00"),
    ...ENDS.hereAddress,
  ]);

/** True when every sum in an answer of UDP or ICMP is right. */
export function isSound(frame: Uint8Array): boolean {
  const total = (frame[16] ?? 0) * 256 + (frame[17] ?? 0);
  const body = frame.subarray(34, 14 + total);
  if (onesSum(frame.subarray(14, 34)) !== 0xffff) return false;
  if (frame[23] === 1) return onesSum(body) === 0xffff;
  if (frame[40] === 0 && frame[41] === 0) return true;
  return onesSum([...frame.subarray(26, 34), 0, 17, high(body.length), low(body.length), ...body]) === 0xffff;
}
