/**
 * A program for tests: `send-strange.ts <interface> <frames> <seed> <target octets> <target> <source>`.
 *
 * Sends frames through a packet socket whose virtio headers say what the frames may not bear out: segments that are
 * none, sizes from 0 up, checksums that begin or lie anywhere. Linux refuses some of it. Prints how many it took.
 */
import { loadLinuxLibrary } from "../src/host/linux-library.ts";

const AF_PACKET = 17,
  SOCK_RAW = 3,
  SOL_PACKET = 263,
  VIRTIO_HEADER = 15,
  SIOCGIFINDEX = 0x8933;
/** Room for the virtio header and a frame. */
const HEADER_BYTES = 10,
  FRAME_BYTES = 60_000;
const SEGMENT_AT = HEADER_BYTES + 34;

const [name = "", frames = "0", seed = "1", octets = "", target = "", source = ""] = process.argv.slice(2);
const linux = await loadLinuxLibrary("a packet socket");
const descriptor = linux.socket(AF_PACKET, SOCK_RAW, 0);
linux.setsockopt(descriptor, SOL_PACKET, VIRTIO_HEADER, new Uint8Array(Uint32Array.of(1).buffer), 4);
const request = Buffer.alloc(40);
request.write(name, "latin1");
if (linux.ioctl(descriptor, SIOCGIFINDEX, request) < 0) throw new Error(`no interface ${name}`);
const address = Buffer.alloc(20);
address.writeUInt16LE(AF_PACKET, 0);
address.writeUInt16BE(0x0800, 2);
address.writeInt32LE(request.readInt32LE(16), 4);
if (linux.bind(descriptor, address, 20) < 0) throw new Error(`cannot use ${name}`);

let state = (Math.imul(Number(seed), 2_654_435_761) ^ 0x2545_f491) >>> 0 || 1;
const below = (limit: number): number => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
};
const pick = (values: readonly number[]): number => values[below(values.length)] ?? 0;

const bytes = Buffer.alloc(HEADER_BYTES + FRAME_BYTES, "GET /small.txt HTTP/1.1\r\n");
const vector = Buffer.alloc(16);
const at = linux.address(bytes);
vector.writeBigUInt64LE(BigInt(at), 0);

/** A segment of TCP whose checksums are left to whoever completes them. */
function writeFrame(length: number): void {
  bytes.set(
    octets.split(":").map((word) => Number.parseInt(word, 16)),
    HEADER_BYTES,
  );
  bytes.set([2, 0, 0, 0, 0, 0x99, 8, 0, 0x45, 0], HEADER_BYTES + 6);
  const ip = HEADER_BYTES + 14;
  bytes.writeUInt16BE(length - 14, ip + 2);
  bytes.writeUInt32BE((below(0x1_0000) << 16) >>> 0, ip + 4);
  bytes.writeUInt16BE(0x4006, ip + 8);
  bytes.writeUInt16BE(0, ip + 10);
  bytes.set(source.split(".").map(Number), ip + 12);
  bytes.set(target.split(".").map(Number), ip + 16);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += bytes.readUInt16BE(ip + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  bytes.writeUInt16BE(~sum & 0xffff, ip + 10);
  bytes.writeUInt16BE(1024 + below(64_000), SEGMENT_AT);
  bytes.writeUInt16BE(80, SEGMENT_AT + 2);
  bytes.writeUInt32BE(state >>> 0, SEGMENT_AT + 4);
  bytes.writeUInt16BE(pick([0x5002, 0x5010, 0x5018, 0x5012, 0xf018, 0x0010]), SEGMENT_AT + 12);
}

/** What the virtio header says: flags, kind, bytes of headers, of a segment, and where the checksum begins and lies. */
function writeHeader(): void {
  bytes[0] = pick([0, 1, 1, 2, 3, 255]);
  bytes[1] = pick([0, 0, 1, 1, 1, 0x81, 3, 4, 5, 255]);
  bytes.writeUInt16LE(pick([0, 14, 34, 54, 54, 54, 100, 65_535, below(65_536)]), 2);
  bytes.writeUInt16LE(pick([0, 1, 8, 88, 536, 1446, 1460, 1460, 1461, 9000, 65_535]), 4);
  bytes.writeUInt16LE(pick([0, 14, 33, 34, 34, 34, 35, 1500, 65_535, below(200)]), 6);
  bytes.writeUInt16LE(pick([0, 6, 16, 16, 16, 17, 1000, 65_534, 65_535, below(200)]), 8);
}

let taken = 0;
for (let sent = 0; sent < Number(frames); sent++) {
  const length = pick([54, 60, 100, 1514, 1515, 3000, 4014, 20_000, FRAME_BYTES, 54 + below(6000)]);
  writeFrame(length);
  writeHeader();
  vector.writeBigUInt64LE(BigInt(HEADER_BYTES + length), 8);
  if (linux.writev(descriptor, linux.address(vector), 1) > 0) taken += 1;
  if (sent % 64 === 63) linux.pause(1000);
}
linux.close(descriptor);
console.log(JSON.stringify({ frames: Number(frames), taken }));
