import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { atomsOf, fragmentsIndex } from "./atoms.ts";
import { ipv4To, tcpTo } from "./builders.ts";
import { DEMULTIPLEXER_STEPS, type Demultiplexer, makeDemultiplexer, specificity } from "./demultiplexer.ts";
import { interpretFilter } from "./interpret.ts";
import { type Filter, equal, fragments, fullMask, shift, skip } from "./term.ts";
import type { Verified } from "../verified.ts";
import {
  arbitraryFilter,
  arbitraryFragmentFilter,
  arbitraryFrame,
  type PlacedFrame,
} from "../testing/arbitrary.ts";
import { type Remembered, longestMatch } from "../testing/longest-match.ts";
import { ipv4, ipv4Packet } from "../testing/packets.ts";
import { mustVerify } from "../testing/verify.ts";

const OURS = ipv4(10, 0, 0, 2);
const classify = (demultiplexer: Demultiplexer, frame: Uint8Array): number =>
  demultiplexer.classify(frame, 0, frame.length);
const insert = (demultiplexer: Demultiplexer, filter: Filter, tag: number) =>
  demultiplexer.insert(mustVerify(filter), tag);
const frames = fc.array(arbitraryFrame(), { minLength: 1, maxLength: 12 });
const anyFilter = fc.oneof(
  { weight: 3, arbitrary: arbitraryFilter(4, 3) },
  { weight: 1, arbitrary: arbitraryFragmentFilter(3, 3) },
);
const plainSet = fc.array(arbitraryFilter(4, 3), { minLength: 1, maxLength: 12 });
const filterSet = fc.array(anyFilter, { minLength: 1, maxLength: 12 });
/** With code from the first frame on, and never with any: both must do the same. */
const makeTwins = (): readonly Demultiplexer[] => [
  makeDemultiplexer({ patience: 0 }),
  makeDemultiplexer({ codeFields: 0 }),
];
const classifyFrame = (by: Demultiplexer, { memory, at, length }: PlacedFrame): number =>
  by.classify(memory, at, length);

test("10 TCP filters share prefix: atom count ≪ sum; short IP filter gets the non-claimed packets", () => {
  const demultiplexer = makeDemultiplexer();
  const filters = Array.from({ length: 10 }, (_, i) =>
    mustVerify(tcpTo({ destination: OURS, port: 80 + i })),
  );
  for (const [i, filter] of filters.entries()) expect(demultiplexer.insert(filter, i)).toBe(i);
  const separate = filters.reduce((sum, filter) => sum + specificity(filter), 0);
  expect([demultiplexer.atoms(), separate]).toEqual([16, 70]);
  expect(demultiplexer.worstSteps()).toBe(specificity(filters[0] as Verified<Filter>));
  insert(demultiplexer, ipv4To({ destination: OURS }), 99);
  for (let i = 0; i < 10; i++)
    expect(classify(demultiplexer, ipv4Packet({ port: 80 + i, options: 4 * i }))).toBe(i);
  expect(classify(demultiplexer, ipv4Packet({ port: 90 }))).toBe(99);
  expect(classify(demultiplexer, ipv4Packet({ port: 80, protocol: 17 }))).toBe(99);
  expect(classify(demultiplexer, ipv4Packet({ port: 80, destination: 1 }))).toBe(-1);
});

describe("classify", () => {
  test("answers with the longest match, as trying every filter does", () => {
    let matches = 0;
    fc.assert(
      fc.property(filterSet, frames, (set, tries) => {
        const twins = makeTwins();
        const installed: Verified<Filter>[] = [];
        const remembered: Remembered = new Map();
        for (const filter of set.map(mustVerify)) {
          const done = twins.map((twin) => twin.insert(filter, installed.length));
          if (!done.includes("overlap")) installed.push(filter);
        }
        for (const frame of tries) {
          const expected = longestMatch(installed, frame, remembered);
          if (expected >= 0) matches++;
          expect(twins.map((twin) => classifyFrame(twin, frame))).toEqual([expected, expected]);
        }
        expect(twins.map((twin) => [twin.check(), twin.isCompiled()])).toEqual([
          [true, true],
          [true, false],
        ]);
      }),
      { numRuns: 2000 },
    );
    expect(matches).toBeGreaterThan(2000);
  });

  test("goes on answering so while filters come and go", () => {
    const steps = fc.array(fc.tuple(fc.boolean(), anyFilter, fc.nat(9)), {
      minLength: 5,
      maxLength: 25,
    });
    fc.assert(
      fc.property(steps, frames, (script, tries) => {
        const twins = makeTwins();
        const byAge: { filter: Verified<Filter>; index: number; tag: number }[] = [];
        const remembered: Remembered = new Map();
        for (const [tag, [adds, terms, which]] of script.entries()) {
          const filter = mustVerify(terms);
          const [index] = adds ? twins.map((twin) => twin.insert(filter, tag)) : ["overlap"];
          if (typeof index === "number") byAge.push({ filter, index, tag });
          const [gone] = adds ? [] : byAge.splice(which % (byAge.length + 1), 1);
          for (const twin of twins) if (gone !== undefined) expect(twin.remove(gone.index)).toBe(true);
          for (const [key, of] of remembered) if (of === gone?.filter) remembered.delete(key);
          for (const frame of tries) {
            const best =
              byAge[
                longestMatch(
                  byAge.map((one) => one.filter),
                  frame,
                  remembered,
                )
              ]?.tag ?? -1;
            expect(twins.map((twin) => classifyFrame(twin, frame))).toEqual([best, best]);
          }
          expect(twins.every((twin) => twin.check())).toBe(true);
        }
        for (const { index } of byAge) for (const twin of twins) twin.remove(index);
        for (const twin of twins)
          expect([twin.atoms(), twin.worstSteps(), twin.check()]).toEqual([0, 0, true]);
      }),
      { numRuns: 250 },
    );
  });

  test("leaves the frame with the older of two equally long matches", () => {
    const demultiplexer = makeDemultiplexer();
    insert(demultiplexer, [equal(1, 1, 2)], 10);
    insert(demultiplexer, [equal(0, 1, 1)], 11);
    expect(classify(demultiplexer, Uint8Array.of(1, 2))).toBe(10);
    demultiplexer.remove(0);
    expect(classify(demultiplexer, Uint8Array.of(1, 2))).toBe(11);
    insert(demultiplexer, [equal(1, 1, 2)], 12);
    expect(classify(demultiplexer, Uint8Array.of(1, 2))).toBe(11);
  });

  test("gives everything that nobody wants to the empty filter, and -1 without one", () => {
    const demultiplexer = makeDemultiplexer();
    expect(classify(demultiplexer, Uint8Array.of(1))).toBe(-1);
    insert(demultiplexer, [], 5);
    expect(classify(demultiplexer, Uint8Array.of(1))).toBe(5);
    expect(classify(demultiplexer, new Uint8Array(0))).toBe(5);
  });

  test("tells apart values with the top bit set", () => {
    const demultiplexer = makeDemultiplexer();
    insert(demultiplexer, [equal(0, 4, 0xffffffff)], 1);
    insert(demultiplexer, [equal(0, 4, 0x80000000)], 2);
    insert(demultiplexer, [equal(0, 4, 0x7fffffff)], 3);
    expect(classify(demultiplexer, Uint8Array.of(255, 255, 255, 255))).toBe(1);
    expect(classify(demultiplexer, Uint8Array.of(128, 0, 0, 0))).toBe(2);
    expect(classify(demultiplexer, Uint8Array.of(127, 255, 255, 255))).toBe(3);
    expect(classify(demultiplexer, Uint8Array.of(127, 255, 255, 254))).toBe(-1);
  });
});

describe("insert", () => {
  test("finds the identical filter, however it is spelled", () => {
    const demultiplexer = makeDemultiplexer();
    expect(insert(demultiplexer, [equal(12, 2, 0x0800), equal(23, 1, 6)], 0)).toBe(0);
    expect(insert(demultiplexer, [skip(12), equal(11, 1, 6), equal(0, 2, 0x0800), skip(0)], 1)).toBe(
      "overlap",
    );
    expect(demultiplexer.remove(0)).toBe(true);
    expect(insert(demultiplexer, [equal(23, 1, 6), equal(12, 2, 0x0800)], 1)).toBe(0);
  });

  test("hands out the lowest free index and no more than it has", () => {
    const demultiplexer = makeDemultiplexer({ filters: 2 });
    expect(insert(demultiplexer, [equal(0, 1, 0)], 0)).toBe(0);
    expect(insert(demultiplexer, [equal(0, 1, 1)], 1)).toBe(1);
    expect(insert(demultiplexer, [equal(0, 1, 2)], 2)).toBe("full");
    expect(demultiplexer.remove(0)).toBe(true);
    expect(demultiplexer.remove(0)).toBe(false);
    expect(insert(demultiplexer, [equal(0, 1, 2)], 2)).toBe(0);
    expect(classify(demultiplexer, Uint8Array.of(2))).toBe(2);
  });

  test("refuses what would make the worst frame too dear, and leaves no trace of it", () => {
    const demultiplexer = makeDemultiplexer({ steps: 8 });
    for (let at = 0; at < 8; at++) expect(insert(demultiplexer, [equal(at, 1, 1)], at)).toBe(at);
    expect(insert(demultiplexer, [equal(8, 1, 1)], 8)).toBe("full");
    expect(insert(demultiplexer, [equal(0, 1, 1), equal(8, 1, 1)], 8)).toBe("full");
    expect([demultiplexer.atoms(), demultiplexer.worstSteps(), demultiplexer.check()]).toEqual([8, 8, true]);
    expect(insert(demultiplexer, [equal(0, 1, 2)], 8)).toBe(8);
  });

  test("makes filters that differ in a constant cost one step together", () => {
    const demultiplexer = makeDemultiplexer();
    for (let port = 0; port < 2000; port++) insert(demultiplexer, tcpTo({ destination: OURS, port }), port);
    expect(demultiplexer.worstSteps()).toBe(7);
    expect(classify(demultiplexer, ipv4Packet({ port: 1999 }))).toBe(1999);
  });
});

/** Counts the bytes read, each field of these filters being one byte. */
const countReads = (bytes: Uint8Array): { memory: Uint8Array; reads: () => number } => {
  let reads = 0;
  const get = (of: Uint8Array, key: string): unknown => {
    if (/^\d+$/.test(key)) reads++;
    return Reflect.get(of, key);
  };
  return { memory: new Proxy(bytes, { get } as ProxyHandler<Uint8Array>), reads: () => reads };
};

const narrow = (filter: Filter): Filter =>
  filter.map((term) => {
    if (term.kind === "skip" || term.kind === "fragments") return term;
    const mask = term.mask & fullMask(1);
    return term.kind === "shift"
      ? { ...term, width: 1, mask }
      : { ...term, width: 1, mask, value: term.value & mask };
  });

describe("worstSteps", () => {
  test("[N4] worst-case step count < limit for all packets", () => {
    const hostile: Filter[] = Array.from({ length: 400 }, (_, i) =>
      Array.from({ length: 1 + (i % 7) }, (_unused, j) =>
        equal((i + j * (1 + (i % 5))) % 12, 1, (i >> (j % 4)) % 2, 1),
      ),
    );
    const sets = fc.array(
      fc.oneof(
        arbitraryFilter(6, 8).map(narrow),
        fc.constantFrom(...hostile),
        arbitraryFragmentFilter(3, 4).map(narrow),
      ),
      {
        minLength: 20,
        maxLength: 80,
      },
    );
    const steps = 100;
    let [full, most] = [0, 0];
    fc.assert(
      fc.property(sets, frames, (set, tries) => {
        const demultiplexer = makeDemultiplexer({ steps, codeFields: 0 });
        for (const [i, filter] of set.entries()) if (insert(demultiplexer, filter, i) === "full") full++;
        expect(demultiplexer.worstSteps()).toBeLessThanOrEqual(steps);
        for (const frame of [
          ...tries,
          { memory: new Uint8Array(16).fill(1), at: 0, length: 16 },
          { memory: new Uint8Array(16), at: 0, length: 16 },
        ]) {
          const counted = countReads(frame.memory);
          demultiplexer.classify(counted.memory, frame.at, frame.length);
          most = Math.max(most, counted.reads());
          expect(counted.reads()).toBeLessThanOrEqual(demultiplexer.worstSteps());
        }
      }),
      { numRuns: 200 },
    );
    expect(full).toBeGreaterThan(0);
    expect(most).toBeGreaterThan(10);
    const demultiplexer = makeDemultiplexer({ codeFields: 0 });
    for (const [i, filter] of hostile.entries()) insert(demultiplexer, filter, i);
    expect(demultiplexer.worstSteps()).toBeLessThanOrEqual(DEMULTIPLEXER_STEPS);
  });

  test("is reached by the worst frame", () => {
    const demultiplexer = makeDemultiplexer();
    insert(demultiplexer, [equal(0, 1, 1), equal(1, 1, 1)], 0);
    insert(demultiplexer, [equal(2, 1, 1), equal(3, 1, 2)], 1);
    expect(demultiplexer.worstSteps()).toBe(4);
    const counted = countReads(Uint8Array.of(1, 2, 1, 1));
    expect(demultiplexer.classify(counted.memory, 0, 4)).toBe(-1);
    expect(counted.reads()).toBe(4);
  });
});

describe("lessSpecific", () => {
  const broad = ipv4To({ destination: OURS });
  const narrow = tcpTo({ destination: OURS, port: 80 });

  test("names the filters that the new one would take frames from", () => {
    const demultiplexer = makeDemultiplexer();
    insert(demultiplexer, broad, 1);
    insert(demultiplexer, ipv4To({ destination: 1 }), 2);
    expect(demultiplexer.lessSpecific(mustVerify(narrow))).toEqual([1]);
    expect(demultiplexer.lessSpecific(mustVerify(ipv4To({ destination: 1, protocol: 6 })))).toEqual([2]);
  });

  test("names none for a shorter, an equally long or a disjoint filter", () => {
    const demultiplexer = makeDemultiplexer();
    insert(demultiplexer, narrow, 1);
    expect(demultiplexer.lessSpecific(mustVerify(broad))).toEqual([]);
    expect(
      demultiplexer.lessSpecific(mustVerify(tcpTo({ destination: OURS, port: 81, sourcePort: 9 }))),
    ).toEqual([]);
  });

  test.each([
    ["says nothing new, and so takes nothing", [equal(12, 2, 0x0800), ...narrow], []],
    ["splits a field in two", [...narrow, equal(12, 1, 0x08), equal(13, 1, 0x00)], [1]],
    ["adds a comparison that always holds", [...narrow, equal(0, 1, 0, 0)], [1]],
    ["adds a shift at the end", [...narrow, shift(0, 1, 0, 0)], [1]],
    [
      "comes along another way",
      [equal(30, 4, OURS), ...[14, 16, 18, 20, 22, 24, 26].map((at) => equal(at, 1, 0, 0))],
      [1],
    ],
  ] as const)("is right about a filter that %s", (_how, filter, expected) => {
    const demultiplexer = makeDemultiplexer();
    insert(demultiplexer, narrow, 1);
    expect(demultiplexer.lessSpecific(mustVerify(filter))).toEqual(expected);
  });

  test("misses no filter that loses a frame", () => {
    let taken = 0;
    fc.assert(
      fc.property(plainSet, arbitraryFilter(6, 3), frames, (set, terms, tries) => {
        const demultiplexer = makeDemultiplexer();
        for (const [i, filter] of set.entries()) insert(demultiplexer, filter, i);
        const before = tries.map((frame) => demultiplexer.classify(frame.memory, frame.at, frame.length));
        const victims = demultiplexer.lessSpecific(mustVerify(terms));
        insert(demultiplexer, terms, 1000);
        for (const [i, frame] of tries.entries()) {
          const now = demultiplexer.classify(frame.memory, frame.at, frame.length);
          const was = before[i] ?? -1;
          if (now === was || was < 0) continue;
          taken++;
          expect(now).toBe(1000);
          expect(interpretFilter(terms, frame.memory, frame.at, frame.length)).toBe(true);
          expect(victims).toContain(was);
        }
      }),
      { numRuns: 4000 },
    );
    expect(taken).toBeGreaterThan(500);
  });

  test("misses none that loses a fragment, but to one that remembers together with it", () => {
    let [taken, together] = [0, 0];
    const set = fc.array(anyFilter, { minLength: 1, maxLength: 8 });
    const prefix = (filter: Filter): string => {
      const atoms = atomsOf(mustVerify(filter));
      return JSON.stringify(atoms.slice(0, fragmentsIndex(atoms) + 1));
    };
    const many = fc.array(arbitraryFrame(), { minLength: 4, maxLength: 16 });
    fc.assert(
      fc.property(set, arbitraryFragmentFilter(4, 3), many, (filters, terms, tries) => {
        const [without, beside] = [makeDemultiplexer(), makeDemultiplexer()];
        for (const [i, filter] of filters.entries()) {
          insert(without, filter, i);
          insert(beside, filter, i);
        }
        const victims = beside.lessSpecific(mustVerify(terms));
        insert(beside, terms, 1000);
        for (const frame of tries) {
          const was = classifyFrame(without, frame);
          if (classifyFrame(beside, frame) === was || was < 0) continue;
          const isTogether = prefix(filters[was] as Filter) === prefix(terms);
          if (isTogether && !victims.includes(was)) together++;
          else expect(victims).toContain(was);
          taken++;
        }
      }),
      { numRuns: 4000 },
    );
    expect(taken).toBeGreaterThan(200);
    expect(together).toBeLessThan(taken);
  });
});

describe("fragments", () => {
  const byte = (at: number) => ({ at, width: 1 as const, mask: 0xff });
  // Bytes: protocol, later, more, key, port.
  const parts = fragments(byte(1), byte(2), [byte(3)]);
  const toPort = (port: number): Filter => [equal(0, 1, 6), parts, equal(4, 1, port)];

  test.each(["code", "interpreter"])("of a datagram go where its first one went, by %s", (how) => {
    const demultiplexer = makeDemultiplexer(how === "code" ? { patience: 0 } : { codeFields: 0 });
    const send = (...bytes: number[]): number => classify(demultiplexer, Uint8Array.from(bytes));
    insert(demultiplexer, toPort(80), 80);
    insert(demultiplexer, toPort(81), 81);
    insert(demultiplexer, [equal(0, 1, 6)], 1);
    expect(send(6, 1, 0, 7)).toBe(1);
    expect([send(6, 0, 1, 7, 80), send(6, 0, 1, 8, 81), send(6, 0, 0, 9, 81)]).toEqual([80, 81, 81]);
    expect([send(6, 1, 1, 7), send(6, 2, 0, 7, 81), send(6, 1, 0, 8), send(6, 1, 0, 9)]).toEqual([
      80, 80, 81, 1,
    ]);
    expect(send(6, 0, 1, 7, 81)).toBe(81);
    expect(send(6, 1, 0, 7)).toBe(81);
    expect(demultiplexer.isCompiled()).toBe(how === "code");
  });

  test("attack: keys of a filter that is gone are nobody's, though its index and place are taken again", () => {
    const demultiplexer = makeDemultiplexer({ patience: 0 });
    const index = insert(demultiplexer, toPort(80), 80) as number;
    expect(classify(demultiplexer, Uint8Array.of(6, 0, 1, 7, 80))).toBe(80);
    expect(classify(demultiplexer, Uint8Array.of(6, 1, 0, 7))).toBe(80);
    demultiplexer.remove(index);
    expect(insert(demultiplexer, toPort(81), 81)).toBe(index);
    expect(classify(demultiplexer, Uint8Array.of(6, 1, 0, 7))).toBe(-1);
  });
});

test("attack: filters that come and go leave nothing behind", () => {
  const demultiplexer = makeDemultiplexer({ patience: 0 });
  const keep = insert(demultiplexer, tcpTo({ destination: OURS, port: 80 }), 1);
  for (let i = 0; i < 20_000; i++) {
    const index = insert(demultiplexer, tcpTo({ destination: i * 7919, port: i % 65536 }), 2);
    expect(index).toBe(1);
    if (i % 64 === 0)
      expect(classify(demultiplexer, ipv4Packet({ destination: i * 7919, port: i % 65536 }))).toBe(2);
    demultiplexer.remove(1);
  }
  expect([keep, demultiplexer.atoms(), demultiplexer.isCompiled(), demultiplexer.check()]).toEqual([
    0,
    7,
    true,
    true,
  ]);
});
