/** Requests that came before: only equal bytes are the same. */
import { makeRig } from "@exolith/exokernel/testing";
import { capSlot, frame, must, type Window } from "@exolith/exokernel/abi";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../limits.ts";
import { RequestMemo, type KnownRequest } from "./request-memo.ts";
import { RequestParser } from "./request-parser.ts";

const own = capSlot(0);

/** A frame of memory to receive in. */
function makeMemory(): Window {
  const { root } = makeRig(64, { reserveFrames: 0 });
  must(root.framesAlloc(frame(10), 1, own));
  return must(root.windowBind(frame(10), 1, true, own));
}

const HEAD = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
const AT = 54;

function put(memory: Window, bytes: Uint8Array, at: number = AT): void {
  memory.write(at, bytes, 0, bytes.length);
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (one) => one.charCodeAt(0));

/** What a server does with a head: looks it up, or parses and notes it. */
function read(
  memo: RequestMemo,
  memory: Window,
  text: string,
  guess?: KnownRequest,
  at: number = AT,
): KnownRequest | undefined {
  const bytes = latin1(text);
  put(memory, bytes, at);
  const known = memo.find(memory, at, bytes.length, guess);
  if (known !== undefined) return known;
  const parser = new RequestParser(DEFAULT_LIMITS);
  expect(parser.parse(bytes, bytes.length)).toBe("complete");
  memo.note(memory, at, bytes.length, parser.request);
  return undefined;
}

test("a head is known from the third time on, wherever it lies, and says what the parser said", () => {
  const [memo, memory] = [new RequestMemo(), makeMemory()];
  expect([read(memo, memory, HEAD), read(memo, memory, HEAD)]).toEqual([undefined, undefined]);
  const known = read(memo, memory, HEAD, undefined, 99);
  expect(known?.request).toMatchObject({ method: "GET", target: "/a", keepAlive: true, hasHost: true });
  expect(Object.isFrozen(known?.request)).toBe(true);
  expect(read(memo, memory, HEAD, known, 1023)).toBe(known);
});

test("a head that differs anywhere, is longer or shorter, or only begins alike, is another", () => {
  const [memo, memory] = [new RequestMemo(), makeMemory()];
  for (let i = 0; i < 2; i++) read(memo, memory, HEAD);
  const known = read(memo, memory, HEAD);
  expect(known).toBeDefined();
  const bytes = latin1(HEAD);
  for (let i = 0; i < bytes.length; i++) {
    const changed = bytes.slice();
    changed[i]! ^= 0x20;
    put(memory, changed);
    expect([i, memo.find(memory, AT, changed.length, known)]).toEqual([i, undefined]);
  }
  put(memory, bytes);
  for (const length of [bytes.length - 1, bytes.length + 1, bytes.length + 4])
    expect(memo.find(memory, AT, length, known)).toBeUndefined();
});

test("what is found has the same bytes, whatever came before", () => {
  const memory = makeMemory();
  const memo = new RequestMemo();
  const texts = new Map<KnownRequest, string>();
  let found = 0;
  const paths = fc.stringMatching(/^[a-d]{1,3}$/);
  fc.assert(
    fc.property(fc.array(paths, { maxLength: 40 }), fc.nat(40), (all, at) => {
      for (const path of all) {
        const text = `GET /${path} HTTP/1.1\r\nHost: ${path}\r\n\r\n`;
        const known = read(memo, memory, text, undefined, at);
        if (known === undefined) continue;
        found += 1;
        expect(known.request.target).toBe(`/${path}`);
        expect(texts.get(known) ?? text).toBe(text);
        texts.set(known, text);
      }
    }),
    { numRuns: 200 },
  );
  expect(found).toBeGreaterThan(100);
});

test("a head too long to be remembered is not", () => {
  const [memo, memory] = [new RequestMemo(), makeMemory()];
  const long = `GET /a HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(1100)}\r\n\r\n`;
  for (let i = 0; i < 4; i++) expect(read(memo, memory, long)).toBeUndefined();
});
