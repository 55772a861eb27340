import { describe, expect, test } from "vitest";
import { byteSwap, internetChecksum } from "../pipe/term.ts";
import { type HandlerImports, handlerModule } from "../testing/handler-module.ts";
import { type PlacedHandler, placeHandler, tryHandler } from "../testing/place-handler.ts";
import type { FunctionBuilder } from "../wasm/function-builder.ts";
import { makeModuleBuilder } from "../wasm/module-builder.ts";
import { MESSAGE_BASE, STOP_CAUSE } from "../wasm/runtime.ts";
import { HANDLER_OUTCOME, HANDLER_PIECES, HANDLER_REPLIES, IMPORT_FUEL } from "./program.ts";
import { isHandlerRefusal } from "./verify.ts";

const { deferred, consumed, aborted } = HANDLER_OUTCOME;
const FUEL = 8000;
const PAGE = 65_536;

type Body = (code: FunctionBuilder, imports: HandlerImports) => void;

const place = (
  body: Body,
  options: { pages?: number; data?: Uint8Array; fuel?: number } = {},
): PlacedHandler =>
  placeHandler({
    module: handlerModule(body, { pages: 1, ...options }),
    fuel: options.fuel ?? FUEL,
    pipes: [[internetChecksum()], [byteSwap(4), internetChecksum()], []],
  });

const message = (length: number, first = 1): number[] => Array.from({ length }, (_, i) => (first + i) & 0xff);

/** What a body leaves, as a number: it is stored at address 0 of the segment, and the message is consumed. */
function resultOf(body: Body, of: ArrayLike<number> = message(60)): number {
  const placed = place((code, imports) => {
    code.i32(0);
    body(code, imports);
    code.memory("i32.store").i32(1);
  });
  expect(placed.run(of)).toBe(consumed);
  expect(placed.isConfined()).toBe(true);
  return new DataView(placed.segment.buffer, placed.segment.byteOffset).getInt32(0, true);
}

/** How a body is stopped, with nothing written but in the segment. */
function causeOf(body: Body, of: ArrayLike<number> = message(60)): string {
  const placed = place((code, imports) => {
    body(code, imports);
    code.i32(1);
  });
  const outcome = placed.run(of);
  expect(placed.isConfined()).toBe(true);
  expect(placed.handler.used()).toBeLessThanOrEqual(2 * FUEL + IMPORT_FUEL);
  if (outcome !== aborted) return "none";
  expect([placed.handler.replies.count, placed.handler.woke()]).toEqual([0, false]);
  return Object.entries(STOP_CAUSE).find(([, cause]) => cause === placed.handler.cause())?.[0] ?? "?";
}

describe("the message", () => {
  test("is at the address it is said to be at, with the length it has", () => {
    expect(resultOf((code) => code.get(0))).toBe(MESSAGE_BASE);
    expect(resultOf((code) => code.get(1))).toBe(60);
    expect(resultOf((code) => code.get(0).memory("i32.load8_u", 59))).toBe(60);
    expect(resultOf((code) => code.get(0).memory("i32.load16_u", 3))).toBe(0x0504);
  });

  test.each([
    [60, "i32.load8_u", "memory"],
    [57, "i32.load", "memory"],
    [56, "i32.load", "none"],
    [53, "i64.load", "memory"],
    [0x3fff_ffff, "i32.load8_u", "memory"],
  ] as const)("at %i a %s is stopped by %s", (at, load, cause) => {
    expect(causeOf((code) => code.get(0).memory(load, at).op("drop"))).toBe(cause);
  });

  test("begins where it begins: nothing before it is seen", () => {
    expect(
      causeOf((code) =>
        code
          .i32(MESSAGE_BASE - 1)
          .memory("i32.load8_u")
          .op("drop"),
      ),
    ).toBe("memory");
    expect(
      causeOf((code) =>
        code
          .i32(MESSAGE_BASE - 3)
          .memory("i32.load")
          .op("drop"),
      ),
    ).toBe("memory");
  });

  test("cannot be written, in no way", () => {
    const writes: Body[] = [
      (code) => code.get(0).i32(7).memory("i32.store8"),
      (code) => code.get(0).i64(7n).memory("i64.store", 8),
      (code) => code.get(0).i32(7).i32(4).op("memory.fill", 0),
      (code) => code.get(0).i32(0).i32(4).op("memory.copy", 0, 0),
      (code) => code.get(0).get(0).i32(4).op("memory.copy", 0, 0),
    ];
    for (const write of writes) expect(causeOf(write)).toBe("memory");
    const piped = place((code, { pipe }) => code.i32(2).get(0).i32(0).i32(4).op("call", pipe));
    expect([piped.run(message(60)), piped.isConfined()]).toEqual([consumed, true]);
  });

  test("of a later run is not that of the one before, and a longer one's end cannot be seen any more", () => {
    const placed = place((code) => code.get(0).memory("i32.load8_u", 30));
    expect([placed.run(message(60)), placed.run(message(30)), placed.run(message(31))]).toEqual([
      consumed,
      aborted,
      consumed,
    ]);
    expect([placed.run([]), placed.run(message(30).concat(0))]).toEqual([aborted, deferred]);
  });
});

describe("what stops a run", () => {
  const endless: Body = (code) => code.open("loop").op("br", 0).end();
  const recursive = (locals: number): Uint8Array => {
    const builder = makeModuleBuilder();
    const handle = builder.function(["i32", "i32"], ["i32"]);
    for (let i = 0; i < locals; i++) handle.local("i64");
    handle.get(0).get(1).op("call", handle.index).op("drop").i32(1);
    builder.export("handle", "function", handle.index);
    builder.memory({ minimum: 0 });
    return builder.build();
  };

  test.each<readonly [string, Body, string]>([
    ["a loop without end", endless, "fuel"],
    ["a loop whose condition never comes", (code) => code.open("loop").get(1).op("br_if", 0).end(), "fuel"],
    ["a branch table to a loop", (code) => code.open("loop").i32(0).table([0], 0).end(), "fuel"],
    ["a store above the segment", (code) => code.i32(PAGE).i32(1).memory("i32.store8"), "memory"],
    [
      "a store across its end",
      (code) =>
        code
          .i32(PAGE - 3)
          .i32(1)
          .memory("i32.store"),
      "memory",
    ],
    ["a store far away", (code) => code.i32(0xffff_fff0).i32(1).memory("i32.store", 0xffff_fff0), "memory"],
    ["a store at an offset", (code) => code.i32(0).i32(1).memory("i32.store8", PAGE), "memory"],
    [
      "a load above the segment",
      (code) =>
        code
          .i32(PAGE + 4096)
          .memory("i32.load")
          .op("drop"),
      "memory",
    ],
    [
      "a fill across its end",
      (code) =>
        code
          .i32(PAGE - 8)
          .i32(1)
          .i32(9)
          .op("memory.fill", 0),
      "memory",
    ],
    ["a fill of everything", (code) => code.i32(0).i32(1).i32(-1).op("memory.fill", 0), "memory"],
    ["a copy from nowhere", (code) => code.i32(0).i32(PAGE).i32(1).op("memory.copy", 0, 0), "memory"],
    ["a division by zero", (code) => code.i32(1).i32(0).ops("i32.div_s", "drop"), "trap"],
    ["a quotient too large", (code) => code.i32(0x8000_0000).i32(-1).ops("i32.div_s", "drop"), "trap"],
    ["unreachable", (code) => code.op("unreachable"), "trap"],
    ["imports without end", (code, { wake }) => code.open("loop").op("call", wake).op("br", 0).end(), "fuel"],
  ])("%s", (_, body, cause) => {
    expect(causeOf(body)).toBe(cause);
  });

  test("calls too deep, with small frames and with large ones; the run after it has all of its stack", () => {
    for (const locals of [0, 1, 200]) {
      const placed = placeHandler({ module: recursive(locals), fuel: 60_000 });
      for (let i = 0; i < 3; i++) expect(placed.run(message(60))).toBe(aborted);
      expect([STOP_CAUSE.stack, STOP_CAUSE.fuel]).toContain(placed.handler.cause());
    }
    const deep = placeHandler({ module: recursive(200), fuel: 60_000 });
    deep.run(message(60));
    expect(deep.handler.cause()).toBe(STOP_CAUSE.stack);
  });

  test("growth of its memory: there is none", () => {
    expect(resultOf((code) => code.i32(1).op("memory.grow", 0))).toBe(-1);
    expect(resultOf((code) => code.op("memory.size", 0))).toBe(1);
  });

  test("what it wrote before is there, and it runs again", () => {
    const placed = place((code) => {
      code.i32(0).i32(0).memory("i32.load").i32(1).op("i32.add").memory("i32.store");
      code.i32(0).memory("i32.load").i32(2).op("i32.rem_u").open("if").op("unreachable").end().i32(1);
    });
    placed.segment.fill(0, 0, 4);
    expect([1, 2, 3, 4].map(() => placed.run(message(20)))).toEqual([aborted, consumed, aborted, consumed]);
    expect(placed.segment[0]).toBe(4);
  });
});

describe("fuel", () => {
  test("is what the loop took, and no more than there is", () => {
    const turns = (count: number, fuel = FUEL): PlacedHandler =>
      place(
        (code) => {
          const left = code.local("i32");
          code.i32(count).set(left);
          code.open("loop").get(left).i32(1).op("i32.sub").tee(left).op("br_if", 0).end().i32(1);
        },
        { fuel },
      );
    const used = (count: number): number => {
      const placed = turns(count);
      expect(placed.run(message(20))).toBe(consumed);
      return placed.handler.used();
    };
    expect(used(101) - used(1)).toBe(100 * (used(2) - used(1)));
    expect(used(2) - used(1)).toBeGreaterThanOrEqual(5);
    const short = turns(1000, 500);
    expect([short.run(message(20)), short.handler.used()]).toEqual([aborted, 500]);
  });

  test("of one is not enough for anything", () => {
    const placed = place((code) => code.get(0).memory("i32.load").ops("i32.eqz", "i32.eqz"), { fuel: 1 });
    expect([placed.run(message(20)), placed.handler.cause(), placed.handler.used()]).toEqual([
      aborted,
      STOP_CAUSE.fuel,
      1,
    ]);
  });

  test("is taken by imports, and by pipes for their bytes", () => {
    const used = (body: Body): number => {
      const placed = place((code, imports) => {
        body(code, imports);
        code.i32(1);
      });
      expect(placed.run(message(1400))).toBe(consumed);
      return placed.handler.used();
    };
    const nothing = used(() => {});
    expect(used((code, { wake }) => code.op("call", wake))).toBe(nothing + IMPORT_FUEL + 1);
    const moved = (length: number): number =>
      used((code, { pipe }) => code.i32(2).i32(0).get(0).i32(length).op("call", pipe).op("drop"));
    expect(moved(1400) - moved(0)).toBe(350);
    expect(moved(5) - moved(4)).toBe(1);
  });

  test("that a pipe would need and is not there is not spent: nothing moves, and the run ends", () => {
    const placed = place(
      (code, { pipe }) => {
        code.i32(2).i32(0).get(0).i32(1400).op("call", pipe).op("drop").i32(1);
      },
      { fuel: 200 },
    );
    const before = placed.segment.slice(0, 1400);
    expect([placed.run(message(1400)), placed.handler.used() < 200]).toEqual([aborted, true]);
    expect(placed.handler.cause()).toBe(STOP_CAUSE.fuel);
    expect(placed.segment.slice(0, 1400)).toEqual(before);
  });
});

describe("what it sends", () => {
  const send: Body = (code, imports) => code.op("call", imports.send).op("drop");
  const append =
    (address: (code: FunctionBuilder) => unknown, length: number): Body =>
    (code, imports) => {
      address(code);
      code.i32(length).op("call", imports.append).op("drop");
    };
  const at = (address: number) => (code: FunctionBuilder) => code.i32(address);
  const inMessage = (offset: number) => (code: FunctionBuilder) => code.get(0).i32(offset).op("i32.add");
  const all =
    (...parts: readonly Body[]): Body =>
    (code, imports) => {
      for (const part of parts) part(code, imports);
    };
  const result =
    (value: number): Body =>
    (code) =>
      void code.i32(value);
  const DATA = Uint8Array.from({ length: 32 }, (_, i) => 200 + i);
  const run = (...parts: readonly Body[]): PlacedHandler => {
    const placed = place(all(...parts), { data: DATA });
    placed.run(message(40));
    return placed;
  };

  test("is made of pieces of the segment and the message, as they are when it ends", () => {
    const placed = run(
      append(at(0), 2),
      append(inMessage(38), 2),
      send,
      append(at(4), 1),
      send,
      (code) => void code.i32(1).i32(99).memory("i32.store8"),
      result(1),
    );
    expect(placed.sent()).toEqual([[200, 99, 39, 40], [204]]);
  });

  test("does not include what was not ended, nor what is empty", () => {
    expect(
      run(send, append(at(0), 0), send, append(at(0), 1), send, append(at(1), 1), result(1)).sent(),
    ).toEqual([[200]]);
  });

  test("is nothing when the run defers or is stopped", () => {
    const reply = all(append(at(0), 4), send);
    expect(run(reply, result(0)).handler.replies.count).toBe(0);
    const stopped = run(reply, (code) => void code.op("unreachable"));
    expect([stopped.handler.replies.count, stopped.handler.replies.pieces]).toEqual([0, 0]);
  });

  test.each([
    ["an address past the segment", at(PAGE), 1, -1],
    ["one byte too many", at(PAGE - 3), 4, -1],
    ["the segment's last bytes", at(PAGE - 4), 4, 0],
    ["one byte more than the message", inMessage(37), 4, -1],
    ["the message's last bytes", inMessage(36), 4, 0],
    ["the byte before the message", inMessage(-1), 4, -1],
    ["a negative length", at(0), -1, -1],
    ["a length that wraps", at(PAGE - 1), 0xffff_ffff, -1],
    ["the end of everything", at(0xffff_ffff), 1, -1],
    ["no byte", at(0), 0, -1],
  ] as const)("appending %s", (_, address, length, expected) => {
    expect(
      resultOf((code, imports) => {
        address(code);
        code.i32(length).op("call", imports.append);
      }, message(40)),
    ).toBe(expected);
  });

  test("has so many pieces and so many messages, and says when there is no room", () => {
    const counted = (body: Body): number =>
      resultOf((code, imports) => {
        const failed = code.local("i32");
        const left = code.local("i32");
        code.i32(40).set(left).open("loop");
        body(code, imports);
        code.get(failed).op("i32.add").set(failed);
        code.get(left).i32(1).op("i32.sub").tee(left).op("br_if", 0).end().get(failed);
      });
    expect(counted((code, imports) => code.i32(0).i32(1).op("call", imports.append))).toBe(
      HANDLER_PIECES - 40,
    );
    expect(
      counted((code, imports) => {
        code.i32(0).i32(1).op("call", imports.append).op("drop").op("call", imports.send);
      }),
    ).toBe(HANDLER_REPLIES - 40);
  });

  test("and whether it woke its owner is of this run alone", () => {
    const placed = place((code, { wake }) => {
      code.get(0).memory("i32.load8_u").open("if").op("call", wake).end();
      code.get(0).memory("i32.load8_u", 1).open("if").op("unreachable").end();
      code.get(0).memory("i32.load8_u", 2);
    });
    const woke = (...bytes: number[]): [number, boolean] => [placed.run(bytes), placed.handler.woke()];
    expect(woke(1, 0, 1)).toEqual([consumed, true]);
    expect(woke(0, 0, 1)).toEqual([consumed, false]);
    expect(woke(1, 0, 0)).toEqual([deferred, true]);
    expect(woke(1, 1, 1)).toEqual([aborted, false]);
  });
});

describe("pipes", () => {
  const call =
    (index: number, to: number, from: (code: FunctionBuilder) => unknown, length: number): Body =>
    (code, { pipe }) => {
      code.i32(index).i32(to);
      from(code);
      code.i32(length).op("call", pipe);
    };
  const fromMessage = (code: FunctionBuilder): unknown => code.get(0);

  test("take bytes from the message into the segment, and give their sums", () => {
    const placed = place((code, imports) => {
      call(1, 0x100, fromMessage, 8)(code, imports);
      code.op("drop").i32(0).i32(1).i32(1).op("call", imports.sum).memory("i32.store").i32(1);
    });
    expect(placed.run([1, 2, 3, 4, 5, 6, 7, 8, 9])).toBe(consumed);
    expect([...placed.segment.subarray(0x100, 0x108)]).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
    // 0x0403 + 0x0201 + 0x0807 + 0x0605, of which the low byte comes first.
    expect([...placed.segment.subarray(0, 2)]).toEqual([0x10, 0x14]);
    expect(placed.isConfined()).toBe(true);
  });

  test.each([
    ["the first sum", call(0, 0, fromMessage, 4), 1 * 256 + 2 + 3 * 256 + 4],
    ["no sum", call(2, 8, fromMessage, 4), 0],
    ["no such pipe", call(3, 0, fromMessage, 4), -1],
    ["a pipe of a negative number", call(-1, 0, fromMessage, 4), -1],
    ["half a unit", call(1, 0, fromMessage, 6), -1],
    ["a target past the segment", call(2, PAGE - 3, fromMessage, 4), -1],
    ["a target in the message", call(2, MESSAGE_BASE, fromMessage, 4), -1],
    ["a source past the message", call(2, 8, fromMessage, 61), -1],
    ["a source past the segment", call(2, 8, (code) => code.i32(PAGE - 1), 2), -1],
    ["a length of everything", call(2, 0, (code) => code.i32(0), -1), -1],
  ])("give %s", (_, body, expected) => {
    expect(resultOf(body)).toBe(expected);
  });

  test("have no sum at a stage that takes none, nor in a pipe that is not there", () => {
    expect(resultOf((code, { sum }) => code.i32(1).i32(0).op("call", sum))).toBe(-1);
    expect(resultOf((code, { sum }) => code.i32(9).i32(0).op("call", sum))).toBe(-1);
    expect(resultOf((code, { sum }) => code.i32(0).i32(-1).op("call", sum))).toBe(-1);
  });
});

describe("placing", () => {
  const rule = (program: unknown, bytes?: number): string => {
    const placed = tryHandler(program, bytes);
    return isHandlerRefusal(placed) ? placed.rule : "ok";
  };
  const module = (pages: number, start?: (code: FunctionBuilder) => void): Uint8Array =>
    handlerModule((code) => code.i32(1), start === undefined ? { pages } : { pages, start });

  test("needs room for the memory that the module declares", () => {
    expect(rule({ module: module(2), fuel: 9 }, 2 * PAGE)).toBe("ok");
    expect(rule({ module: module(2), fuel: 9 }, 2 * PAGE - 1)).toBe("TooLarge");
    expect(rule({ module: module(0), fuel: 9 }, 4096)).toBe("ok");
  });

  test("puts data where the module wants it, and nowhere else", () => {
    const data = Uint8Array.from([9, 8, 7]);
    const placed = place((code) => code.i32(1), { data });
    expect([...placed.segment.subarray(0, 3)]).toEqual([9, 8, 7]);
    expect(placed.isConfined()).toBe(true);
  });

  test("runs a start function with the fuel of one message, before any message", () => {
    const placed = placeHandler({
      module: handlerModule((code) => code.i32(0).memory("i32.load"), {
        pages: 1,
        start: (code) => code.i32(0).i32(42).memory("i32.store"),
      }),
      fuel: 50,
    });
    expect(placed.segment[0]).toBe(42);
    expect(placed.handler.used()).toBeGreaterThan(0);
    expect([placed.run(message(20)), placed.handler.replies.count]).toEqual([consumed, 0]);
    const starts: readonly ((code: FunctionBuilder) => void)[] = [
      (code) => code.op("unreachable"),
      (code) => code.open("loop").op("br", 0).end(),
      (code) => code.i32(PAGE).i32(1).memory("i32.store"),
      (code) => code.i32(MESSAGE_BASE).memory("i32.load").op("drop"),
    ];
    for (const start of starts) expect(rule({ module: module(1, start), fuel: 1000 })).toBe("BadStart");
  });

  test("says what a start function used before it was stopped, imports included", () => {
    const used = (start: (code: FunctionBuilder, imports: HandlerImports) => void): unknown => {
      const placed = tryHandler({
        module: handlerModule((code) => code.i32(1), {
          pages: 1,
          start: (code) => void start(code, IMPORTS),
        }),
        fuel: 1000,
      });
      return isHandlerRefusal(placed) ? [placed.rule, placed.used] : placed.handler.used();
    };
    const IMPORTS = { append: 0, send: 1, wake: 2, pipe: 3, sum: 4 };
    const endless = (code: FunctionBuilder): void => void code.open("loop").op("br", 0).end();
    expect(used(endless)).toEqual(["BadStart", 1000]);
    const [, trapped] = used((code) => code.op("unreachable")) as [string, number];
    expect(trapped).toBeLessThan(5);
    const [, waking] = used((code, { wake }) => code.op("call", wake).op("unreachable")) as [string, number];
    expect(waking).toBe(trapped + IMPORT_FUEL + 1);
    expect(used((code, { wake }) => code.op("call", wake))).toBeGreaterThan(IMPORT_FUEL);
    const large = tryHandler({ module: module(3), fuel: 9 });
    expect(isHandlerRefusal(large) && [large.rule, large.used]).toEqual(["TooLarge", undefined]);
  });

  test("a function is called through its table", () => {
    const builder = makeModuleBuilder();
    const entry = builder.function(["i32", "i32"], ["i32"]);
    const results = [0, 1].map((result) => builder.function([], ["i32"]).i32(result).index);
    const table = builder.table({ minimum: 2, maximum: 2 });
    builder.elements(0, results);
    entry
      .get(0)
      .memory("i32.load8_u")
      .op("call_indirect", builder.type([], ["i32"]), table);
    builder.export("handle", "function", entry.index);
    builder.memory({ minimum: 0 });
    const placed = placeHandler({ module: builder.build(), fuel: 100 });
    expect([0, 1, 2].map((which) => placed.run([which]))).toEqual([deferred, consumed, aborted]);
  });

  test("refuses data outside the memory", () => {
    const outside = handlerModule((code) => code.i32(1), { pages: 0, data: Uint8Array.from([1]) });
    expect(["BadModule", "BadStart"]).toContain(rule({ module: outside, fuel: 9 }));
  });

  test("an entry that is an import is nothing but that", () => {
    const builder = makeModuleBuilder();
    const append = builder.importFunction("handler", "append", builder.type(["i32", "i32"], ["i32"]));
    builder.memory({ minimum: 0 });
    builder.export("handle", "function", append);
    const placed = tryHandler({ module: builder.build(), fuel: 100 });
    if (isHandlerRefusal(placed)) return expect(placed.rule).toBe("BadModule");
    expect([placed.run(message(20)), placed.handler.replies.count]).toEqual([deferred, 0]);
  });
});
