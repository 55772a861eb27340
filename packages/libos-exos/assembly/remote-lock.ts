/**
 * Locks that others take and give back, and their owner hears of.
 *
 * A datagram is a tag of 31 bits, an operation, the number of a lock, and a word;
 * the answer has the tag with `ANSWER` set, what came of it in the operation's
 * place and how often the lock was granted in the word's. A holder is known by
 * its address and port. Asking again for what one has changes nothing, so a lost
 * answer does no harm.
 */
import { PAYLOAD, beginAnswer, get32, isRequest, replace32, set32 } from "./frame";
import { append, send, wake } from "./handler";

/** Operations, 32 bits: 1 in the upper half to acquire, 2 to release; the lock's number in the lower. */
const ACQUIRE: u32 = 1;
const RELEASE: u32 = 2;
/** What may come of them, likewise. */
const GRANTED: u32 = 1;
const DENIED: u32 = 2;
const RELEASED: u32 = 3;

/** Where the answer is made. */
const OUT: usize = 0;
const REQUEST: usize = 12;
/** Locks of 16 bytes: the holder's address, its port or 0, times granted, times denied; in the order of the network. */
const LOCKS: usize = 1024;
const COUNT: u32 = 64;

function count(at: usize): void {
  set32(at, get32(at) + 1);
}

function acquire(lock: usize, address: u32, port: u32): u32 {
  const held = get32(lock + 4);
  if (held !== 0) {
    if (held === port && get32(lock) === address) return GRANTED;
    count(lock + 12);
    return DENIED;
  }
  set32(lock, address);
  set32(lock + 4, port);
  count(lock + 8);
  wake();
  return GRANTED;
}

function release(lock: usize, address: u32, port: u32): u32 {
  const held = get32(lock + 4);
  if (held === 0) return RELEASED;
  if (held !== port || get32(lock) !== address) return DENIED;
  set32(lock, 0);
  set32(lock + 4, 0);
  wake();
  return RELEASED;
}

export function handle(message: usize, length: usize): i32 {
  if (!isRequest(message, length, REQUEST)) return 0;
  const asked = get32(message + PAYLOAD + 4);
  const number = asked & 0xffff;
  const operation = asked >> 16;
  const address = get32(message + 26);
  const port = get32(message + 34) >> 16;
  if (number >= COUNT || (operation !== ACQUIRE && operation !== RELEASE)) return 0;
  const lock = LOCKS + <usize>number * 16;
  const came = operation === ACQUIRE ? acquire(lock, address, port) : release(lock, address, port);
  beginAnswer(OUT, message, REQUEST);
  replace32(OUT, PAYLOAD + 4, (came << 16) | number);
  replace32(OUT, PAYLOAD + 8, get32(lock + 8));
  append(OUT, PAYLOAD + REQUEST);
  if (length > PAYLOAD + REQUEST) append(message + PAYLOAD + REQUEST, length - PAYLOAD - REQUEST);
  send();
  return 1;
}
