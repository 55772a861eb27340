/** The window that the kernel hands out: a `DataView` it can take away. */
import type { PhysicalMemory } from "@exolith/hw-model";
import type { Gather, Window } from "../abi/window.ts";
import { GATHER_PIECES } from "../abi/limits.ts";
import { closeClass } from "../close-class.ts";

const EMPTY = new ArrayBuffer(0);

/** Captured: no method, getter or species of an alien array may ever see a view of physical memory. */
const Bytes = Uint8Array;
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const captured = <T>(name: string): ((of: Uint8Array) => T) =>
  Function.prototype.call.bind(Object.getOwnPropertyDescriptor(typedArray, name)?.get as () => T);
const bufferOf = captured<ArrayBuffer>("buffer");
const offsetOf = captured<number>("byteOffset");
const lengthOf = captured<number>("length");
const setBytes: (to: Uint8Array, from: Uint8Array, at: number) => void = Function.prototype.call.bind(
  Uint8Array.prototype.set,
);

const readOnly = (): never => {
  throw new TypeError("the window is not bound for writing");
};

/** Stands where a writable view would: so that a write needs no check of its own, on the way that is used most. */
const READ_ONLY = new DataView(EMPTY);
for (const name of ["setUint8", "setUint16", "setUint32"] as const)
  Object.defineProperty(READ_ONLY, name, { value: readOnly });

/** What the kernel keeps about a window it bound. */
export interface WindowBinding {
  /** First frame, and how many. */
  readonly first: number;
  readonly count: number;
  readonly writable: boolean;
  /** Row of the environment that it is bound to. */
  readonly owner: number;
}

/** Charged for work that is not a single access; nothing on a host. */
export interface WindowMeter {
  charge(cost: "copyByte" | "checksumByte" | "touchByte", units: number): void;
}

/** The memory that windows are cut from. */
export type WindowMemory = Pick<PhysicalMemory, "bytes" | "checksum">;

/** Opens a window over `length` bytes of memory from `at`; only the kernel can. */
export class BoundWindow implements Window {
  #view: DataView;
  #bytes: Uint8Array;
  /** The view that is written through; `READ_ONLY` for a window that is not. */
  #writable: DataView;
  #binding: WindowBinding | undefined;
  readonly #address: number;
  readonly #memory: WindowMemory;
  readonly #meter: WindowMeter;

  constructor(memory: WindowMemory, at: number, length: number, binding: WindowBinding, meter: WindowMeter) {
    const { bytes } = memory;
    this.#memory = memory;
    this.#bytes = bytes.subarray(at, at + length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset + at, length);
    this.#writable = binding.writable ? this.#view : READ_ONLY;
    this.#binding = binding;
    this.#address = at;
    this.#meter = meter;
    Object.freeze(this);
  }

  static {
    closeClass(BoundWindow.prototype);
  }

  /** The binding behind `window`, or `undefined` if it is dead or not one of ours. */
  static bindingOf(window: Window): WindowBinding | undefined {
    return isBound(window) ? window.#binding : undefined;
  }

  /** The physical address of the window's first byte; meaningful only for a live one. */
  static addressOf(window: BoundWindow): number {
    return window.#address;
  }

  /** True for every object this class made, alive or dead. */
  static isBound(window: unknown): window is BoundWindow {
    return typeof window === "object" && window !== null && #view in window;
  }

  /** Breaks the binding: from now on every access throws. */
  static break(window: BoundWindow): void {
    window.#binding = undefined;
    window.#view = new DataView(EMPTY);
    window.#bytes = new Uint8Array(EMPTY);
    if (window.#writable !== READ_ONLY) window.#writable = window.#view;
  }

  get length(): number {
    return this.#bytes.length;
  }
  getU8(at: number): number {
    return this.#view.getUint8(at);
  }
  getU16(at: number): number {
    return this.#view.getUint16(at);
  }
  getU32(at: number): number {
    return this.#view.getUint32(at);
  }
  getU32LE(at: number): number {
    return this.#view.getUint32(at, true);
  }
  setU8(at: number, value: number): void {
    this.#writable.setUint8(at, value);
  }
  setU16(at: number, value: number): void {
    this.#writable.setUint16(at, value);
  }
  setU32(at: number, value: number): void {
    this.#writable.setUint32(at, value);
  }
  setU32LE(at: number, value: number): void {
    this.#writable.setUint32(at, value, true);
  }

  read(at: number, into: Uint8Array, intoAt: number, length: number): void {
    this.#check(at, length);
    checkRange(lengthOf(into), intoAt, length);
    copyBytes(into, intoAt, this.#bytes, at, length);
    this.#meter.charge("copyByte", length);
  }

  write(at: number, from: Uint8Array, fromAt: number, length: number): void {
    if (this.#writable === READ_ONLY) readOnly();
    this.#check(at, length);
    checkRange(lengthOf(from), fromAt, length);
    copyBytes(this.#bytes, at, from, fromAt, length);
    this.#meter.charge("copyByte", length);
  }

  copy(at: number, from: Window, fromAt: number, length: number): void {
    if (this.#writable === READ_ONLY) readOnly();
    const source = foreign(from);
    this.#check(at, length);
    source.#check(fromAt, length);
    copyBytes(this.#bytes, at, source.#bytes, fromAt, length);
    this.#meter.charge("copyByte", length);
  }

  fill(at: number, length: number, value: number): void {
    if (this.#writable === READ_ONLY) readOnly();
    this.#check(at, length);
    this.#bytes.fill(value, at, at + length);
    this.#meter.charge("touchByte", length);
  }

  equals(at: number, other: Window, otherAt: number, length: number): boolean {
    const second = foreign(other);
    this.#check(at, length);
    second.#check(otherAt, length);
    this.#meter.charge("touchByte", length);
    for (let i = 0; i < length; i++) if (this.#bytes[at + i] !== second.#bytes[otherAt + i]) return false;
    return true;
  }

  checksum(at: number, length: number, sum: number): number {
    this.#check(at, length);
    this.#meter.charge("checksumByte", length);
    return fold(sum + this.#memory.checksum(this.#address + at, length));
  }

  text(at: number, length: number): string {
    this.#check(at, length);
    this.#meter.charge("touchByte", length);
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.#bytes[at + i] ?? 0);
    return text;
  }

  #check(at: number, length: number): void {
    checkRange(this.#bytes.length, at, length);
  }
}

const isBound = (window: Window): window is BoundWindow => BoundWindow.isBound(window);

const foreign = (window: Window): BoundWindow => {
  if (!isBound(window)) throw new TypeError("not a window");
  return window;
};

function checkRange(size: number, at: number, length: number): void {
  if (!(at >= 0 && length >= 0 && at + length <= size) || !Number.isInteger(at) || !Number.isInteger(length))
    throw new RangeError("outside the window");
}

/** Short copies by a loop: a view costs more than 32 bytes do. */
const LOOP_BYTES = 32;

function copyBytes(to: Uint8Array, toAt: number, from: Uint8Array, fromAt: number, length: number): void {
  if (length > LOOP_BYTES || bufferOf(to) === bufferOf(from)) {
    if (length > 0) setBytes(to, new Bytes(bufferOf(from), offsetOf(from) + fromAt, length), toAt);
    return;
  }
  for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i] ?? 0;
}

/** Folds a sum (exact below 2^53) to 16 bits. */
function fold(sum: number): number {
  let low = (sum >>> 0) + Math.floor(sum / 0x1_0000_0000);
  while (low > 0xffff) low = (low & 0xffff) + Math.floor(low / 0x1_0000);
  return low;
}

/** The pieces of a gather list, as its owner claims them. */
export interface GatherPieces {
  readonly windows: readonly unknown[];
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
  /** What is left to the interface, as its owner claims it. */
  checksum: unknown;
  segmentBytes: unknown;
}

/** A gather list; the kernel alone reads its columns. */
export class GatherList implements Gather {
  readonly #windows: unknown[] = Array.from({ length: GATHER_PIECES });
  readonly #offsets: Float64Array = new Float64Array(GATHER_PIECES);
  readonly #lengths: Float64Array = new Float64Array(GATHER_PIECES);
  readonly #pieces: GatherPieces = {
    windows: this.#windows,
    offsets: this.#offsets,
    lengths: this.#lengths,
    checksum: false,
    segmentBytes: 0,
  };
  #count = 0;
  #length = 0;

  constructor() {
    Object.freeze(this);
  }

  static {
    closeClass(GatherList.prototype);
  }

  /** The pieces of a list that this class made; `undefined` for anything else. Only `count` of them are in use. */
  static piecesOf(list: unknown): GatherPieces | undefined {
    return typeof list === "object" && list !== null && #pieces in list ? list.#pieces : undefined;
  }

  get count(): number {
    return this.#count;
  }
  get length(): number {
    return this.#length;
  }
  clear(): void {
    this.#count = 0;
    this.#length = 0;
    this.#pieces.checksum = false;
    this.#pieces.segmentBytes = 0;
  }
  offload(checksum: boolean, segmentBytes: number): void {
    this.#pieces.checksum = checksum;
    this.#pieces.segmentBytes = segmentBytes;
  }
  add(window: Window, at: number, length: number): void {
    if (this.#count >= GATHER_PIECES) throw new RangeError("too many pieces");
    this.#windows[this.#count] = window;
    this.#offsets[this.#count] = at;
    this.#lengths[this.#count] = length;
    this.#count += 1;
    this.#length += length;
  }
}
