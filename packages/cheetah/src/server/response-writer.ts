/** Sends one response after another: heads from slots, bodies from the cache's own frames. */
import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import type { Connection, PieceOwner } from "@exolith/libos-exos";
import { CHUNK_BLOCKS, CHUNK_BYTES, FAILED, WAIT } from "../cache/chunk-cache.ts";
import type { Answer } from "../http/answer.ts";
import { answerStatus, makeAnswer } from "../http/answer.ts";
import { latin1Bytes, putText } from "../http/ascii.ts";
import { errorPage } from "../http/error-page.ts";
import { partHead, partsEnd } from "../http/multipart.ts";
import { hasPage } from "../http/response-head.ts";
import type { Persistence } from "../http/whole-head.ts";
import { SLOT_BYTES } from "../memory/slot-pool.ts";
import type { Services } from "./services.ts";

/** How far a response has come: all of it is queued, it waits, or the disk failed in the midst of it. */
export type Progress = "done" | "waiting" | "failed";

/** Held chunks are counted by the bytes they are held for, in units of a quarter of a chunk. */
const UNIT_BYTES = CHUNK_BYTES / 4;
const UNITS_A_CHUNK = 4;
/** A token names a slot from here on; below, a chunk and the units it counts for. */
const SLOT_TOKENS = 2 ** 31;
/** And from here on one that is shared. */
const SHARED_TOKENS = 2 ** 32;
const UNITS_BITS = 3,
  UNITS_MASK = 7;
const unitsOf = (length: number): number => Math.ceil(length / UNIT_BYTES);
const NOTHING = new Uint8Array(0);
/** The sum of a text that nobody has summed. */
const UNKNOWN = -1;

/** The sending side of one connection. */
export class ResponseWriter implements PieceOwner {
  /** What is being answered; filled before `start`. */
  readonly answer: Answer = makeAnswer();
  /** True once its client has taken a whole response, or `stuckBytes` of one; until then it is a newcomer to the cache. */
  hasTaken = false;
  readonly #services: Services;
  readonly #row: number;
  #connection: Connection | undefined;
  #persistence: Persistence = "close";
  #headSent = false;
  #part = 0;
  #at = 0;
  #end = 0;
  #chunk = WAIT;
  #units = 0;
  /** The chunk of which a piece was let go last. */
  #released = WAIT;
  /** Head slots that it has queued. */
  #slots = 0;
  #bodyBytes = 0;
  #text: Uint8Array = NOTHING;
  #textAt = 0;
  #textEnd = 0;
  #textSum = UNKNOWN;

  constructor(services: Services, row: number) {
    this.#services = services;
    this.#row = row;
  }

  /** Bytes of the body queued so far. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** True while it has queued what others may wait for: head slots or chunks. */
  get isHolding(): boolean {
    return this.#slots > 0 || this.#units > 0;
  }

  /** Sends on `connection` from now on. */
  open(connection: Connection): void {
    this.#connection = connection;
    this.hasTaken = false;
    this.#released = WAIT;
    this.#units = 0;
    this.#slots = 0;
  }

  /** Begins to send `answer`; `advance` does the work. */
  start(persistence: Persistence): void {
    this.#persistence = persistence;
    this.#headSent = false;
    this.#part = 0;
    this.#bodyBytes = 0;
    const { file } = this.answer;
    if (file !== undefined) this.#services.site.beginReading(file);
    this.#selectPart();
  }

  /** Ends the response, whether all of it was sent or not. */
  stop(): void {
    this.#services.cache.forget(this.#row);
    if (this.#chunk >= 0) this.#services.cache.release(this.#chunk);
    this.#chunk = WAIT;
    this.#textAt = this.#textEnd = 0;
    const { file } = this.answer;
    if (file !== undefined) this.#services.site.endReading(file);
    this.answer.file = undefined;
  }

  /** A piece has been acknowledged, or the connection is gone. */
  released(token: number): void {
    if (token >= SHARED_TOKENS) return this.#services.shared?.release(token - SHARED_TOKENS);
    if (token >= SLOT_TOKENS) {
      this.#slots -= 1;
      return this.#services.slots.give(token - SLOT_TOKENS);
    }
    this.#units -= token & UNITS_MASK;
    this.#released = token >>> UNITS_BITS;
    this.#services.cache.release(this.#released);
  }

  /** The client has acknowledged what was let go. */
  noteTaken(): void {
    if (this.#released !== WAIT) this.#services.cache.noteTaken(this.#released);
    this.#released = WAIT;
  }

  /** Queues as much as there is room for. */
  advance(): Progress {
    if (!this.#sendText()) return "waiting";
    if (!this.#headSent) {
      if (!this.#prepareChunk()) return "waiting";
      if (!this.#sendHead()) return "waiting";
    }
    return this.#sendParts();
  }

  /** The first bytes of the body must be there before its head is sent; true when that is decided. */
  #prepareChunk(): boolean {
    if (this.#at >= this.#end) return true;
    const result = this.#hold();
    if (result === FAILED) this.#becomeError();
    return result !== WAIT;
  }

  #becomeError(): void {
    const { answer } = this;
    if (answer.file !== undefined) this.#services.site.endReading(answer.file);
    answerStatus(answer, 500, answer.headOnly);
    this.#at = this.#end = 0;
  }

  #sendHead(): boolean {
    const { answer } = this;
    const { heads, wallclock } = this.#services;
    this.#headSent = true;
    if (this.#sendShared(wallclock())) return true;
    if (hasPage(answer) && !answer.headOnly) this.#bodyBytes = errorPage(answer.status).length;
    const length = heads.write(answer, this.#persistence, wallclock());
    if (this.#isMultipart()) return this.#offer(heads.bytes, this.#putPartHead(length));
    return this.#offer(heads.bytes, length, heads.sum);
  }

  /** The head of a whole file is the same for everybody until the date changes; false when this one is made for itself. */
  #sendShared(now: number): boolean {
    const { slots, shared } = this.#services;
    const { file, status } = this.answer;
    if (shared === undefined || file === undefined || status !== 200) return false;
    const slot = shared.use(file, this.#persistence, now);
    if (slot < 0) return false;
    const token = SHARED_TOKENS + slot;
    if (this.#connection?.send(slots.window, slot * SLOT_BYTES, shared.length, this, token) === true)
      return true;
    shared.release(slot);
    return false;
  }

  /** The head of the first part goes right behind that of the response. */
  #putPartHead(at: number): number {
    const { file, ranges } = this.answer;
    if (file === undefined || ranges === undefined) return at;
    const end = putText(this.#services.heads.bytes, at, partHead(file, ranges, 0));
    this.#bodyBytes += end - at;
    return end;
  }

  #sendParts(): Progress {
    for (;;) {
      const progress = this.#sendBody();
      if (progress !== "done" || !this.#isMultipart()) return progress;
      const ranges = this.answer.ranges?.length ?? 0;
      if (this.#part >= ranges) return "done";
      this.#part += 1;
      if (this.#part === ranges) return this.#sendEnd();
      this.#selectPart();
      if (!this.#sendPartHead()) return "waiting";
    }
  }

  #isMultipart(): boolean {
    return this.answer.status === 206 && (this.answer.ranges?.length ?? 0) > 1;
  }

  /** Sets the bytes to send to those of the current part; none for an answer without a body. */
  #selectPart(): void {
    const { file, ranges, status, headOnly } = this.answer;
    const range = ranges?.[this.#part];
    const hasBody = file !== undefined && !headOnly && (status === 200 || status === 206);
    this.#at = hasBody ? (range?.first ?? 0) : 0;
    this.#end = hasBody ? (range?.end ?? file.size) : 0;
  }

  #sendBody(): Progress {
    while (this.#at < this.#end) {
      const held = this.#hold();
      if (held === WAIT) return "waiting";
      if (held === FAILED) return "failed";
      if (!this.#sendPiece(held)) return "waiting";
    }
    return "done";
  }

  /** The chunk with the next bytes; it stays ours until it is queued. Who has as many as he may waits for none: others may have it. */
  #hold(): number {
    if (this.#chunk >= 0) return this.#chunk;
    const most = this.#services.heldChunks() * UNITS_A_CHUNK;
    if (this.#units > 0 && this.#units + unitsOf(this.#pieceLength()) > most) {
      this.#services.cache.forget(this.#row);
      return WAIT;
    }
    const group = Math.floor(this.#position() / CHUNK_BYTES);
    this.#chunk = this.#services.cache.hold(group, this.#row, this.hasTaken);
    if (this.#chunk === WAIT) this.#readGroup(group);
    return this.#chunk;
  }

  /** Whoever wants a file of a group wants the others soon: reads all chunks with blocks of it. */
  #readGroup(wanted: number): void {
    const { file } = this.answer;
    if (file === undefined || file.groupBlocks === 0 || !this.#services.grouping) return;
    const first = file.first - file.groupBefore;
    const last = Math.floor((first + file.groupBlocks - 1) / CHUNK_BLOCKS);
    for (let group = Math.floor(first / CHUNK_BLOCKS); group <= last; group++)
      if (group !== wanted) this.#services.cache.readAhead(group);
  }

  /** Where the next byte is on the disk part, in bytes. */
  #position(): number {
    return (this.answer.file?.first ?? 0) * BLOCK_BYTES + this.#at;
  }

  /** The next piece ends with the chunk it lies in. */
  #pieceLength(): number {
    return Math.min(this.#end - this.#at, CHUNK_BYTES - (this.#position() % CHUNK_BYTES));
  }

  #sendPiece(chunk: number): boolean {
    const { cache, sums } = this.#services;
    const within = this.#position() % CHUNK_BYTES;
    const length = this.#pieceLength();
    const units = unitsOf(length);
    const token = (chunk << UNITS_BITS) | units;
    const window = cache.window(chunk);
    if (this.#connection?.send(window, within, length, this, token) !== true) return false;
    if (this.answer.file !== undefined)
      sums?.notePiece(chunk, window, this.#position(), length, this.answer.file);
    this.#chunk = WAIT;
    this.#units += units;
    this.#at += length;
    this.#bodyBytes += length;
    if (this.#at < this.#end) cache.readAhead(Math.floor(this.#position() / CHUNK_BYTES));
    return true;
  }

  #sendPartHead(): boolean {
    const { file, ranges } = this.answer;
    if (file === undefined || ranges === undefined) return true;
    const text = latin1Bytes(partHead(file, ranges, this.#part));
    this.#bodyBytes += text.length;
    return this.#offer(text, text.length);
  }

  #sendEnd(): Progress {
    const { file } = this.answer;
    const text = file === undefined ? NOTHING : latin1Bytes(partsEnd(file));
    this.#bodyBytes += text.length;
    return this.#offer(text, text.length) ? "done" : "waiting";
  }

  /** Queues text, whose sum may be known; what finds no room is kept, in a copy. */
  #offer(text: Uint8Array, length: number, sum: number = UNKNOWN): boolean {
    this.#text = text;
    this.#textSum = length <= SLOT_BYTES ? sum : UNKNOWN;
    this.#textAt = 0;
    this.#textEnd = length;
    if (this.#sendText()) return true;
    this.#text = text.slice(this.#textAt, length);
    this.#textEnd -= this.#textAt;
    this.#textAt = 0;
    return false;
  }

  #sendText(): boolean {
    const { slots, sums } = this.#services;
    while (this.#textAt < this.#textEnd) {
      const slot = slots.take(this.#row, this.#slots);
      if (slot < 0) return false;
      const length = Math.min(SLOT_BYTES, this.#textEnd - this.#textAt);
      slots.window.write(slot * SLOT_BYTES, this.#text, this.#textAt, length);
      if (
        this.#connection?.send(slots.window, slot * SLOT_BYTES, length, this, SLOT_TOKENS + slot) !== true
      ) {
        slots.give(slot);
        return false;
      }
      this.#slots += 1;
      sums?.noteSlot(slot, length, this.#textSum);
      this.#textAt += length;
    }
    return true;
  }
}
