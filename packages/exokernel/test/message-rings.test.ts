/** Message rings: short messages into frames that the receiver supplied. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FRAME_BYTES,
  MESSAGE_BYTES,
  MESSAGE_RINGS,
  MESSAGE_RING_FRAMES_MAX,
  RESOURCE_KINDS,
  capSlot,
  frame,
  must,
  rowOf,
  type CapSlot,
  type Gate,
  type MessageRingId,
  type Window,
} from "../src/abi/index.ts";
import { checkTables, makeRig, outcome, tableState, type Rig } from "../src/testing/index.ts";

const own = capSlot(0);
const SENDERS = 2048;
const SLOTS = FRAME_BYTES / MESSAGE_BYTES;

interface Post {
  readonly rig: Rig;
  readonly owner: Gate;
  readonly sender: Gate;
  readonly ring: MessageRingId;
  /** The ring's frames as its owner sees them. */
  readonly box: Window;
  /** What the sender sends from. */
  readonly paper: Window;
  /** The sender's slot with a capability that dominates the ring's guard. */
  readonly key: CapSlot;
}

/** A ring of `frames` frames from frame 10 on, guarded by [1, 1]; the sender holds [1, 1] without a right. */
function post(frames = 2): Post {
  const rig = makeRig(64);
  const owner = rig.environment([1, 1]);
  const sender = rig.environment([1, 2]);
  must(owner.framesAlloc(frame(10), frames, own));
  const box = must(owner.windowBind(frame(10), frames, true, own));
  const ring = must(owner.messageRingBind(frame(10), frames, own));
  must(sender.framesAlloc(frame(40), 1, own));
  const paper = must(sender.windowBind(frame(40), 1, true, own));
  const key = rig.grant(sender, { name: [1, 1], rights: 0 });
  return { rig, owner, sender, ring, box, paper, key };
}

const write = (paper: Window, text: string): void =>
  void paper.write(0, new TextEncoder().encode(text), 0, text.length);

test("[I5] messages of up to 64 bytes go by ownership words; a full ring refuses with Full until its owner gives slots back", () => {
  const { rig, owner, sender, ring, box, paper, key } = post();
  const { messageRings, environments } = rig.root;
  const row = rowOf(ring);
  expect([messageRings.owner(row), messageRings.id(row), messageRings.slots(row)]).toEqual([
    owner.self,
    ring,
    SLOTS,
  ]);
  const send = (text: string): string => {
    write(paper, text);
    return outcome(sender.messageSend(ring, paper, 0, text.length, key));
  };
  const texts = Array.from({ length: SLOTS }, (_, i) => `message ${i}`.padEnd((i % MESSAGE_BYTES) + 1, "."));
  const messages = texts.map((text, i) => text.slice(0, (i % MESSAGE_BYTES) + 1));
  for (const [i, message] of messages.entries()) {
    expect(send(message)).toBe("ok");
    expect(box.getU32(i * 4)).toBe(message.length);
    expect(box.getU32(SENDERS + i * 4)).toBe(sender.self);
    expect(box.text(FRAME_BYTES + i * MESSAGE_BYTES, message.length)).toBe(message);
    expect(environments.events(rowOf(owner.self))).toBe(i + 1);
  }
  expect(messageRings.next(row)).toBe(0);
  // Full: nothing is written, nobody is told, it is counted.
  const whole = box.text(0, box.length);
  expect(send("too much")).toBe("Full");
  expect(box.text(0, box.length)).toBe(whole);
  expect([messageRings.delivered(row), messageRings.refused(row)]).toEqual([SLOTS, 1]);
  expect(environments.events(rowOf(owner.self))).toBe(SLOTS);
  // A slot that is not the next one does not help; the next one does, and only for one message.
  box.setU32(4, 0);
  expect(send("too much")).toBe("Full");
  box.setU32(0, 0);
  expect(send("first again")).toBe("ok");
  expect(send("second again")).toBe("ok");
  expect(send("third")).toBe("Full");
  expect([box.getU32(0), box.getU32(4), box.text(FRAME_BYTES, 11)]).toEqual([11, 12, "first again"]);
  expect(messageRings.next(row)).toBe(2);
});

test("a ring of nine frames has 512 slots, in order over its frames", () => {
  const { box, owner, sender, ring, paper, key } = post(MESSAGE_RING_FRAMES_MAX);
  const slots = SLOTS * (MESSAGE_RING_FRAMES_MAX - 1);
  expect(owner.messageRings.slots(rowOf(ring))).toBe(slots);
  for (let i = 0; i < slots; i++) {
    paper.setU32(0, i);
    must(sender.messageSend(ring, paper, 0, 4, key));
  }
  expect(outcome(sender.messageSend(ring, paper, 0, 4, key))).toBe("Full");
  for (let i = 0; i < slots; i++) {
    expect(box.getU32(i * 4)).toBe(4);
    expect(box.getU32(SENDERS + i * 4)).toBe(sender.self);
    expect(box.getU32(FRAME_BYTES + i * MESSAGE_BYTES)).toBe(i);
  }
});

test("whatever is sent and taken, messages arrive once and in order", () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: MESSAGE_BYTES }), fc.constant(0)), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(steps, (lengths) => {
      const { sender, ring, box, paper, key } = post();
      const inFlight: number[][] = [];
      let taken = 0;
      for (const [i, length] of lengths.entries()) {
        if (length > 0) {
          paper.fill(0, length, i & 0xff);
          const result = outcome(sender.messageSend(ring, paper, 0, length, key));
          expect(result).toBe(inFlight.length === SLOTS ? "Full" : "ok");
          if (result === "ok") inFlight.push([length, i & 0xff]);
          continue;
        }
        const expected = inFlight.shift();
        const slot = taken % SLOTS;
        expect(box.getU32(slot * 4)).toBe(expected?.[0] ?? 0);
        if (expected === undefined) continue;
        expect(box.getU8(FRAME_BYTES + slot * MESSAGE_BYTES + (expected[0] ?? 0) - 1)).toBe(expected[1]);
        box.setU32(slot * 4, 0);
        taken += 1;
      }
    }),
    { numRuns: 30 },
  );
});

describe("what is refused changes nothing", () => {
  test("sending", () => {
    const { rig, sender, owner, ring, box, paper, key } = post();
    const dead = must(sender.windowBind(frame(40), 1, false, own));
    must(sender.windowUnbind(dead));
    const state = tableState(rig.root);
    const before = box.text(0, box.length);
    const send = (...request: readonly unknown[]): string =>
      outcome(sender.messageSend(...(request as Parameters<Gate["messageSend"]>)));
    for (const bad of [0, ring + 1, -1, undefined, "1", {}])
      expect(send(bad, paper, 0, 4, key)).toBe("BadRing");
    for (const bad of [dead, box, undefined, {}, new Proxy(paper, {})])
      expect(send(ring, bad, 0, 4, key)).toBe("BadWindow");
    for (const [at, length] of [
      [0, 0],
      [0, 65],
      [0, -1],
      [0, 1.5],
      [-1, 4],
      [4093, 4],
      [4096, 1],
      [undefined, 4],
      [0, Number.NaN],
      [0, "4"],
    ])
      expect(send(ring, paper, at, length, key)).toBe("BadRange");
    for (const bad of [7, -1, 32, undefined]) expect(send(ring, paper, 0, 4, bad)).toBe("BadSlot");
    expect(send(ring, paper, 0, 4, own)).toBe("BadCapability");
    expect(box.text(0, box.length)).toBe(before);
    expect(tableState(rig.root)).toBe(state);
    expect(owner.environments.events(rowOf(owner.self))).toBe(0);
    expect(send(ring, paper, 4092, 4, key)).toBe("ok");
  });

  test("binding and unbinding", () => {
    const { rig, owner, sender, ring } = post();
    must(owner.framesAlloc(frame(20), 10, own));
    const state = tableState(rig.root);
    const bind = (...request: readonly unknown[]): string =>
      outcome(owner.messageRingBind(...(request as Parameters<Gate["messageRingBind"]>)));
    for (const bad of [64, -1, 0.5, undefined, 31]) expect(bind(bad, 2, own)).toBe("BadFrame");
    for (const bad of [0, 1, 10, 45, -1, 2.5, undefined]) expect(bind(20, bad, own)).toBe("BadRange");
    expect(bind(10, 2, own)).toBe("Pinned");
    expect(bind(20, 2, 9)).toBe("BadSlot");
    expect(bind(40, 2, own)).toBe("BadCapability");
    const weak = rig.grant(owner, { name: [1, 1], rights: 0 });
    expect(bind(20, 2, weak)).toBe("BadCapability");
    expect(outcome(sender.messageRingUnbind(ring))).toBe("BadRing");
    for (const bad of [0, ring + 1, undefined, "1"] as never[])
      expect(outcome(owner.messageRingUnbind(bad))).toBe("BadRing");
    expect(tableState(rig.root)).toBe(state);
  });

  test("one ring more than there are", () => {
    const rig = makeRig(512);
    const gate = rig.environment([1, 1]);
    must(gate.framesAlloc(frame(0), 2 * MESSAGE_RINGS + 2, own));
    for (let i = 0; i < MESSAGE_RINGS; i++) must(gate.messageRingBind(frame(2 * i), 2, own));
    expect(outcome(gate.messageRingBind(frame(2 * MESSAGE_RINGS), 2, own))).toBe("Full");
    expect(gate.frames.pins(2 * MESSAGE_RINGS)).toBe(0);
    checkTables(rig.root);
  });
});

describe("a ring's frames and guard", () => {
  test("are pinned until it ends", () => {
    const { owner, ring, sender, paper, key } = post();
    expect([owner.frames.pins(10), owner.frames.pins(11)]).toEqual([1, 1]);
    expect(outcome(owner.framesFree(frame(10), 2, own))).toBe("Pinned");
    must(owner.messageRingUnbind(ring));
    expect([owner.frames.pins(10), owner.frames.pins(11)]).toEqual([0, 0]);
    expect(outcome(sender.messageSend(ring, paper, 0, 4, key))).toBe("BadRing");
    expect(outcome(owner.messageRingUnbind(ring))).toBe("BadRing");
    expect(owner.messageRings.owner(rowOf(ring))).toBe(0);
    must(owner.framesFree(frame(10), 2, own));
  });

  test("are freed by the death of the owner", () => {
    const { rig, owner, sender, ring, paper, key } = post();
    must(rig.root.environmentDestroy(owner.self, own));
    expect(rig.root.messageRings.owner(rowOf(ring))).toBe(0);
    expect([rig.root.frames.owner(10), rig.root.frames.pins(10)]).toEqual([0, 0]);
    expect(outcome(sender.messageSend(ring, paper, 0, 4, key))).toBe("BadRing");
    checkTables(rig.root);
  });

  test("let in whom the owner adds to the guard, and nobody after it is taken out again", () => {
    const { owner, sender, ring, paper } = post();
    const { messageRing } = RESOURCE_KINDS;
    const send = (): string => outcome(sender.messageSend(ring, paper, 0, 4, own));
    expect(send()).toBe("BadCapability");
    must(owner.guardSet(messageRing, ring, 1, { name: [1, 2], rights: 0 }, own));
    expect(send()).toBe("ok");
    expect(outcome(sender.guardSet(messageRing, ring, 2, { name: [], rights: 0 }, own))).toBe(
      "BadCapability",
    );
    must(owner.guardSet(messageRing, ring, 1, undefined, own));
    expect(send()).toBe("BadCapability");
    must(owner.framesAlloc(frame(30), 1, own));
    must(owner.guardExtend(messageRing, ring, frame(30), 1, own));
    expect(owner.frames.pins(30)).toBe(1);
    must(owner.messageRingUnbind(ring));
    expect(owner.frames.pins(30)).toBe(0);
  });

  test("the owner may send to itself, from the ring's own frames", () => {
    const { owner, ring, box } = post();
    box.setU32(FRAME_BYTES + 128, 0xdead_beef);
    must(owner.messageSend(ring, box, FRAME_BYTES + 128, 4, own));
    expect([box.getU32(FRAME_BYTES), box.getU32(0), box.getU32(SENDERS)]).toEqual([
      0xdead_beef,
      4,
      owner.self,
    ]);
  });
});
