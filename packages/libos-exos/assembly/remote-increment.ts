/**
 * A word that others add to: the answer carries its new value.
 *
 * A datagram is a tag of 31 bits, and the amount; the answer has the tag with
 * `ANSWER` set, and the value in the amount's place.
 */
import { PAYLOAD, beginAnswer, get32, isRequest, replace32, set32 } from "./frame";
import { append, send } from "./handler";

/** The word, in the order of the network, and where the answer is made. */
const WORD: usize = 0;
const OUT: usize = 64;
const REQUEST: usize = 8;

export function handle(message: usize, length: usize): i32 {
  if (!isRequest(message, length, REQUEST)) return 0;
  const value = get32(WORD) + get32(message + PAYLOAD + 4);
  set32(WORD, value);
  beginAnswer(OUT, message, REQUEST);
  replace32(OUT, PAYLOAD + 4, value);
  append(OUT, PAYLOAD + REQUEST);
  if (length > PAYLOAD + REQUEST) append(message + PAYLOAD + REQUEST, length - PAYLOAD - REQUEST);
  send();
  return 1;
}
