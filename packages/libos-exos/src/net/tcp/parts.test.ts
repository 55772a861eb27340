/** The small parts against obvious models: numbers, timers, tables, queues, estimators. */
import { makeGather, makeWindow } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Tuple } from "./initial-sequence.ts";
import { makeChooseInitial, makeSecret } from "./initial-sequence.ts";
import { NewReno, initialWindow } from "./new-reno.ts";
import { scaleFor } from "./options.ts";
import { addPieceSum, readPieceSum } from "./payload-sum.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import { makeReceiveMemory } from "./receive-memory.ts";
import { RetransmissionTimeout } from "./retransmission-timeout.ts";
import { SendQueue } from "./send-queue.ts";
import { advance, distance, earliest, isAfter, isBefore, latest } from "./sequence.ts";
import type { State } from "./state.ts";
import { TRANSITIONS, mayEnter } from "./state.ts";
import type { TimerKind } from "./timers.ts";
import { TIMER, Timers } from "./timers.ts";
import { TupleTable, portsOf } from "./tuple-table.ts";

const word = fc.integer({ min: 0, max: 0xffff_ffff });

describe("sequence numbers", () => {
  test("compare and add across the wrap", () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 1, max: 0x7fff_ffff }), (from, bytes) => {
        const to = advance(from, bytes);
        expect(distance(from, to)).toBe(bytes);
        expect([isBefore(from, to), isAfter(from, to), isBefore(to, from), isAfter(to, from)]).toEqual([
          true,
          false,
          false,
          true,
        ]);
        expect([latest(from, to), earliest(from, to)]).toEqual([to, from]);
        expect(isBefore(from, from) || isAfter(from, from)).toBe(false);
      }),
    );
  });
});

describe("states", () => {
  test("every state is reached, and every one may end", () => {
    const names = Object.keys(TRANSITIONS) as State[];
    const reached = new Set(names.flatMap((name) => TRANSITIONS[name]));
    expect([...reached].toSorted()).toEqual(names.filter((name) => name !== "CLOSED").toSorted());
    expect(names.every((name) => mayEnter(name, "CLOSED"))).toBe(true);
    expect(mayEnter("TIME-WAIT", "ESTABLISHED")).toBe(false);
  });
});

describe("timers", () => {
  test("behave like a list that is searched", () => {
    const step = fc.record({
      slot: fc.integer({ min: 0, max: 15 }),
      kind: fc.constantFrom(...Object.values(TIMER)),
      act: fc.constantFrom("arm", "arm", "arm", "cancel", "cancelAll"),
      at: fc.integer({ min: 0, max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.boolean(), (steps, wakes) => {
        const timers = new Timers(16);
        const model = new Map<string, number>();
        for (const { slot, kind, act, at } of steps) {
          if (act === "arm") {
            timers.arm(slot, kind, at);
            model.set(`${slot} ${kind}`, at);
          } else if (act === "cancel") {
            timers.cancel(slot, kind);
            model.delete(`${slot} ${kind}`);
          } else {
            timers.cancelAll(slot);
            for (const other of Object.values(TIMER)) model.delete(`${slot} ${other}`);
          }
          expect(timers.earliest()).toBeLessThanOrEqual(Math.min(Infinity, ...model.values()));
          if (model.size === 0) expect(timers.earliest()).toBe(Infinity);
          expect(timers.count).toBe(new Set([...model.keys()].map((key) => key.split(" ")[0])).size);
        }
        if (wakes) wakeUntilDone(timers, model);
        else drain(timers, model);
      }),
    );
  });
});

/** Whoever wakes when `earliest` says, and looks what is due, finds each timer at its time and no sooner. */
function wakeUntilDone(timers: Timers, model: Map<string, number>): void {
  for (let at = timers.earliest(); at !== Infinity; at = timers.earliest()) {
    const slot = timers.due(at);
    if (slot < 0) {
      expect(timers.earliest()).toBeGreaterThan(at);
      continue;
    }
    for (const [name, deadline] of model) {
      if (deadline > at || !name.startsWith(`${slot} `)) continue;
      expect(deadline).toBe(Math.min(...model.values()));
      timers.cancel(slot, Number(name.split(" ")[1]) as TimerKind);
      model.delete(name);
    }
  }
  expect(model.size).toBe(0);
}

function drain(timers: Timers, model: Map<string, number>): void {
  for (let slot = timers.due(1000); slot >= 0; slot = timers.due(1000)) {
    const earliestOf = Object.values(TIMER).map((kind) => model.get(`${slot} ${kind}`) ?? Infinity);
    expect(Math.min(...earliestOf)).toBeLessThanOrEqual(1000);
    const kind = earliestOf.indexOf(Math.min(...earliestOf)) as TimerKind;
    timers.cancel(slot, kind);
    model.delete(`${slot} ${kind}`);
  }
  expect(model.size).toBe(0);
}

describe("tuple table", () => {
  test("behaves like a map, however often rows come and go", () => {
    const step = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), word, (steps, secret) => {
        const table = new TupleTable(16, secret);
        const model = new Map<number, number>();
        for (const [port, adds] of steps) {
          const row = model.get(port);
          if (adds && row === undefined) {
            const taken = table.insert(1, 2, portsOf(80, port));
            expect(taken < 0).toBe(model.size === 16);
            if (taken >= 0) model.set(port, taken);
          } else if (!adds && row !== undefined) {
            table.unlink(row);
            table.release(row);
            model.delete(port);
          }
          for (let other = 0; other <= 40; other++)
            expect(table.find(1, 2, portsOf(80, other))).toBe(model.get(other) ?? -1);
          expect([table.count, table.free]).toEqual([model.size, 16 - model.size]);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("payload sums", () => {
  test("the sum of pieces is the sum of the whole", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 8 }), (pieces) => {
        const all = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
        const whole = makeWindow(all.length);
        whole.write(0, all, 0, all.length);
        let sum = 0;
        let offset = 0;
        for (const piece of pieces) {
          sum = addPieceSum(sum, readPieceSum(whole, offset, piece.length), offset);
          offset += piece.length;
        }
        expect(sum).toBe(whole.checksum(0, all.length, 0));
      }),
    );
  });
});

describe("send queue", () => {
  test("behaves like a string of which the front is cut off", () => {
    const step = fc.record({
      act: fc.constantFrom("push", "push", "acknowledge", "gather"),
      size: fc.integer({ min: 1, max: 40 }),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new SendQueue(5);
        const released: number[] = [];
        const owner = { released: (token: number) => void released.push(token) };
        let text: number[] = [];
        let next = 0;
        let pushed = 0;
        for (const { act, size, from } of steps) {
          if (act === "push") {
            const window = makeWindow(size + 3);
            for (let i = 0; i < size; i++) window.setU8(3 + i, (next + i) & 0xff);
            const fits = queue.pieces < 5;
            expect(queue.push(window, 3, size, owner, pushed)).toBe(fits);
            if (!fits) continue;
            for (let i = 0; i < size; i++) text.push((next + i) & 0xff);
            next += size;
            pushed += 1;
          } else if (act === "acknowledge") {
            const bytes = Math.min(size, text.length);
            text = text.slice(bytes);
            queue.acknowledge(bytes);
          } else if (text.length > 0) expectGathered(queue, text, Math.floor(from * (text.length - 1)), size);
          expect(queue.length).toBe(text.length);
          expect(released).toEqual(Array.from({ length: pushed - queue.pieces }, (_, token) => token));
        }
        queue.releaseAll();
        expect(released.length).toBe(pushed);
      }),
    );
  });
});

function expectGathered(queue: SendQueue, text: readonly number[], offset: number, size: number): void {
  const length = queue.span(offset, Math.min(size, text.length - offset), 2);
  expect(length).toBeGreaterThan(0);
  const gathered = makeGather();
  const seen: number[] = [];
  const list = {
    count: 0,
    length: 0,
    clear: () => {},
    add: (window: ReturnType<typeof makeWindow>, at: number, bytes: number) => {
      gathered.add(window, at, bytes);
      for (let i = 0; i < bytes; i++) seen.push(window.getU8(at + i));
    },
  };
  const sum = queue.gather(offset, length, list, readPieceSum);
  expect(seen).toEqual(text.slice(offset, offset + length));
  expect(gathered.count).toBeLessThanOrEqual(2);
  const copy = makeWindow(length);
  copy.write(0, Uint8Array.from(seen), 0, length);
  expect(sum).toBe(copy.checksum(0, length, 0));
}

describe("receive buffer", () => {
  test("hands out every byte once and in order, whatever comes when", () => {
    const step = fc.record({
      offset: fc.integer({ min: 0, max: 40 }),
      length: fc.integer({ min: 1, max: 30 }),
      takes: fc.integer({ min: 0, max: 30 }),
      inPlace: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const memory = makeReceiveMemory(makeWindow(64), 64);
        const buffer = new ReceiveBuffer(memory, 3);
        const source = makeWindow(64);
        let read = 0;
        for (const { offset, length, takes, inPlace } of steps) {
          const size = Math.min(length, buffer.room - offset);
          if (size <= 0) continue;
          for (let i = 0; i < size; i++) source.setU8(i, (buffer.next + offset + i) & 0xff);
          if (inPlace && offset === 0 && buffer.unread === 0) {
            buffer.skip(size);
            read += size;
          } else buffer.store(offset, source, 0, size);
          read += buffer.offer((window, at, count) => {
            for (let i = 0; i < count; i++) expect(window.getU8(at + i)).toBe((read + i) & 0xff);
            return takes;
          });
          expect(buffer.next - buffer.unread).toBe(read);
          expect(buffer.isHolding).toBe(buffer.unread > 0 || buffer.hasRuns);
          expect(memory.free()).toBe(buffer.isHolding ? 0 : 1);
        }
        buffer.reset();
        expect(memory.free()).toBe(1);
      }),
    );
  });
});

describe("retransmission timeout", () => {
  const bounds = { initial: 1000, minimum: 200, maximum: 60_000 };
  test("starts at 1 s, doubles, and is bounded by 60 s", () => {
    const timeout = new RetransmissionTimeout(bounds);
    const seen = Array.from({ length: 8 }, () => {
      const { cycles } = timeout;
      timeout.backOff();
      return cycles;
    });
    expect(seen).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });
  test("follows RFC 6298 section 2", () => {
    const timeout = new RetransmissionTimeout(bounds);
    timeout.measured(400);
    expect([timeout.smoothed, timeout.cycles]).toEqual([400, 400 + 4 * 200]);
    timeout.measured(480);
    expect([timeout.smoothed, timeout.cycles]).toEqual([410, 410 + 4 * (0.75 * 200 + 0.25 * 80)]);
    timeout.backOff();
    timeout.measured(410);
    expect(timeout.backoffs).toBe(0);
    for (let i = 0; i < 100; i++) timeout.measured(10);
    expect(timeout.cycles).toBe(200);
  });
  test("a lost SYN makes it 3 s", () => {
    const timeout = new RetransmissionTimeout(bounds);
    timeout.backOff();
    timeout.handshakeLost();
    expect(timeout.cycles).toBe(3000);
  });
});

const FOUR = { initialSegments: 4, limitedTransmit: true };

describe("NewReno", () => {
  test("the initial window is RFC 6928's", () => {
    const window = (segmentBytes: number): number => initialWindow(segmentBytes, 10);
    expect([1460, 536, 3000, 8000, 100].map(window)).toEqual([14_600, 5360, 14_600, 16_000, 1000]);
  });
  test("slow start doubles, congestion avoidance adds one segment a window", () => {
    const reno = new NewReno(FOUR);
    reno.opened(100, false, 1, false);
    reno.acknowledged(100, 101, 400);
    expect(reno.window).toBe(500);
    reno.timedOut(5000, 1000, false);
    expect([reno.window, reno.threshold]).toEqual([100, 500]);
    for (let i = 0; i < 4; i++) reno.acknowledged(100, 5000 + i, reno.window);
    expect(reno.window).toBe(500);
    for (let i = 0; i < 5; i++) reno.acknowledged(100, 6000 + i, reno.window);
    expect(reno.window).toBe(600);
  });
  test("a window that is not used does not grow", () => {
    const reno = new NewReno(FOUR);
    reno.opened(100, false, 1, false);
    reno.acknowledged(100, 101, 100);
    expect(reno.window).toBe(400);
  });
  test("a lost SYN starts with one segment", () => {
    const reno = new NewReno(FOUR);
    reno.opened(100, true, 1, false);
    expect(reno.window).toBe(100);
  });
  test("recovery inflates, deflates on partial ACKs and ends at ssthresh (RFC 6582)", () => {
    const reno = new NewReno(FOUR);
    reno.opened(100, false, 1, false);
    expect([1, 2, 3].map(() => reno.duplicated(1, 1001, 1000, false))).toEqual([false, false, true]);
    expect([reno.threshold, reno.window, reno.isRecovering]).toEqual([500, 800, true]);
    reno.duplicated(1, 1001, 1000, false);
    expect(reno.window).toBe(900);
    expect(reno.acknowledged(200, 201, 1000)).toBe("firstPartial");
    expect(reno.window).toBe(800);
    expect(reno.acknowledged(100, 301, 800)).toBe("laterPartial");
    expect(reno.acknowledged(700, 1001, 700)).toBe("advance");
    expect([reno.window, reno.isRecovering]).toEqual([200, false]);
  });
  test("after a timeout duplicates of what was in flight start no recovery", () => {
    const reno = new NewReno(FOUR);
    reno.opened(100, false, 1, false);
    reno.timedOut(1001, 1000, false);
    expect([1, 2, 3, 4].some(() => reno.duplicated(1001, 1001, 100, false))).toBe(false);
  });
  test("a timeout in recovery does not raise ssthresh", () => {
    const reno = new NewReno(FOUR);
    reno.opened(100, false, 1, false);
    for (let i = 0; i < 3; i++) reno.duplicated(1, 1001, 1000, false);
    reno.timedOut(4001, 4000, false);
    expect([reno.window, reno.threshold]).toEqual([100, 500]);
  });
  test("recovery still begins after gigabytes without a loss", () => {
    const reno = new NewReno(FOUR);
    reno.opened(1460, false, 1, false);
    let unacknowledged = 1;
    for (let i = 0; i < 3 * 1024; i++) {
      unacknowledged = advance(unacknowledged, 2 ** 20);
      reno.acknowledged(2 ** 20, unacknowledged, 2 ** 20);
    }
    const highest = advance(unacknowledged, 100_000);
    expect([1, 2, 3].map(() => reno.duplicated(unacknowledged, highest, 100_000, false))).toEqual([
      false,
      false,
      true,
    ]);
  });
});

describe("initial sequence numbers", () => {
  const tuple = { localAddress: 1, remoteAddress: 2, localPort: 3, remotePort: 4 };
  test("advance by one every four microseconds, and differ by connection and secret", () => {
    let state = 1;
    const random = (): number => (state = (Math.imul(state, 69069) + 1) >>> 0);
    const chooser = makeChooseInitial(1000, makeSecret(random));
    const choose = (of: Tuple, now: number): number => chooser(of, now).sequence;
    expect(distance(choose(tuple, 5000), choose(tuple, 6000))).toBe(250_000);
    expect(choose({ ...tuple, remotePort: 5 }, 5000)).not.toBe(choose(tuple, 5000));
    const other = makeChooseInitial(1000, makeSecret(random));
    expect(other(tuple, 5000).sequence).not.toBe(choose(tuple, 5000));
  });
});

test("the window scale is the smallest that is enough", () => {
  expect([1, 65_535, 65_536, 131_071, 131_072, 2 ** 30, 2 ** 40].map(scaleFor)).toEqual([
    0, 0, 1, 1, 2, 14, 14,
  ]);
});
