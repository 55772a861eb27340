/**
 * Sends datagrams of clients back to where they came from: 42 bytes of headers are made, the rest is the message's.
 *
 * A datagram has no place for a mark, so it does so at services' ports alone: its
 * answer comes from one, and no other echo answers that.
 */
import {
  FIRST_CLIENT_PORT,
  get16,
  DATAGRAM,
  PAYLOAD,
  UDP,
  datagramBytes,
  isAnswerable,
  isPlain,
  turnDatagramRound,
} from "./frame";
import { append, send } from "./handler";

/** Where the headers of the answer are made. */
const OUT: usize = 0;

export function handle(message: usize, length: usize): i32 {
  if (!isPlain(message, length, DATAGRAM, UDP) || datagramBytes(message) === 0) return 0;
  if (!isAnswerable(message) || get16(message + 36) >= FIRST_CLIENT_PORT) return 0;
  turnDatagramRound(OUT, message);
  append(OUT, PAYLOAD);
  if (length > PAYLOAD) append(message + PAYLOAD, length - PAYLOAD);
  send();
  return 1;
}
