/** Control transfer, message rings, batches and predicates: what a kernel must keep. */
import { eventually, type ContractCase } from "@exolith/hw-model/contract";
import { RIGHTS } from "@exolith/secure-bind";
import { expect } from "vitest";
import { must } from "../abi/errors.ts";
import type { Gate } from "../abi/gate.ts";
import { FRAME_BYTES, NEVER, frame, type EnvId, type FrameNumber, type MessageRingId } from "../abi/ids.ts";
import { MESSAGE_BYTES, TRANSFER_WORDS, WELL_KNOWN_SLOT } from "../abi/limits.ts";
import { SYSTEM_WORDS } from "../abi/tables.ts";
import { TRANSFER_KINDS, type Upcalls } from "../abi/upcalls.ts";
import type { Window } from "../abi/window.ts";
import { outcome, placeEnvironment } from "../testing/rig.ts";
import { grant, own, rowOfSelf, type KernelHarness } from "./harness.ts";

/** Somebody who can be called. */
const callee = (
  h: KernelHarness,
  upcalls: Partial<Upcalls>,
  name = 2,
  slices: readonly number[] = [],
): Gate =>
  placeEnvironment(h.root, [1, name], {
    slices,
    upcalls: () => ({ sliceBegin: () => {}, fault: () => {}, ...upcalls }),
  });

/** One frame of the caller's, bound for writing. */
const memoryOf = (gate: Gate, first: number): Window => {
  must(gate.framesAlloc(frame(first), 1, own));
  return must(gate.windowBind(frame(first), 1, true, own));
};

const registersPass = (h: KernelHarness): void => {
  const caller = placeEnvironment(h.root, [1, 1]);
  const seen: number[][] = [];
  const target = callee(h, { transfer: (...registers) => (seen.push(registers), 0.5) });
  const registers = [1, -0.5, 2 ** 52 + 1, 4294967295] as const;
  expect(must(caller.transfer(target.self, ...registers))).toBe(0.5);
  expect(seen).toEqual([[caller.self, ...registers]]);
  for (const alien of ["1", {}, null, undefined, 1n] as never[])
    expect(outcome(caller.transfer(target.self, 1, 2, alien, 4))).toBe("BadRange");
  expect(seen).toHaveLength(1);
};

const calleeDecides = (h: KernelHarness): void => {
  const caller = placeEnvironment(h.root, [1, 1]);
  const target = callee(h, { transfer: () => 1 });
  expect(outcome(caller.transfer(caller.self, 1, 2, 3, 4))).not.toBe("ok");
  expect(outcome(target.transfer(caller.self, 1, 2, 3, 4))).toBe("NoEntry");
  must(target.transferAllow(TRANSFER_KINDS.asynchronous));
  expect(outcome(caller.transfer(target.self, 1, 2, 3, 4))).toBe("Blocked");
  must(target.transferAllow(TRANSFER_KINDS.all));
  expect(outcome(caller.transfer(target.self, 1, 2, 3, 4))).toBe("ok");
  expect(outcome(caller.transfer(0 as EnvId, 1, 2, 3, 4))).toBe("BadEnvironment");
};

const calleeFaults = (h: KernelHarness): void => {
  const caller = placeEnvironment(h.root, [1, 1]);
  const causes: number[] = [];
  const target = callee(h, {
    transfer: () => {
      throw new Error("the callee's own");
    },
    fault: (cause) => void causes.push(cause),
  });
  expect(outcome(caller.transfer(target.self, 1, 2, 3, 4))).toBe("Faulted");
  expect(causes).toEqual([1]);
  expect(h.root.environments.faults(rowOfSelf(caller))).toBe(0);
  expect(h.root.environments.faults(rowOfSelf(target))).toBe(1);
  caller.nullCall();
};

const keepsCallers = async (h: KernelHarness): Promise<void> => {
  const log: string[] = [];
  const target = callee(h, { transfer: () => undefined, sliceBegin: () => void log.push("callee") });
  const caller: Gate = placeEnvironment(h.root, [1, 1], {
    slices: [3],
    upcalls: (gate) => ({
      sliceBegin: () => {
        log.push("caller");
        if (log.length === 1) must(gate.transfer(target.self, 1, 2, 3, 4));
        gate.sleep(gate.environments.events(rowOfSelf(gate)), NEVER);
      },
      transferReply: (from, a) => void log.push(from === target.self ? `reply ${a}` : "a stranger's reply"),
    }),
  });
  expect(await eventually(h, () => log.length >= 3)).toBe(true);
  expect(log.slice(0, 3)).toEqual(["caller", "callee", "callee"]);
  expect(h.root.environments.keptBy(rowOfSelf(caller))).toBe(target.self);
  expect(outcome(h.root.transferReply(caller.self, 1, 2, 3, 4))).toBe("BadEnvironment");
  must(target.transferReply(caller.self, 7, 2, 3, 4));
  expect(h.root.environments.keptBy(rowOfSelf(caller))).toBe(0);
  expect(log.at(-1)).toBe("reply 7");
  expect(await eventually(h, () => log.at(-1) === "caller")).toBe(true);
};

const wordsPass = (h: KernelHarness): void => {
  const caller = placeEnvironment(h.root, [1, 1]);
  const counts: number[] = [];
  const target = callee(h, { transferWords: (_, a, count) => (counts.push(a, count), a) });
  const from = memoryOf(caller, 10);
  expect(outcome(caller.transferWords(target.self, from, 0, 1, 5))).toBe("NoEntry");
  const buffer = memoryOf(target, 20);
  must(target.transferBuffer(buffer, 8));
  for (let i = 0; i < TRANSFER_WORDS; i++) from.setU32(4 * i, 1000 + i);
  expect(must(caller.transferWords(target.self, from, 0, TRANSFER_WORDS, 5))).toBe(5);
  expect(counts).toEqual([5, TRANSFER_WORDS]);
  for (let i = 0; i < TRANSFER_WORDS; i++) expect(buffer.getU32(8 + 4 * i)).toBe(1000 + i);
  expect(outcome(caller.transferWords(target.self, from, 0, TRANSFER_WORDS + 1, 5))).toBe("BadRange");
  expect(outcome(caller.transferWords(target.self, from, FRAME_BYTES - 4, 2, 5))).toBe("BadRange");
  expect(outcome(caller.transferWords(target.self, buffer, 0, 1, 5))).toBe("BadWindow");
  expect(counts).toHaveLength(2);
};

const arrivesLater = async (h: KernelHarness): Promise<void> => {
  const log: string[] = [];
  const target = callee(h, { transferAsync: (_, a) => void log.push(`arrived ${a}`) });
  placeEnvironment(h.root, [1, 1], {
    slices: [3],
    upcalls: (gate) => ({
      sliceBegin: () => {
        must(gate.transferAsync(target.self, 9, 2, 3, 4));
        expect(outcome(gate.transferAsync(target.self, 1, 2, 3, 4))).toBe("Busy");
        log.push("initiated");
        gate.sleep(gate.environments.events(rowOfSelf(gate)), NEVER);
      },
    }),
  });
  placeEnvironment(h.root, [1, 3], {
    slices: [4],
    upcalls: (gate) => ({
      sliceBegin: () => {
        log.push("another");
        gate.sleep(gate.environments.events(rowOfSelf(gate)), NEVER);
      },
    }),
  });
  expect(await eventually(h, () => log.includes("another"))).toBe(true);
  expect(log).toEqual(["initiated", "arrived 9", "another"]);
};

const messages = (h: KernelHarness): void => {
  const owner = placeEnvironment(h.root, [1, 1]);
  const sender = placeEnvironment(h.root, [1, 2]);
  must(owner.framesAlloc(frame(10), 2, own));
  const words = must(owner.windowBind(frame(10), 2, true, own));
  const ring: MessageRingId = must(owner.messageRingBind(frame(10), 2, own));
  const from = memoryOf(sender, 20);
  from.write(0, Uint8Array.from([104, 105]), 0, 2);
  expect(outcome(sender.messageSend(ring, from, 0, 2, own))).toBe("BadCapability");
  const key = grant(h, sender, { name: [1, 1], rights: RIGHTS.none });
  const events = h.root.environments.events(rowOfSelf(owner));
  must(sender.messageSend(ring, from, 0, 2, key));
  expect(h.root.environments.events(rowOfSelf(owner))).toBe(events + 1);
  expect([words.getU32(0), words.getU32(2048)]).toEqual([2, sender.self]);
  expect(words.text(FRAME_BYTES, 2)).toBe("hi");
  expect(outcome(sender.messageSend(ring, from, 0, MESSAGE_BYTES + 1, key))).toBe("BadRange");
  const slots = FRAME_BYTES / MESSAGE_BYTES;
  for (let i = 1; i < slots; i++) must(sender.messageSend(ring, from, 0, 2, key));
  expect(outcome(sender.messageSend(ring, from, 0, 2, key))).toBe("Full");
  words.setU32(0, 0);
  expect(outcome(sender.messageSend(ring, from, 0, 2, key))).toBe("ok");
  expect(outcome(owner.framesFree(frame(10), 1, own))).toBe("Pinned");
  expect(outcome(sender.messageRingUnbind(ring))).toBe("BadRing");
  must(owner.messageRingUnbind(ring));
  expect(outcome(sender.messageSend(ring, from, 0, 2, key))).toBe("BadRing");
  must(owner.framesFree(frame(10), 2, own));
};

const batches = (h: KernelHarness): void => {
  const gate = placeEnvironment(h.root, [1, 1]);
  const calls = (): number => h.root.environments.calls(rowOfSelf(gate));
  const batch = gate.batch();
  expect(outcome(gate.batchRun(batch))).toBe("BadBatch");
  batch.add("framesAlloc", frame(10), 1, own);
  batch.add("framesAlloc", frame(11), 1, own);
  batch.add("framesAlloc", frame(11), 1, own);
  batch.add("framesAlloc", frame(12), 1, own);
  const before = calls();
  expect(must(gate.batchRun(batch))).toBe(2);
  expect(calls() - before).toBe(4);
  expect([0, 1, 2].map((i) => outcome(batch.result(i)))).toEqual(["ok", "ok", "Busy"]);
  expect([10, 11, 12].map((f) => h.root.frames.owner(f))).toEqual([gate.self, gate.self, 0]);
  const other = placeEnvironment(h.root, [1, 2]);
  expect(outcome(other.batchRun(batch))).toBe("BadBatch");
  expect(() => batch.add("transfer" as "nullCall")).toThrow(RangeError);
};

/** Waits for the first of two words of its own, and notes the tags that woke it. */
function waiter(h: KernelHarness, tags: number[]): { readonly gate: Gate; readonly memory: Window } {
  let memory: Window | undefined;
  const wait = (mine: Gate): void => {
    const at = (word: number, value: number) => ({
      window: memory as Window,
      at: 4 * word,
      comparison: "equal" as const,
      value,
    });
    must(
      mine.predicateWait([
        { tag: 11, terms: [at(0, 1), at(1, 1)] },
        { tag: 22, terms: [at(2, 7)] },
      ]),
    );
  };
  const gate = placeEnvironment(h.root, [1, 1], {
    slices: [5],
    upcalls: (mine) => ({
      sliceBegin: () => {
        memory ??= memoryOf(mine, 10);
        tags.push(mine.environments.tag(rowOfSelf(mine)));
        memory.fill(0, 12, 0);
        wait(mine);
      },
    }),
  });
  return {
    gate,
    get memory() {
      return memory as Window;
    },
  };
}

const predicates = async (h: KernelHarness): Promise<void> => {
  const tags: number[] = [];
  const who = waiter(h, tags);
  expect(await eventually(h, () => tags.length === 1)).toBe(true);
  const { memory, gate } = who;
  expect(outcome(gate.framesFree(frame(10), 1, own))).toBe("Pinned");
  memory.setU32(0, 1);
  must(h.root.wake(gate.self, own));
  await h.settle();
  expect(tags).toEqual([0]);
  memory.setU32(4, 1);
  expect(await eventually(h, () => tags.length === 2)).toBe(true);
  memory.setU32(8, 7);
  expect(await eventually(h, () => tags.length === 3)).toBe(true);
  expect(tags).toEqual([0, 11, 22]);
  const other = placeEnvironment(h.root, [1, 2]);
  const term = { window: memory, at: 0, comparison: "equal" as const, value: 1 };
  expect(outcome(other.predicateWait([{ tag: 1, terms: [term] }]))).toBe("BadWindow");
  expect(outcome(gate.predicateWait([{ tag: 1, terms: [{ ...term, at: 2 }] }]))).toBe("BadRange");
  expect(outcome(gate.predicateWait([]))).toBe("BadPredicate");
};

const systemFrame = async (h: KernelHarness): Promise<void> => {
  const gate = placeEnvironment(h.root, [1, 1]);
  const at: FrameNumber = h.root.system.frame;
  expect(outcome(gate.windowBind(at, 1, true, WELL_KNOWN_SLOT))).toBe("BadCapability");
  const words = must(gate.windowBind(at, 1, false, WELL_KNOWN_SLOT));
  expect(words.getU32(SYSTEM_WORDS.abiVersion)).toBe(h.root.abiVersion);
  expect(words.getU32(SYSTEM_WORDS.tableVersion)).toBe(h.root.tableVersion);
  must(h.root.wake(gate.self, own));
  const events = SYSTEM_WORDS.events + 4 * rowOfSelf(gate);
  expect(words.getU32(events)).toBe(h.root.environments.events(rowOfSelf(gate)));
  placeEnvironment(h.root, [1, 2], { slices: [1] });
  await h.settle();
  expect(words.getU32(SYSTEM_WORDS.freeFrames)).toBe(h.root.frames.free());
  expect(() => words.setU8(0, 1)).toThrow(TypeError);
};

/** The cases of this part. */
export const TRANSFER_CASES: readonly ContractCase<KernelHarness>[] = [
  ["enters another environment at once, with the registers as they are", registersPass],
  ["lets the callee say who may enter it", calleeDecides],
  ["tells the caller of a callee's fault, and gives the fault to the callee", calleeFaults],
  ["gives a kept caller's slices to the callee until the reply", keepsCallers],
  ["copies at most sixteen words to the place that the callee named", wordsPass],
  ["carries an asynchronous transfer out before anybody else runs", arrivesLater],
  ["delivers messages until the next slot is its owner's", messages],
  ["makes the calls of a batch in order, up to the first that is refused", batches],
  ["runs who waits for a predicate when it holds, and says which part did", predicates],
  ["publishes words in a frame that everybody may read and nobody write", systemFrame],
];
