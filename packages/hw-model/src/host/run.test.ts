import { expect, test } from "vitest";
import type { Steppable } from "../machine.ts";
import { makePhysicalGather } from "../nic.ts";
import { makeWire } from "../simulated/wire.ts";
import { NEVER, after } from "../units.ts";
import type { Cycles } from "../units.ts";
import { makeHostClock } from "./clock.ts";
import { pause, until } from "../../test/host-events.ts";
import { runOnHost } from "./run.ts";
import { makeWaker } from "./waker.ts";

interface Counted extends Steppable {
  steps: number;
  work: number;
  due: Cycles;
}

/** Works while `work` is left, then sleeps until `due`. */
const makeCounted = (work: number): Counted => {
  const part: Counted = {
    steps: 0,
    work,
    due: NEVER,
    step: () => {
      part.steps++;
      if (part.work === 0) return false;
      part.work--;
      return true;
    },
    wakeAt: () => part.due,
  };
  return part;
};

test("every part is stepped in turn while any of them works", async () => {
  const busy = makeCounted(1000);
  const idle = makeCounted(0);
  const run = runOnHost([idle, busy], makeWaker());
  expect(await until(() => busy.work === 0)).toBe(true);
  await run.stop();
  expect(busy.steps).toBeGreaterThanOrEqual(1001);
  expect(idle.steps).toBe(busy.steps);
});

test("nothing is stepped while everyone sleeps", async () => {
  const part = makeCounted(10);
  const run = runOnHost([part], makeWaker());
  await until(() => part.work === 0);
  await pause();
  const { steps } = part;
  for (let i = 0; i < 50; i++) await pause();
  expect(part.steps).toBe(steps);
  await run.stop();
  await run.done;
});

test("a part is stepped at its time and not before", async () => {
  const clock = makeHostClock();
  const part = makeCounted(0);
  const due = after(clock.now(), 30e6);
  part.due = due;
  const early: boolean[] = [];
  const watched: Steppable = {
    step: () => {
      if (clock.now() >= part.due) part.due = NEVER;
      else early.push(true);
      return part.step();
    },
    wakeAt: part.wakeAt,
  };
  const run = runOnHost([watched], makeWaker(), { clock });
  expect(await until(() => part.due === NEVER)).toBe(true);
  expect(clock.now()).toBeGreaterThanOrEqual(due);
  expect(early.length).toBeLessThanOrEqual(2);
  await run.stop();
});

test("an earlier time replaces a later one", async () => {
  const clock = makeHostClock();
  const waker = makeWaker();
  const part = makeCounted(0);
  part.due = after(clock.now(), 3600e9);
  const run = runOnHost([part], waker, { clock });
  await pause();
  part.due = after(clock.now(), 5e6);
  waker.wake();
  await pause();
  const { steps } = part;
  expect(await until(() => part.steps > steps)).toBe(true);
  await run.stop();
});

test("a device that wakes brings a step before any timer of the host", async () => {
  const waker = makeWaker();
  const part = makeCounted(0);
  const run = runOnHost([part], waker);
  await pause();
  const { steps } = part;
  const order: string[] = [];
  const timer = new Promise<void>((resolve) => setTimeout(() => resolve(void order.push("timer")), 1));
  part.step = () => {
    order.push("step");
    return false;
  };
  waker.wake();
  waker.wake();
  await timer;
  expect(order).toEqual(["step", "timer"]);
  expect(part.steps).toBe(steps);
  await run.stop();
});

test("a wake during the last step is not lost", async () => {
  const waker = makeWaker();
  const late = makeCounted(0);
  let woken = false;
  const first: Steppable = { step: () => false, wakeAt: () => NEVER };
  const second: Steppable = {
    step: () => {
      if (!woken) {
        woken = true;
        late.work = 5;
        waker.wake();
      }
      return false;
    },
    wakeAt: () => NEVER,
  };
  const run = runOnHost([late, first, second], waker);
  expect(await until(() => woken && late.work === 0)).toBe(true);
  await run.stop();
});

test("a part that never rests still leaves the host's events their turn", async () => {
  const part = makeCounted(Infinity);
  const run = runOnHost([part], makeWaker());
  for (let i = 0; i < 5; i++) await pause();
  expect(part.steps).toBeGreaterThan(5);
  await run.stop();
  const { steps } = part;
  await pause();
  expect(part.steps).toBe(steps);
});

test("what a step throws ends the run", async () => {
  const panic = new Error("an invariant is false");
  const part: Steppable = {
    step: () => {
      throw panic;
    },
    wakeAt: () => NEVER,
  };
  const run = runOnHost([part], makeWaker());
  await expect(run.done).rejects.toBe(panic);
  await run.stop();
});

test("aborting the signal ends the run, also before it began", async () => {
  const controller = new AbortController();
  const part = makeCounted(Infinity);
  const run = runOnHost([part], makeWaker(), { signal: controller.signal });
  await pause();
  controller.abort();
  await run.done;
  const { steps } = part;
  await runOnHost([part], makeWaker(), { signal: controller.signal }).done;
  expect(part.steps).toBe(steps);
});

test("two machines on one wire wake each other and then sleep", async () => {
  const clock = makeHostClock();
  const waker = makeWaker();
  const wire = makeWire({ arrived: waker.wake });
  const counts = [0, 0];
  const machine = (end: 0 | 1): Steppable => {
    const nic = wire.nics[end];
    const memory = new Uint8Array(2048);
    const gather = makePhysicalGather(1);
    return {
      step: () => {
        const length = nic.receive(clock.now(), memory, 0);
        if (length === 0) return false;
        counts[end] = (counts[end] ?? 0) + 1;
        if ((counts[end] ?? 0) > 1000) return true;
        gather.lengths[0] = gather.length = length;
        gather.count = 1;
        nic.transmit(clock, memory, gather);
        nic.flush(clock.now());
        return true;
      },
      wakeAt: () => nic.wakeAt(clock.now()),
    };
  };
  const run = runOnHost([machine(0), machine(1)], waker, { clock });
  await pause();
  const gather = makePhysicalGather(1);
  gather.lengths[0] = gather.length = 60;
  gather.count = 1;
  wire.nics[0].transmit(clock, new Uint8Array(60), gather);
  wire.nics[0].flush(clock.now());
  expect(await until(() => (counts[1] ?? 0) > 1000)).toBe(true);
  expect(counts[0]).toBe(1000);
  await run.stop();
});

test("work gathers after work only, a bounded number of times, and what has gathered is done before the run sleeps", async () => {
  const part = makeCounted(3);
  const waker = makeWaker();
  const gathered: number[] = [];
  const coalesce = (): void => {
    gathered.push(part.work);
    // A device has something while the thread stands still.
    if (gathered.length === 2) part.work = 2;
  };
  const run = runOnHost([part], waker, { coalesce });
  await until(() => part.work === 0 && gathered.length > 2);
  for (let i = 0; i < 20; i++) await pause();
  // Three steps of work were worth six moments, of which two had passed; the next two gave four more.
  expect(gathered).toEqual([0, 0, ...Array.from({ length: 8 }, () => 0)]);
  const { steps } = part;
  for (let i = 0; i < 20; i++) await pause();
  expect([gathered.length, part.steps]).toEqual([10, steps]);
  // Who is woken for nothing does not wait for more.
  waker.wake();
  await until(() => part.steps > steps);
  for (let i = 0; i < 5; i++) await pause();
  expect(gathered.length).toBe(10);
  await run.stop();
  await run.done;
});
