/** Frames: IPv4 in Ethernet, and how the answer to one begins. */

/** Bytes of the headers: Ethernet (IEEE 802.3), IPv4 without options (RFC 791), UDP (RFC 768). */
export const ETHERNET: usize = 14;
export const IPV4: usize = 20;
export const UDP: usize = 8;
/** Where the transport header is, and what UDP carries. */
export const TRANSPORT: usize = ETHERNET + IPV4;
export const PAYLOAD: usize = TRANSPORT + UDP;

/** Protocols (IANA). */
export const ICMP: u8 = 1;
export const DATAGRAM: u8 = 17;

/** Ports below this belong to services (RFC 6335 section 6): nobody asks from one. */
export const FIRST_CLIENT_PORT: u32 = 1024;

/** Routers that an answer may pass. */
const HOPS: u32 = 64;

/** The 16 bits at `at`, in the order of the network. */
export function get16(at: usize): u32 {
  return bswap<u16>(load<u16>(at));
}

/** The 32 bits at `at`, in the order of the network. */
export function get32(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

/** Writes 32 bits in the order of the network. */
export function set32(at: usize, value: u32): void {
  store<u32>(at, bswap<u32>(value));
}

/** A sum of 16-bit words, folded to 16 bits (RFC 1071); of fewer than 2^32 of them. */
export function fold(sum: u64): u32 {
  const half = (sum & 0xffffffff) + (sum >> 32);
  const quarter = <u32>(half & 0xffff) + <u32>(half >> 16);
  const low = (quarter & 0xffff) + (quarter >> 16);
  return (low & 0xffff) + (low >> 16);
}

/** The sum of an IPv4 header without options, not folded. */
function headerSum(at: usize): u64 {
  return (
    <u64>load<u32>(at) +
    <u64>load<u32>(at, 4) +
    <u64>load<u32>(at, 8) +
    <u64>load<u32>(at, 12) +
    <u64>load<u32>(at, 16)
  );
}

/** The sum of the `length` bytes at `at` as they lie in memory, not folded: sums do not mind the order of bytes. */
export function sumOf(at: usize, length: usize): u64 {
  const end = at + length;
  let sum: u64 = 0;
  let from = at;
  for (; from + 4 <= end; from += 4) sum += load<u32>(from);
  if (from + 2 <= end) {
    sum += load<u16>(from);
    from += 2;
  }
  if (from < end) sum += load<u8>(from);
  return sum;
}

/** A checksum field after words it covers, which made the sum `before`, make `now` (RFC 1624 equation 3). */
export function adjust(checksum: u32, before: u32, now: u32): u32 {
  return ~fold(<u64>(~checksum & 0xffff) + <u64>~before + <u64>now) & 0xffff;
}

/**
 * True for a whole packet of `protocol` from one host, with at least `least` bytes behind its header.
 *
 * No options, no fragments, no link address of a group, no source that is not a
 * host's (RFC 1122 section 3.2.1.3), and the sum of the header holds. What is
 * not so is for somebody with more patience.
 */
export function isPlain(message: usize, length: usize, protocol: u8, least: usize): bool {
  if (length < TRANSPORT + least) return false;
  if (load<u16>(message, 12) !== 0x0008 || load<u8>(message, 14) !== 0x45) return false;
  if (load<u8>(message, 23) !== protocol || (load<u16>(message, 20) & 0xff3f) !== 0) return false;
  if (((load<u8>(message) | load<u8>(message, 6)) & 1) !== 0) return false;
  const network = load<u8>(message, 26);
  if (network === 0 || network === 127 || network >= 224) return false;
  const total = <usize>get16(message + 16);
  if (total < IPV4 + least || ETHERNET + total > length) return false;
  return fold(headerSum(message + ETHERNET)) === 0xffff;
}

/**
 * Writes to `to` the link and network headers of the answer to `message`: both ends change places.
 *
 * The sum of the header stays right: it does not see the exchange, and is
 * adjusted for the time to live.
 */
export function turnRound(to: usize, message: usize): void {
  store<u32>(to, load<u32>(message, 6));
  store<u16>(to, load<u16>(message, 10), 4);
  store<u32>(to, load<u32>(message), 6);
  store<u16>(to, load<u16>(message, 4), 10);
  store<u64>(to, load<u64>(message, 12), 12);
  store<u16>(to, load<u16>(message, 20), 20);
  const before = <u32>load<u16>(message, 22);
  const now = (before & 0xff00) | HOPS;
  store<u16>(to, <u16>now, 22);
  store<u16>(to, <u16>adjust(load<u16>(message, 24), before, now), 24);
  store<u32>(to, load<u32>(message, 30), 26);
  store<u32>(to, load<u32>(message, 26), 30);
}

/** The same with UDP's header: the ports change places, which its sum does not see either. */
export function turnDatagramRound(to: usize, message: usize): void {
  turnRound(to, message);
  store<u16>(to, load<u16>(message, 36), 34);
  store<u16>(to, load<u16>(message, 34), 36);
  store<u32>(to, load<u32>(message, 38), 38);
}

/** Bytes of a datagram by UDP's own header; 0 when that contradicts the packet's. */
export function datagramBytes(message: usize): usize {
  const bytes = <usize>get16(message + 38);
  return bytes >= UDP && bytes + IPV4 <= <usize>get16(message + 16) ? bytes : 0;
}

/** What UDP's sum covers of a plain packet besides the datagram: both addresses, the protocol, the length (RFC 768). */
export function pseudoHeader(message: usize, bytes: usize): u64 {
  return sumOf(message + 26, 8) + <u64>((<u32>DATAGRAM) << 8) + <u64>bswap<u16>(<u16>bytes);
}

/** True when a datagram that carries at least `least` bytes is intact, or its sender made no sum. */
export function isIntact(message: usize, least: usize): bool {
  const bytes = datagramBytes(message);
  if (bytes < UDP + least) return false;
  if (load<u16>(message, 40) === 0) return true;
  return fold(pseudoHeader(message, bytes) + sumOf(message + TRANSPORT, bytes)) === 0xffff;
}

/** Replaces 32 bits of the datagram in the frame at `to`, and adjusts UDP's sum if there is one. */
export function replace32(to: usize, at: usize, value: u32): void {
  const before = load<u32>(to + at);
  const now = bswap<u32>(value);
  store<u32>(to + at, now);
  const checksum = <u32>load<u16>(to, 40);
  if (checksum === 0) return;
  const adjusted = ~fold(<u64>(~checksum & 0xffff) + <u64>~before + <u64>now) & 0xffff;
  store<u16>(to, <u16>(adjusted === 0 ? 0xffff : adjusted), 40);
}

/**
 * True for a datagram that may be answered: not from a service, which might answer the answer.
 *
 * With a forged source two services can be made to talk to each other for ever
 * (CERT CA-1996-01). What may be is for the owner to judge.
 */
export function isAnswerable(message: usize): bool {
  const source = get16(message + 34);
  return source >= FIRST_CLIENT_PORT && source !== get16(message + 36);
}

/** Bit of a message's first word that its answer has: an answer is never a request. */
export const ANSWER: u32 = 0x80000000;

/** True for a request of at least `least` bytes that may be answered, whole and no answer itself. */
export function isRequest(message: usize, length: usize, least: usize): bool {
  if (!isPlain(message, length, DATAGRAM, UDP + least) || !isAnswerable(message)) return false;
  return (get32(message + PAYLOAD) & ANSWER) === 0 && isIntact(message, least);
}

/**
 * Writes to `to` the headers of the answer to a request, and its first `bytes` bytes, marked as an answer.
 *
 * What follows is sent from the message; `bytes` is a multiple of 4.
 */
export function beginAnswer(to: usize, message: usize, bytes: usize): void {
  turnDatagramRound(to, message);
  for (let i: usize = 0; i < bytes; i += 4) store<u32>(to + PAYLOAD + i, load<u32>(message + PAYLOAD + i));
  replace32(to, PAYLOAD, get32(message + PAYLOAD) | ANSWER);
}
