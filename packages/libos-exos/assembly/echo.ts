/** Answers ICMP echo requests (RFC 792): new headers from the segment, the rest from the request itself. */
import { ICMP, TRANSPORT, adjust, isPlain, turnRound } from "./frame";
import { append, send } from "./handler";

/** Where the headers of the answer are made. */
const OUT: usize = 0;
/** Bytes of an echo's header. */
const ECHO: usize = 8;

export function handle(message: usize, length: usize): i32 {
  if (!isPlain(message, length, ICMP, ECHO) || load<u16>(message, 34) !== 0x0008) return 0;
  turnRound(OUT, message);
  store<u16>(OUT, 0, 34);
  store<u16>(OUT, <u16>adjust(load<u16>(message, 36), 0x0008, 0), 36);
  store<u32>(OUT, load<u32>(message, 38), 38);
  append(OUT, TRANSPORT + ECHO);
  const rest = length - TRANSPORT - ECHO;
  if (rest > 0) append(message + TRANSPORT + ECHO, rest);
  send();
  return 1;
}
