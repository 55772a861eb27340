/** Owners of filters who want the frames, the memory or the speed of others. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { atomsOf } from "./atoms.ts";
import { tcpTo } from "./builders.ts";
import { type Demultiplexer, type DemultiplexerLimits, makeDemultiplexer } from "./demultiplexer.ts";
import { FragmentKeys } from "./fragment-keys.ts";
import { generateSearch } from "./generate.ts";
import { type Filter, equal, shift } from "./term.ts";
import { addLeaf, makeTrie, removeLeaf } from "./trie.ts";
import { checkTrie } from "./trie-check.ts";
import { unplaceable } from "../testing/colliding.ts";
import { longestMatch } from "../testing/longest-match.ts";
import { ipv4Packet } from "../testing/packets.ts";
import { mustVerify } from "../testing/verify.ts";

const insert = (into: Demultiplexer, filter: Filter, tag: number) => into.insert(mustVerify(filter), tag);
const mustInsert = (into: Demultiplexer, filter: Filter, tag: number): number => {
  const index = insert(into, filter, tag);
  if (typeof index === "string") throw new Error(index);
  return index;
};
const send = (to: Demultiplexer, ...bytes: number[]): number =>
  to.classify(Uint8Array.from(bytes), 0, bytes.length);
/** Frames until one is classified by code, at most `most`. */
const framesUntilCode = (by: Demultiplexer, most = 200_000): number => {
  let frames = 0;
  while (!by.isCompiled() && frames < most) {
    send(by, 0);
    frames++;
  }
  return frames;
};

/** Texts that code was made of from now on, without the number at the end. */
function watchCode(): string[] {
  const texts: string[] = [];
  const Real = Function;
  vi.stubGlobal("Function", function (name: string, text: string) {
    texts.push(text.slice(0, text.lastIndexOf("\n")));
    return Real(name, text);
  });
  return texts;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("attack: an index that is taken again", () => {
  test("does not come with the frames of a filter that was longer and is gone", () => {
    const demultiplexer = makeDemultiplexer();
    mustInsert(demultiplexer, [equal(0, 1, 1)], 0);
    framesUntilCode(demultiplexer);
    const before = mustInsert(demultiplexer, [equal(0, 1, 7), equal(1, 1, 9)], 66);
    mustInsert(demultiplexer, [equal(0, 1, 7)], 1);
    demultiplexer.remove(before);
    expect(mustInsert(demultiplexer, [equal(0, 1, 200)], 66)).toBe(before);
    framesUntilCode(demultiplexer);
    expect(demultiplexer.check()).toBe(true);
    expect([send(demultiplexer, 7, 0), send(demultiplexer, 200, 0), send(demultiplexer, 1, 0)]).toEqual([
      1, 66, 0,
    ]);
  });

  test("nor when what was behind the filters is no longer", () => {
    const demultiplexer = makeDemultiplexer({ patience: 0 });
    mustInsert(demultiplexer, [equal(5, 1, 1)], 5);
    mustInsert(demultiplexer, [equal(0, 1, 7)], 1);
    const longer = mustInsert(demultiplexer, [equal(0, 1, 8), equal(1, 1, 9)], 2);
    expect(send(demultiplexer, 7, 0, 0, 0, 0, 1)).toBe(1 + 4);
    demultiplexer.remove(longer);
    mustInsert(demultiplexer, [equal(6, 1, 1)], 6);
    expect(send(demultiplexer, 7, 0)).toBe(1);
    expect([demultiplexer.isCompiled(), demultiplexer.check()]).toEqual([true, true]);
  });
});

describe("attack: one owner wants all memory", () => {
  const chain = (first: number, terms: number): Filter => [
    equal(0, 2, first),
    ...Array.from({ length: terms - 1 }, (_, i) => equal(2 + i, 1, 1)),
  ];

  test("but there is a bound on atoms, and what is refused leaves nothing", () => {
    const demultiplexer = makeDemultiplexer({ atoms: 30 });
    for (let i = 0; i < 3; i++) mustInsert(demultiplexer, chain(i, 10), i);
    expect(insert(demultiplexer, chain(3, 1), 3)).toBe("full");
    expect([demultiplexer.atoms(), demultiplexer.check()]).toEqual([30, true]);
    expect(mustInsert(demultiplexer, chain(2, 5), 4)).toBe(3);
    demultiplexer.remove(0);
    expect(insert(demultiplexer, chain(3, 11), 3)).toBe("full");
    expect(mustInsert(demultiplexer, chain(3, 10), 3)).toBe(0);
  });

  test("by default one that 16,384 filters of 256 terms do not reach", () => {
    const demultiplexer = makeDemultiplexer();
    let held = 0;
    while (insert(demultiplexer, chain(held, 256), held) !== "full") held++;
    expect([held, demultiplexer.atoms()]).toEqual([512, 512 * 256]);
    expect(mustInsert(demultiplexer, chain(0, 255), 9)).toBe(held);
  });

  test("and one on shapes, for which those that nobody uses make way", () => {
    const demultiplexer = makeDemultiplexer({ shapes: 4, patience: 0 });
    const at = (offset: number): Filter => [equal(offset, 1, 1), equal(offset + 1, 1, 1)];
    const first = mustInsert(demultiplexer, at(0), 0);
    mustInsert(demultiplexer, at(10), 1);
    expect(insert(demultiplexer, at(20), 2)).toBe("full");
    expect(insert(demultiplexer, [equal(0, 1, 2), equal(1, 1, 2), equal(2, 1, 2)], 2)).toBe("full");
    expect([demultiplexer.atoms(), demultiplexer.check()]).toEqual([4, true]);
    mustInsert(demultiplexer, [equal(10, 1, 2), equal(11, 1, 2)], 3);
    demultiplexer.remove(first);
    mustInsert(demultiplexer, at(20), 2);
    expect([send(demultiplexer, ...new Array<number>(20).fill(0), 1, 1), demultiplexer.check()]).toEqual([
      2,
      true,
    ]);
  });

  test("and places of filters that are gone are given back", () => {
    const trie = makeTrie(1, 128);
    const nodes = Array.from({ length: 2000 }, (_, i) => addLeaf(trie, atomsOf(mustVerify(chain(i, 3))), i));
    const places = (): (number | undefined)[] => {
      const first = trie.root.shape.edges[0]?.to;
      return [first?.places.length, first?.leaves.length, first?.edges[0]?.to.places.length];
    };
    expect(places()).toEqual([2000, 2048, 2000]);
    for (const [i, node] of nodes.entries()) if (node !== undefined && i % 100 !== 99) removeLeaf(trie, node);
    const [held = 0, room = 0, behind = 0] = places();
    expect([held < 80, room <= 128, behind < 80, checkTrie(trie)]).toEqual([true, true, true, true]);
    for (const [i, node] of nodes.entries()) if (node !== undefined && i % 100 === 99) removeLeaf(trie, node);
    expect([trie.nodes, trie.constants.capacity, trie.numbers.length, checkTrie(trie)]).toEqual([
      0,
      8,
      0,
      true,
    ]);
  });

  test("under code that knew them", () => {
    const demultiplexer = makeDemultiplexer({ patience: 0 });
    for (let i = 0; i < 1000; i++) {
      mustInsert(demultiplexer, [equal(0, 2, i), equal(2, 1, 1)], 2 * i);
      mustInsert(demultiplexer, [equal(0, 2, i), equal(3, 1, 1), equal(4, 1, i & 255)], 2 * i + 1);
    }
    expect(send(demultiplexer, 1, 4, 0, 1, 4)).toBe(521);
    for (let i = 0; i < 1000; i++) {
      if (i % 50 === 49) continue;
      demultiplexer.remove(2 * i);
      demultiplexer.remove(2 * i + 1);
    }
    expect([demultiplexer.atoms(), demultiplexer.check()]).toEqual([80, true]);
    for (let i = 0; i < 1000; i++) {
      const [short, long] = i % 50 === 49 ? [2 * i, 2 * i + 1] : [-1, -1];
      expect(send(demultiplexer, i >> 8, i & 255, 1)).toBe(short);
      expect(send(demultiplexer, i >> 8, i & 255, 1, 1, i & 255)).toBe(long);
    }
    expect([demultiplexer.isCompiled(), demultiplexer.check()]).toEqual([true, true]);
  });
});

describe("attack: constants that tables do not like", () => {
  const six = (words: readonly number[]): Filter =>
    words.map((word, i) => equal(4 * i, 4, word * 0x4000_0000));
  const frameOf = (words: readonly number[]): number[] => words.flatMap((word) => [word << 6, 0, 0, 0]);
  const wordsOf = (i: number): number[] => [0, 1, 2, 3, 4, 5].map((w) => (i >> (2 * w)) & 3);

  test.each([undefined, 1, 0xdeadbeef])("top bits alone turn no code off, seed %s", (seed) => {
    const demultiplexer = makeDemultiplexer({ ...(seed === undefined ? {} : { seed }), patience: 0 });
    for (let i = 0; i < 1000; i++) {
      mustInsert(demultiplexer, six(wordsOf(4 * i)), i);
      if (i % 50 === 0) send(demultiplexer, 0);
    }
    for (let i = 0; i < 1000; i++) expect(send(demultiplexer, ...frameOf(wordsOf(4 * i)))).toBe(i);
    expect(send(demultiplexer, ...frameOf(wordsOf(3)))).toBe(-1);
    expect([demultiplexer.isCompiled(), demultiplexer.check()]).toEqual([true, true]);
  });

  const SEED = 9;
  const BYSTANDER: Filter = [equal(8, 1, 77)];
  const octets = (value: number): number[] => [
    value >>> 24,
    (value >>> 16) & 255,
    (value >>> 8) & 255,
    value & 255,
  ];
  /** The values of a run's table of 1,024 entries, and everything that is behind it. */
  const values = unplaceable(SEED, 10, 1);

  function expectAll(demultiplexer: Demultiplexer): void {
    for (const [i, value] of values.entries())
      expect(send(demultiplexer, ...octets(value), 0, 0, 0, 0, 0)).toBe(100 + i);
    expect(send(demultiplexer, 0, 0, 0, 0, 0, 0, 0, 0, 77)).toBe(1);
    expect(send(demultiplexer, 0, 0, 0, 0, 0, 0, 0, 0, 78)).toBe(-1);
    expect([demultiplexer.isCompiled(), demultiplexer.check()]).toEqual([true, true]);
  }

  test("a table that refuses when code is made turns no code off: its fields are followed in the tree", () => {
    const texts = watchCode();
    const demultiplexer = makeDemultiplexer({ patience: 0, seed: SEED });
    mustInsert(demultiplexer, BYSTANDER, 1);
    for (const [i, value] of values.entries()) mustInsert(demultiplexer, [equal(0, 4, value)], 100 + i);
    expectAll(demultiplexer);
    expect(texts).toHaveLength(1);
    expect(texts[0]?.match(/= follow\(/g)).toHaveLength(1);
    expect(texts[0]?.match(/Math.imul\(o/g)).toHaveLength(1);
  });

  test("nor one that refuses when a filter is inserted", () => {
    const texts = watchCode();
    const demultiplexer = makeDemultiplexer({ patience: 0, seed: SEED });
    mustInsert(demultiplexer, BYSTANDER, 1);
    for (const [i, value] of values.entries()) {
      mustInsert(demultiplexer, [equal(0, 4, value)], 100 + i);
      if (i > values.length - 10) send(demultiplexer, 0);
    }
    expectAll(demultiplexer);
    expect(texts.map((text) => text.includes("= follow("))).toContain(false);
    expect(texts.at(-1)).toContain("= follow(");
    expect(texts.length).toBeLessThanOrEqual(3);
  });

  test("nor when what is before it is read together with it no longer, and then is again", () => {
    const demultiplexer = makeDemultiplexer({ patience: 0, seed: SEED });
    const other = mustInsert(demultiplexer, [equal(8, 1, 7), equal(9, 1, 1)], 1);
    for (const [i, value] of values.entries())
      mustInsert(demultiplexer, [equal(8, 1, 7), equal(10, 4, value)], 100 + i);
    const expectEach = (): void => {
      for (const [i, value] of values.entries())
        expect(send(demultiplexer, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, ...octets(value))).toBe(100 + i);
      expect([demultiplexer.isCompiled(), demultiplexer.check()]).toEqual([true, true]);
    };
    expectEach();
    demultiplexer.remove(other);
    mustInsert(demultiplexer, [equal(20, 1, 1)], 2);
    expectEach();
  });

  test("nor one over several fields, a shift, or more that is behind it", () => {
    const demultiplexer = makeDemultiplexer({ patience: 0, seed: SEED });
    const installed: Filter[] = [];
    for (const value of values) {
      installed.push([equal(0, 4, value), shift(4, 1, 3, 0), equal(5, 1, 2)]);
      installed.push([equal(0, 4, value), shift(4, 1, 3, 0), equal(5, 1, 2), equal(6, 1, 1)]);
    }
    for (const [i, filter] of installed.entries()) mustInsert(demultiplexer, filter, i);
    const verified = installed.map(mustVerify);
    for (const value of values.filter((_, i) => i % 20 === 0)) {
      for (const rest of [
        [0, 2, 1],
        [1, 0, 2, 1],
        [1, 0, 2, 0],
        [0, 1, 1],
      ]) {
        const memory = Uint8Array.from([...octets(value), ...rest]);
        const expected = longestMatch(verified, { memory, at: 0, length: memory.length });
        expect(demultiplexer.classify(memory, 0, memory.length)).toBe(expected);
      }
    }
    expect([demultiplexer.isCompiled(), demultiplexer.check()]).toEqual([true, true]);
  });
});

describe("attack: changes that cost others their code", () => {
  const WEB = tcpTo({ destination: 1, port: 80 });
  const make = (limits: Partial<DemultiplexerLimits> = {}): Demultiplexer => {
    const demultiplexer = makeDemultiplexer({ patience: 4, ...limits });
    mustInsert(demultiplexer, WEB, 1);
    framesUntilCode(demultiplexer);
    return demultiplexer;
  };

  test("an insertion that is refused changes nothing, code included", () => {
    const texts = watchCode();
    const demultiplexer = make({ steps: 8, atoms: 12, shapes: 10, filters: 4 });
    const made = texts.length;
    const refused: readonly Filter[] = [
      [equal(1000, 1, 1), equal(2000, 1, 1)],
      Array.from({ length: 6 }, (_, i) => (i === 2 ? equal(99, 1, 1) : (WEB[i] ?? equal(0, 1, 0)))),
      Array.from({ length: 9 }, (_, i) => equal(i, 1, 1)),
    ];
    for (const filter of refused) {
      expect(insert(demultiplexer, filter, 2)).toBe("full");
      expect([demultiplexer.isCompiled(), demultiplexer.check(), demultiplexer.atoms()]).toEqual([
        true,
        true,
        7,
      ]);
    }
    expect(texts).toHaveLength(made);
  });

  test("a table that grows and empties again and again has no code made again and again", () => {
    const texts = watchCode();
    const demultiplexer = make();
    const made = texts.length;
    for (let round = 0; round < 200; round++) {
      const more = Array.from({ length: 20 }, (_, i) =>
        mustInsert(demultiplexer, tcpTo({ destination: 1, port: 1000 + i }), 2),
      );
      send(demultiplexer, 0);
      for (const index of more) demultiplexer.remove(index);
      send(demultiplexer, 0);
    }
    expect(demultiplexer.isCompiled()).toBe(true);
    expect(texts.length - made).toBeLessThanOrEqual(2);
    expect(demultiplexer.classify(ipv4Packet({ destination: 1 }), 0, 54)).toBe(1);
  });

  test("code for tables that have grown waits as well, longer each time", () => {
    const demultiplexer = make();
    const waits: number[] = [];
    for (let port = 0; port < 3000; port++) {
      mustInsert(demultiplexer, tcpTo({ destination: 1, port: 1000 + port }), 2);
      if (!demultiplexer.isCompiled()) waits.push(framesUntilCode(demultiplexer));
    }
    expect(waits.length).toBeGreaterThan(4);
    expect(waits).toEqual(waits.map((_, i) => 4 * 2 ** i + 1));
  });

  test("whoever keeps trying where no code can be made waits longer each time", () => {
    const made = vi.fn();
    vi.stubGlobal("Function", function () {
      made();
      throw new EvalError("refused by policy");
    });
    const demultiplexer = makeDemultiplexer({ patience: 1 });
    for (let i = 0; i < 2000; i++) {
      const index = mustInsert(demultiplexer, [equal(i % 2, 1, 1)], 2);
      for (let j = 0; j < 4; j++) send(demultiplexer, 0);
      demultiplexer.remove(index);
    }
    // 8,000 frames hold 13 waits of 1, 2, 4 and so on.
    expect(made.mock.calls.length).toBeLessThanOrEqual(13);
  });

  test("patience comes back while nothing changes", () => {
    const demultiplexer = make();
    const change = (at: number): number => {
      mustInsert(demultiplexer, [equal(at, 1, 1)], 3);
      return framesUntilCode(demultiplexer);
    };
    expect([change(100), change(101), change(102)]).toEqual([9, 17, 33]);
    for (let i = 0; i < 2 * 65_536; i++) send(demultiplexer, 0);
    expect([change(103), change(104)]).toEqual([17, 33]);
    for (let i = 0; i < 20 * 65_536; i++) send(demultiplexer, 0);
    expect(change(105)).toBe(5);
  });

  test.each<[string, readonly Filter[]]>([
    [
      "ended on the way of another",
      [1, 2, 3, 4].map((count) => WEB.filter(({ kind }) => kind === "equal").slice(0, count)),
    ],
    ["went on where another ends", [[...WEB, equal(30, 1, 1)]]],
    ["went a way of their own", [[equal(30, 1, 1), equal(31, 1, 1)]]],
  ])("filters that %s and are gone leave nothing in the next code", (_how, filters) => {
    const texts = watchCode();
    const demultiplexer = make();
    const gone = filters.map((filter) => mustInsert(demultiplexer, filter, 2));
    framesUntilCode(demultiplexer);
    for (const index of gone) demultiplexer.remove(index);
    mustInsert(demultiplexer, [equal(200, 1, 1)], 4);
    framesUntilCode(demultiplexer);
    const fresh = makeDemultiplexer({ patience: 0 });
    mustInsert(fresh, WEB, 1);
    mustInsert(fresh, [equal(200, 1, 1)], 4);
    send(fresh, 0);
    // Which bit an edge has hangs on what was there before.
    const [after, expected] = texts.slice(-2).map((text) => text.replaceAll(/& \d+\) !== 0/g, ""));
    expect(after).toBe(expected);
    expect(texts.length).toBe(4);
  });

  test("what no code is made for has no tables for code", () => {
    vi.stubGlobal("Function", function () {
      throw new EvalError("refused by policy");
    });
    const trie = makeTrie(1, 128);
    addLeaf(trie, atomsOf(mustVerify([equal(0, 1, 1)])), 0);
    expect(generateSearch(trie, [0], new FragmentKeys(1))).toBeUndefined();
    expect(trie.root.shape.edges.map(({ to }) => to.run)).toEqual([undefined]);
  });
});
