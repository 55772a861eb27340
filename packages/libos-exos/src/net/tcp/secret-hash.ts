/** A secret function of names that are all equally long: BLAKE2s of the secret and the name. */
import { blake2s } from "@noble/hashes/blake2.js";

/**
 * Secret first, in one block with the rest: BLAKE2 needs no other key (RFC 7693 section 2.9 keys it so, in a block of its own).
 *
 * Functions of the same secret whose names differ in length tell nothing of each other.
 */
export class SecretHash {
  /** The name, to be written before each `digest`. */
  readonly name: DataView;
  readonly #input: Uint8Array;
  readonly #fresh: ReturnType<typeof blake2s.create>;
  readonly #digest: Uint8Array;
  readonly #words: DataView;
  #hash: ReturnType<typeof blake2s.create>;

  /** Of names of `nameBytes`; `digestBytes` come out. */
  constructor(secret: Uint8Array, nameBytes: number, digestBytes: number) {
    this.#input = new Uint8Array(secret.length + nameBytes);
    this.#input.set(secret);
    this.name = new DataView(this.#input.buffer, secret.length);
    this.#fresh = blake2s.create({ dkLen: digestBytes });
    this.#hash = this.#fresh.clone();
    this.#digest = new Uint8Array(digestBytes);
    this.#words = new DataView(this.#digest.buffer);
  }

  /** What the name that was written comes to; valid until the next call. Allocates nothing. */
  digest(): DataView {
    // oxlint-disable-next-line no-underscore-dangle -- the public copy makes a new one, which takes as long as the hash
    this.#hash = this.#fresh._cloneInto(this.#hash);
    this.#hash.update(this.#input).digestInto(this.#digest);
    return this.#words;
  }
}
