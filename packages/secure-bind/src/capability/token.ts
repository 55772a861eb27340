/**
 * Sealed capabilities: bytes that prove themselves to whoever has the key (SOSP'95 section 3.2.1).
 *
 * A head of 32 bytes, and at most `TOKEN_LINKS` links of 8:
 *
 *      0  capability record that was sealed (`encodeCapability`)
 *      8  generation, 48 bits, big-endian
 *     14  version
 *     15  links
 *     16  authenticator, 16 bytes
 *     32  one capability record a link, each dominated by the one before
 *
 * The authenticator of a head is a keyed BLAKE2s of its first 15 bytes. A link
 * replaces it by the BLAKE2s of the link, keyed with the authenticator so far:
 * whoever has a token can add links, and nobody can take one off.
 */
import { blake2s } from "@noble/hashes/blake2.js";
import type { Capability } from "./capability.ts";
import { dominates } from "./dominance.ts";
import { CAPABILITY_BYTES, decodeCapability, encodeCapability } from "./encoding.ts";

/** Bytes of a token as it is sealed, without links. */
export const TOKEN_BYTES = 32;
/** Links of one token. */
export const TOKEN_LINKS = 8;
/** Bytes of the longest token. */
export const TOKEN_BYTES_MAX: number = TOKEN_BYTES + TOKEN_LINKS * CAPABILITY_BYTES;
/** Bytes of a key that seals; never the length of an authenticator, so that no token is a key. */
export const TOKEN_KEY_BYTES = 32;
/** Generations are below this. */
export const TOKEN_GENERATIONS: number = 2 ** 48;

const GENERATION_AT = 8;
const VERSION_AT = 14;
const LINKS_AT = 15;
const MAC_AT = 16;
const MAC_BYTES = 16;
const VERSION = 1;

/** What a token says, once its authenticator has been found to be right. */
export interface OpenedToken {
  /** What the token stands for: the last link, or what was sealed. */
  readonly capability: Capability;
  /** What was sealed; its name is a prefix of the capability's, and of every link's between. */
  readonly sealed: Capability;
  readonly generation: number;
}

const authenticator = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  blake2s(message, { key, dkLen: MAC_BYTES });

const checkKey = (key: Uint8Array): void => {
  if (key.length !== TOKEN_KEY_BYTES) throw new RangeError("no key");
};

/**
 * `capability` as a token of generation `generation`.
 *
 * **Fails** throws `RangeError` for a malformed capability, generation or key. **Cost** one hash.
 */
export function sealToken(key: Uint8Array, capability: Capability, generation: number): Uint8Array {
  checkKey(key);
  if (!(generation >= 0 && generation < TOKEN_GENERATIONS) || !Number.isInteger(generation))
    throw new RangeError("no generation");
  const token = new Uint8Array(TOKEN_BYTES);
  const view = new DataView(token.buffer);
  token.set(encodeCapability(capability));
  view.setUint16(GENERATION_AT, Math.floor(generation / 2 ** 32));
  view.setUint32(GENERATION_AT + 2, generation % 2 ** 32);
  token[VERSION_AT] = VERSION;
  token.set(authenticator(key, token.subarray(0, LINKS_AT)), MAC_AT);
  return token;
}

/** Links of a token whose form is right, else -1. */
function linksOf(token: Uint8Array): number {
  const links = token[LINKS_AT] ?? -1;
  const isWhole = links <= TOKEN_LINKS && token.length === TOKEN_BYTES + links * CAPABILITY_BYTES;
  return isWhole && token[VERSION_AT] === VERSION ? links : -1;
}

/** The record in a link, counted from 0; before the first is what was sealed. */
const recordOf = (token: Uint8Array, link: number): Uint8Array => {
  const at = link < 0 ? 0 : TOKEN_BYTES + link * CAPABILITY_BYTES;
  return token.subarray(at, at + CAPABILITY_BYTES);
};

/**
 * A token for `capability` made of one for something that dominates it; no kernel is asked, and no key needed.
 *
 * What was given away cannot be won back: the new token does not contain the old one.
 * **Fails** throws `RangeError` when `token` is malformed or full, or does not dominate `capability`.
 * **Cost** one hash.
 */
export function narrowToken(token: Uint8Array, capability: Capability): Uint8Array {
  const links = linksOf(token);
  const last = links < 0 ? undefined : decodeCapability(recordOf(token, links - 1));
  if (last === undefined || links === TOKEN_LINKS) throw new RangeError("a token that cannot be narrowed");
  const link = encodeCapability(capability);
  if (!dominates(last, capability)) throw new RangeError("a link that is not narrower");
  const longer = new Uint8Array(token.length + CAPABILITY_BYTES);
  longer.set(token);
  longer.set(link, token.length);
  longer[LINKS_AT] = links + 1;
  longer.set(authenticator(token.slice(MAC_AT, TOKEN_BYTES), link), MAC_AT);
  return longer;
}

/**
 * What `token` says, or `undefined` unless it was sealed with `key` and only narrowed since.
 *
 * Whether it has expired is for the holder of the key to say.
 * **Cost** one hash, and one a link; the comparison takes the same time whatever the bytes.
 */
export function openToken(key: Uint8Array, token: Uint8Array): OpenedToken | undefined {
  checkKey(key);
  const links = linksOf(token);
  const sealed = links < 0 ? undefined : decodeCapability(recordOf(token, -1));
  if (sealed === undefined) return undefined;
  let capability = sealed;
  let expected = authenticator(key, token.subarray(0, LINKS_AT));
  for (let i = 0; i < links; i++) {
    const link = recordOf(token, i);
    const narrowed = decodeCapability(link);
    if (narrowed === undefined || !dominates(capability, narrowed)) return undefined;
    expected = authenticator(expected, link);
    capability = narrowed;
  }
  if (!isAuthentic(token, expected)) return undefined;
  return Object.freeze({ capability, sealed, generation: generationOf(token) });
}

/** Compares every byte of an authenticator, whether or not one before it differs. */
function isAuthentic(token: Uint8Array, expected: Uint8Array): boolean {
  let different = 0;
  for (let i = 0; i < MAC_BYTES; i++) different |= (token[MAC_AT + i] ?? 0) ^ (expected[i] ?? 0);
  return different === 0;
}

function generationOf(token: Uint8Array): number {
  let generation = 0;
  for (let i = GENERATION_AT; i < VERSION_AT; i++) generation = generation * 256 + (token[i] ?? 0);
  return generation;
}
