/**
 * Active messages: each names the function that it is for, which runs at once.
 *
 * A datagram is a tag of 31 bits, the number of a function, the number of a word
 * and two operands; the answer has the tag with `ANSWER` set, and the word's
 * former value in the first operand's place. A function that is not there is for
 * the owner.
 */
import { PAYLOAD, beginAnswer, get32, isRequest, replace32, set32 } from "./frame";
import { append, send } from "./handler";

/** Where the answer is made. */
const OUT: usize = 0;
const REQUEST: usize = 20;
/** The words that the functions work on, in the order of the network. */
const WORDS: usize = 4096;
const COUNT: u32 = 1024;

/** 0: sets the word to the first operand. */
function exchange(word: usize, value: u32, _second: u32): void {
  set32(word, value);
}

/** 1: adds the first operand. */
function add(word: usize, value: u32, _second: u32): void {
  set32(word, get32(word) + value);
}

/** 2: sets the word to the first operand if it is the second. */
function exchangeIf(word: usize, value: u32, expected: u32): void {
  if (get32(word) === expected) set32(word, value);
}

/** 3: sets the word to the first operand if that is greater. */
function raise(word: usize, value: u32, _second: u32): void {
  if (value > get32(word)) set32(word, value);
}

/** Where a function is in the table; 0, which is nowhere, for one that is not there. */
function placeOf(number: u32): u32 {
  switch (number) {
    case 0:
      return exchange.index;
    case 1:
      return add.index;
    case 2:
      return exchangeIf.index;
    case 3:
      return raise.index;
    default:
      return 0;
  }
}

export function handle(message: usize, length: usize): i32 {
  if (!isRequest(message, length, REQUEST)) return 0;
  const place = placeOf(get32(message + PAYLOAD + 4));
  const index = get32(message + PAYLOAD + 8);
  if (place === 0 || index >= COUNT) return 0;
  const word = WORDS + <usize>index * 4;
  const former = get32(word);
  call_indirect<void>(place, word, get32(message + PAYLOAD + 12), get32(message + PAYLOAD + 16));
  beginAnswer(OUT, message, REQUEST);
  replace32(OUT, PAYLOAD + 12, former);
  append(OUT, PAYLOAD + REQUEST);
  if (length > PAYLOAD + REQUEST) append(message + PAYLOAD + REQUEST, length - PAYLOAD - REQUEST);
  send();
  return 1;
}
