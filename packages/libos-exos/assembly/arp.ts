/** Answers ARP requests (RFC 826) for whatever address its filter lets through. */
import { append, send } from "./handler";

/** Six octets: our link address. Its owner writes it. */
const OWN: usize = 0;
/** Where the answer is made. */
const OUT: usize = 16;
/** Bytes of a packet for Ethernet and IPv4, with the link's header, and of the shortest frame. */
const PACKET: usize = 42;
const LEAST: usize = 60;

function writeOwn(at: usize): void {
  store<u32>(at, load<u32>(OWN));
  store<u16>(at, load<u16>(OWN, 4), 4);
}

export function handle(message: usize, length: usize): i32 {
  if (length < PACKET || load<u16>(message, 12) !== 0x0608) return 0;
  if (load<u64>(message, 14) !== 0x0100040600080100) return 0;
  const sender = load<u8>(message, 22) | load<u8>(message, 6);
  if ((sender & 1) !== 0 || load<u32>(message, 28) === load<u32>(message, 38)) return 0;
  store<u32>(OUT, load<u32>(message, 6));
  store<u16>(OUT, load<u16>(message, 10), 4);
  writeOwn(OUT + 6);
  store<u16>(OUT, 0x0608, 12);
  store<u64>(OUT, 0x0200040600080100, 14);
  writeOwn(OUT + 22);
  store<u32>(OUT, load<u32>(message, 38), 28);
  store<u64>(OUT, load<u64>(message, 22), 32);
  store<u16>(OUT, load<u16>(message, 30), 40);
  append(OUT, LEAST);
  send();
  return 1;
}
