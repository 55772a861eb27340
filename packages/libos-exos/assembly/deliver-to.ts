/**
 * Message vectoring: a datagram says where in the segment its bytes belong, and there they go.
 *
 * It begins with 4 bytes that nobody looks at, the number of a buffer, and an
 * offset in it. Pipe 0 copies and sums in one pass. Bytes whose sum is wrong are
 * in the buffer then, but are not counted, and the datagram goes to the ring.
 */
import {
  DATAGRAM,
  PAYLOAD,
  TRANSPORT,
  UDP,
  datagramBytes,
  fold,
  get32,
  isPlain,
  pseudoHeader,
  set32,
  sumOf,
} from "./frame";
import { pipe, wake } from "./handler";

const HEADER: usize = 12;
/** Words for each buffer, in the order of the network: bytes and datagrams that arrived. */
const ARRIVED: usize = 0;
/** The buffers. */
const BUFFERS: usize = 8192;
const BUFFER: usize = 8192;
const COUNT: u32 = 7;

export function handle(message: usize, length: usize): i32 {
  if (!isPlain(message, length, DATAGRAM, UDP + HEADER)) return 0;
  const bytes = datagramBytes(message);
  const index = get32(message + PAYLOAD + 4);
  const offset = <usize>get32(message + PAYLOAD + 8);
  if (bytes < UDP + HEADER || index >= COUNT) return 0;
  const carried = bytes - UDP - HEADER;
  if (offset > BUFFER || carried > BUFFER - offset) return 0;
  const to = BUFFERS + <usize>index * BUFFER + offset;
  const copied = pipe(0, to, message + PAYLOAD + HEADER, carried);
  if (copied < 0) return 0;
  if (load<u16>(message, 40) !== 0) {
    const rest = pseudoHeader(message, bytes) + sumOf(message + TRANSPORT, UDP + HEADER);
    if (fold(rest + <u64>bswap<u16>(<u16>copied)) !== 0xffff) return 0;
  }
  const arrived = ARRIVED + <usize>index * 8;
  set32(arrived, get32(arrived) + <u32>carried);
  set32(arrived + 4, get32(arrived + 4) + 1);
  wake();
  return 1;
}
