/** Every handler in its sandbox does what its module does unconfined; and what that is, is right. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ACTIVE_MESSAGE,
  ANSWER_BIT,
  ARP_HANDLER,
  DELIVER_TO,
  HANDLER_CODE,
  REMOTE_INCREMENT,
  REMOTE_LOCK,
  type HandlerName,
} from "../src/index.ts";
import { confine, type Confined } from "./confined-handler.ts";
import { ENDS, arpFrame, echoFrame, isSound, octets, onesSum, udpFrame, word } from "./handler-frames.ts";
import { makeRawHandler, type RawHandler, type RawRun } from "./raw-handler.ts";

const PAGE = 65_536;

/** Both kinds of one handler. */
interface Twins {
  readonly raw: RawHandler;
  readonly confined: Confined;
}

function twins(name: HandlerName): Twins {
  const code = HANDLER_CODE[name];
  const both = { raw: makeRawHandler(code.module, code.pipes), confined: confine(code) };
  for (const memory of [both.raw.memory, both.confined.segment]) memory.set(ENDS.here, ARP_HANDLER.ownAt);
  return both;
}

/** Runs both on `message`; throws unless they agree in all that can be seen. */
function agree({ raw, confined }: Twins, message: Uint8Array): RawRun {
  const ours = confined.run(message);
  const theirs = raw.run(message);
  const sent = theirs.result === 1 ? theirs.sent : [];
  expect(ours).toEqual({ result: theirs.result, sent, woke: theirs.woke });
  expect(Buffer.compare(confined.segment, raw.memory.subarray(0, PAGE))).toBe(0);
  return ours;
}

const data = (least: number): fc.Arbitrary<number[]> =>
  fc.array(fc.nat(255), { minLength: least, maxLength: 200 });
/** Requests whose fields are often those that mean something. */
const fields = (...most: number[]): fc.Arbitrary<number[]> =>
  fc.tuple(...most.map((value) => fc.nat(value)), data(0)).map((all) => {
    const words = all.slice(0, -1) as number[];
    return [...words.flatMap(word), ...(all.at(-1) as number[])];
  });
const datagram = (of: fc.Arbitrary<number[]>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(of, fc.boolean(), fc.integer({ min: 1022, max: 1026 }), fc.constantFrom(7, 1025))
    .map(([bytes, withSum, from, to]) => udpFrame(bytes, withSum, [from, to]));

/** What each of them is for. */
const REQUESTS: Readonly<Record<HandlerName, fc.Arbitrary<Uint8Array>>> = {
  arp: fc.constant(arpFrame()),
  echo: data(0).map(echoFrame),
  udpEcho: datagram(data(0)),
  remoteIncrement: datagram(fields(2 ** 31, 2 ** 31)),
  remoteLock: datagram(
    fc
      .tuple(fc.integer({ min: 0, max: 3 }), fc.nat(70), data(0))
      .map(([operation, lock, rest]) => [
        ...word(1),
        ...word(operation * 65_536 + lock),
        ...word(9),
        ...rest,
      ]),
  ),
  activeMessage: datagram(fields(9, 4, 1030, 9, 9)),
  deliverTo: datagram(fields(9, 8, 8200)),
};

/** A frame, or one that was broken on its way: cut, or with some bytes changed. */
const broken = (of: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(of, fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 3 }), fc.option(fc.nat(90)))
    .map(([frame, changes, end]) => {
      const changed = frame.slice(0, end ?? frame.length);
      for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
      return changed;
    });

/** One frame each that is answered, or consumed. */
const ANSWERED: Readonly<Record<HandlerName, Uint8Array>> = {
  arp: arpFrame(),
  echo: echoFrame([1, 2, 3]),
  udpEcho: udpFrame([1, 2, 3]),
  remoteIncrement: udpFrame([...word(1), ...word(2)], false),
  remoteLock: udpFrame([...word(1), ...word(65_536), ...word(0)], false),
  activeMessage: udpFrame([0, 1, 2, 3, 4].flatMap(word), false),
  deliverTo: udpFrame([...[0, 1, 2].flatMap(word), 9], false),
};

/** Bytes by offset. */
type Change = Readonly<Record<number, number>>;

const ARP_CHANGES: Readonly<Record<string, Change>> = {
  "another type": { 13: 0 },
  "another hardware": { 15: 6 },
  "a reply": { 21: 2 },
  "a sender that is a group": { 22: 1 },
  "a source that is a group": { 6: 1 },
  "an announcement": { 31: 1 },
};

const IPV4_CHANGES: Readonly<Record<string, Change>> = {
  "another type": { 13: 6 },
  "another version": { 14: 0x65 },
  options: { 14: 0x46 },
  "a length past the frame": { 16: 4 },
  "a length before the end of the header": { 17: 19 },
  "a first fragment": { 20: 0x20 },
  "a later fragment": { 21: 1 },
  "another protocol": { 23: 99 },
  "a group's link address": { 0: 3 },
  "a source that is a group": { 6: 1 },
  "no source": { 26: 0 },
  "itself as the source": { 26: 127 },
  "a group's address as the source": { 26: 224 },
  "everybody as the source": { 26: 255 },
};

/** A frame with some bytes changed, and the sum of an IPv4 header made right again. */
function changed(frame: Uint8Array, change: Change): Uint8Array {
  const made = frame.slice();
  for (const [at, value] of Object.entries(change)) made[Number(at)] = value;
  if (frame[13] !== 0) return made;
  made.set([0, 0], 24);
  const sum = ~onesSum(made.subarray(14, 34)) & 0xffff;
  made.set([sum >>> 8, sum & 255], 24);
  return made;
}

describe.each(Object.keys(HANDLER_CODE) as HandlerName[])("%s", (name) => {
  test("does in its sandbox what it does outside, on whatever arrives", () => {
    const frame = fc.oneof(
      REQUESTS[name],
      broken(REQUESTS[name]),
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
    );
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 8 }), (frames) => {
        const both = twins(name);
        for (const each of frames) {
          const { result, sent } = agree(both, each);
          expect(result).toBeDefined();
          for (const answer of sent) {
            expect(answer.length).toBe(name === "arp" ? 60 : each.length);
            expect([...answer.subarray(0, 6)]).toEqual([...each.subarray(6, 12)]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("defers what it cannot answer, though its sums are right", () => {
    const both = twins(name);
    const good = ANSWERED[name];
    expect(agree(both, good)).toMatchObject({ result: 1 });
    for (const [what, change] of Object.entries(name === "arp" ? ARP_CHANGES : IPV4_CHANGES))
      expect(agree(both, changed(good, change)), what).toEqual({ result: 0, sent: [], woke: false });
    if (name !== "arp") expect(agree(both, good.with(24, (good[24] ?? 0) ^ 1))).toMatchObject({ result: 0 });
    for (let length = 1; length < 42; length++)
      expect(agree(both, good.subarray(0, length))).toMatchObject({ result: 0, sent: [] });
  });
});

const ANSWERING = ["udpEcho", "remoteIncrement", "remoteLock", "activeMessage"] as const;

describe.each(ANSWERING)("%s", (name) => {
  const [request] = [ANSWERED[name]];
  const body = [...request.subarray(42, 14 + (request[17] ?? 0) + (request[16] ?? 0) * 256)];
  const said = (
    both: Twins,
    bytes: readonly number[],
    ports: readonly [number, number],
  ): number | undefined => agree(both, udpFrame(bytes, true, ports)).result;

  test("answers clients alone: not a service's port, nor the port that it has itself", () => {
    const both = twins(name);
    for (const ports of [
      [1024, 7],
      [65_535, 1023],
      [0x0708, 0x0007],
    ] as const)
      expect([ports, said(both, body, ports)]).toEqual([ports, 1]);
    // An echo has no mark that tells its answers from requests, so it has a service's port itself.
    expect(said(both, body, [2000, 1024])).toBe(name === "udpEcho" ? 0 : 1);
    for (const ports of [
      [0, 7],
      [7, 7],
      [19, 7],
      [1023, 7],
      [1024, 1024],
      [0xffff, 0xffff],
      [255, 0],
    ] as const)
      expect([ports, said(both, body, ports)]).toEqual([ports, 0]);
  });

  test.skipIf(name === "udpEcho")(
    "an answer is no request: not its own, sent back, nor anybody's with the bit",
    () => {
      const both = twins(name);
      const [answer = new Uint8Array()] = agree(both, udpFrame(body, true, [5000, 6000])).sent;
      expect(isSound(answer)).toBe(true);
      expect([answer[42], body[0]]).toEqual([0x80, 0]);
      const back = [...answer.subarray(42, 42 + body.length)];
      expect(said(both, back, [6000, 5000])).toBe(0);
      expect(said(both, back.with(0, 0), [6000, 5000])).toBe(1);
      expect(said(both, body.with(0, 0x80), [5000, 7])).toBe(0);
      expect(said(both, body.with(0, 0x7f), [5000, 7])).toBe(1);
    },
  );
});

test("echo: the reply is the request with its ends exchanged, its type 0, and right sums", () => {
  const both = twins("echo");
  fc.assert(
    fc.property(data(0), (bytes) => {
      const request = echoFrame(bytes);
      const [reply = new Uint8Array()] = agree(both, request).sent;
      expect(isSound(request) && isSound(reply)).toBe(true);
      expect([...reply.subarray(0, 12)]).toEqual([...ENDS.there, ...ENDS.here]);
      expect([...reply.subarray(26, 34)]).toEqual([...ENDS.hereAddress, ...ENDS.thereAddress]);
      expect([reply[22], reply[34], reply[35]]).toEqual([64, 0, 0]);
      expect([...reply.subarray(38)]).toEqual([...request.subarray(38)]);
    }),
  );
});

test("echo: a damaged request is a damaged reply, never a mended one", () => {
  const both = twins("echo");
  const request = echoFrame([1, 2, 3, 4]);
  for (const at of [36, 38, 41, 42, 45]) {
    const damaged = request.with(at, (request[at] ?? 0) ^ 0x10);
    const [reply = new Uint8Array()] = agree(both, damaged).sent;
    expect(isSound(reply)).toBe(false);
  }
});

test("arp: the reply says that the address asked for is at the owner's", () => {
  const { sent } = agree(twins("arp"), arpFrame());
  expect([...(sent[0] ?? [])]).toEqual([
    ...ENDS.there,
    ...ENDS.here,
    ...octets("08 06 00 01 08 00 06 04 00 02"),
    ...ENDS.here,
    ...ENDS.hereAddress,
    ...ENDS.there,
    ...ENDS.thereAddress,
    ...new Uint8Array(18),
  ]);
});

/** What an answer has at `index` of its words. */
const wordOf = ({ sent }: RawRun, index: number): number =>
  Buffer.from(sent[0] ?? new Uint8Array(60)).readUInt32BE(42 + index * 4);
const wordAt = ({ confined: { segment } }: Twins, at: number): number =>
  Buffer.from(segment.buffer, segment.byteOffset).readUInt32BE(at);

test("remote increment: the answer has the new value, and so has the word; a damaged request adds nothing", () => {
  const both = twins("remoteIncrement");
  both.confined.segment.fill(0, 0, 8);
  both.raw.memory.fill(0, 0, 8);
  let value = 0;
  for (const amount of [1, 5, 0xffff_ffff, 70_000]) {
    value = (value + amount) >>> 0;
    const request = udpFrame([...word(77), ...word(amount)], amount !== 5);
    const answer = agree(both, request);
    expect([wordOf(answer, 0), wordOf(answer, 1)]).toEqual([ANSWER_BIT + 77, value]);
    expect(isSound(answer.sent[0] ?? new Uint8Array())).toBe(true);
    if (amount !== 5) agree(both, request.with(49, (request[49] ?? 0) ^ 1));
    expect(wordAt(both, REMOTE_INCREMENT.wordAt)).toBe(value);
  }
});

test("remote lock: one holder at a time, known by its port; an answer that was lost may be asked for again", () => {
  const both = twins("remoteLock");
  const ask = (port: number, operation: number, lock: number): number[] => {
    const ports = [1024 + port, 7] as const;
    const request = udpFrame([...word(1), ...word(operation * 65_536 + lock), ...word(0)], true, ports);
    const answer = agree(both, request);
    if (answer.result === 0) return [];
    expect(isSound(answer.sent[0] ?? new Uint8Array())).toBe(true);
    expect(wordOf(answer, 1) & 0xffff).toBe(lock);
    return [wordOf(answer, 1) >>> 16, wordOf(answer, 2), Number(answer.woke)];
  };
  const { operations, results, count } = REMOTE_LOCK;
  expect(ask(10, operations.acquire, 3)).toEqual([results.granted, 1, 1]);
  expect(ask(10, operations.acquire, 3)).toEqual([results.granted, 1, 0]);
  expect(ask(11, operations.acquire, 3)).toEqual([results.denied, 1, 0]);
  expect(ask(11, operations.release, 3)).toEqual([results.denied, 1, 0]);
  expect(ask(11, operations.acquire, 4)).toEqual([results.granted, 1, 1]);
  expect(ask(10, operations.release, 3)).toEqual([results.released, 1, 1]);
  expect(ask(10, operations.release, 3)).toEqual([results.released, 1, 0]);
  expect(ask(11, operations.acquire, 3)).toEqual([results.granted, 2, 1]);
  expect(ask(11, operations.acquire, count)).toEqual([]);
  expect(ask(11, 3, 0)).toEqual([]);
  const lock = REMOTE_LOCK.locksAt + 3 * REMOTE_LOCK.lockBytes;
  expect([0, 4, 8, 12].map((at) => wordAt(both, lock + at))).toEqual([0x0a00_0002, 1035, 2, 1]);
});

test("active messages: each function does what it says; one that is not there is for the owner", () => {
  const both = twins("activeMessage");
  const { functions, count, wordsAt } = ACTIVE_MESSAGE;
  const send = (number: number, index: number, first: number, second = 0): number => {
    const answer = agree(both, udpFrame([5, number, index, first, second].flatMap(word)));
    return answer.result === 0 ? -1 : wordOf(answer, 3);
  };
  expect(send(functions.exchange, 7, 40)).toBe(0);
  expect(send(functions.add, 7, 2)).toBe(40);
  expect(send(functions.exchangeIf, 7, 9, 41)).toBe(42);
  expect(send(functions.exchangeIf, 7, 9, 42)).toBe(42);
  expect(send(functions.raise, 7, 8)).toBe(9);
  expect(send(functions.raise, 7, 0xffff_fff0)).toBe(9);
  expect(wordAt(both, wordsAt + 7 * 4)).toBe(0xffff_fff0);
  for (const number of [4, 5, 0xffff_ffff]) expect(send(number, 7, 1)).toBe(-1);
  expect(send(functions.add, count, 1)).toBe(-1);
});

test("deliver-to: bytes land where the message says, and are counted when their sum is right", () => {
  const both = twins("deliverTo");
  both.confined.segment.fill(0, 0, 64);
  both.raw.memory.fill(0, 0, 64);
  const { buffersAt, bufferBytes, count } = DELIVER_TO;
  fc.assert(
    fc.property(
      fc.nat(count - 1),
      fc.nat(bufferBytes - 200),
      data(0),
      fc.boolean(),
      (buffer, offset, bytes, withSum) => {
        const before = [0, 4].map((at) => wordAt(both, buffer * 8 + at));
        const { result, woke } = agree(
          both,
          udpFrame([...[0, buffer, offset].flatMap(word), ...bytes], withSum),
        );
        expect([result, woke]).toEqual([1, true]);
        const at = buffersAt + buffer * bufferBytes + offset;
        expect([...both.confined.segment.subarray(at, at + bytes.length)]).toEqual(bytes);
        expect([0, 4].map((word) => wordAt(both, buffer * 8 + word))).toEqual([
          (before[0] ?? 0) + bytes.length,
          (before[1] ?? 0) + 1,
        ]);
      },
    ),
  );
  const request = udpFrame([...[0, 1, 0].flatMap(word), 1, 2, 3]);
  expect(agree(both, request.with(55, 9))).toEqual({ result: 0, sent: [], woke: false });
  for (const [buffer, offset] of [
    [count, 0],
    [0, bufferBytes - 2],
    [0, 0xffff_ffff],
  ] as const)
    expect(agree(both, udpFrame([...[0, buffer, offset].flatMap(word), 1, 2, 3]))).toMatchObject({
      result: 0,
    });
});
