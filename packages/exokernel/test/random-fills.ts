/** Worlds in which something is used up before the random calls begin: refusals that chance alone would take too long to meet. */
import { RIGHTS, type Filter } from "@exolith/secure-bind";
import { handlerModule } from "@exolith/secure-bind/testing";
import {
  EXPIRED_NAMES,
  FRAME_BYTES,
  GUARANTEED_FRAMES,
  PREDICATE_FRAMES,
  TRANSFER_DEPTH,
  capSlot,
  failed,
  frame,
  must,
  type Gate,
  type GateCalls,
  type Window,
} from "../src/abi/index.ts";
import { placeEnvironment } from "../src/testing/index.ts";
import { moduleOf } from "./program-rig.ts";
import { makeCall } from "./random-calls.ts";
import { callInside } from "./random-programs.ts";
import { makeWorld, remember, type Counts, type World, type WorldOptions } from "./random-world.ts";

/** A world, and what is done in it first. */
interface Fill {
  readonly options: WorldOptions;
  readonly fill: (world: World) => void;
}

const own = capSlot(0);

/** Makes a call of `gate`'s until it is refused, so that this is counted as well. */
function useUp(
  world: World,
  gate: Gate,
  name: keyof GateCalls,
  argumentsFor: (i: number) => readonly unknown[],
): void {
  for (let i = 0; i < MOST; i++) if (failed(makeCall(world, gate, name, argumentsFor(i)))) return;
  throw new Error(`${name} is not used up after ${MOST}`);
}

/** More than there is of anything. */
const MOST = 6000;

const focused = (focus: readonly (keyof GateCalls)[], options: WorldOptions = {}): WorldOptions => ({
  ...options,
  focus,
});

const idle = () => ({ sliceBegin: () => {} });

/** Frames that one actor has in a row, and the window over them. */
const LONG = PREDICATE_FRAMES + 2;

const actorOf = ({ known }: World): Gate => known.actors[0] as Gate;

function longHold(world: World): void {
  const gate = actorOf(world);
  must(gate.framesAlloc(frame(200), LONG, own));
  const window = must(gate.windowBind(frame(200), LONG, true, own));
  remember(world.known.windows, window);
  must(gate.framesGuarantee(frame(200), GUARANTEED_FRAMES, true));
  const terms = Array.from({ length: LONG }, (_, i) => ({
    window,
    at: i * FRAME_BYTES,
    comparison: "equal",
    value: 1,
  }));
  makeCall(world, gate, "predicateWait", [[{ tag: 1, terms }]]);
}

/** An environment that can be called in every way, and has a place for words; its gate and its window. */
function listener(world: World, name: number, transfer: (gate: Gate) => number | undefined): [Gate, Window] {
  const { root, known } = world;
  const gate: Gate = placeEnvironment(root, [1, name], {
    upcalls: () => ({
      sliceBegin: () => {},
      fault: () => {},
      transferAsync: () => {},
      transferReply: () => {},
      transferWords: () => 1,
      transfer: () => transfer(gate),
    }),
  });
  const window = must(gate.windowBind(must(gate.frameAllocAny(own)), 1, true, own));
  must(gate.transferBuffer(window, 0));
  remember(known.windows, window);
  remember(known.environments, gate.self);
  remember(known.children, gate);
  return [gate, window];
}

/**
 * A chain in which every one calls the next, as deep as may be.
 *
 * Each keeps a guest, to whom it could reply. At the end all kinds of transfer
 * are tried, to somebody who could answer.
 */
function chain(world: World): void {
  const [end] = listener(world, 40, () => 1);
  const guests = new Map<Gate, Gate>();
  let next = end;
  for (let i = 0; i < TRANSFER_DEPTH + 2; i++) {
    const target = next;
    const [gate, window] = listener(world, 50 + i, (self) => {
      if (!guests.has(self)) return undefined;
      callInside(world, self, 1);
      if (i > TRANSFER_DEPTH || world.dice.once(3))
        for (let twice = 0; twice < 2; twice++)
          makeCall(world, self, "transferAsync", [end.self, 1, 2, 3, 4]);
      const reply = makeCall(world, self, "transfer", [target.self, 1, 2, 3, 4]);
      if (failed(reply)) tryAll(world, self, window, [end, guests.get(self) as Gate]);
      return 1;
    });
    const [guest] = listener(world, 80 + i, () => 1);
    must(guest.transfer(gate.self, 0, 0, 0, 0));
    guests.set(gate, guest);
    next = gate;
  }
  makeCall(world, actorOf(world), "transfer", [next.self, 1, 2, 3, 4]);
}

function tryAll(world: World, gate: Gate, window: Window, [end, guest]: readonly [Gate, Gate]): void {
  makeCall(world, gate, "transfer", [end.self, 1, 2, 3, 4]);
  makeCall(world, gate, "transferWords", [end.self, window, 0, 4, 1]);
  makeCall(world, gate, "transferAsync", [end.self, 1, 2, 3, 4]);
  makeCall(world, gate, "transferReply", [guest.self, 1, 2, 3, 4]);
}

const byte = (at: number): Filter[number] => ({ kind: "equal", at, width: 1, mask: 0xff, value: 1 });
const costly = (k: number): Filter => Array.from({ length: 200 }, (_, i) => byte(k + i));

const NOTHING = { module: moduleOf((code) => code.i32(0), { pages: 0 }), imports: [] };
const CONSUME = { module: handlerModule((code) => code.i32(1)), fuel: 10 };

/** Something used up in each. */
const FILLS: { readonly [name: string]: Fill } = {
  environments: {
    options: focused(["environmentCreate"]),
    fill: (world) => useUp(world, world.root, "environmentCreate", () => [idle, own]),
  },
  rings: {
    options: focused(["ringBind", "messageRingBind", "framesAlloc"], { frames: 640 }),
    fill: (world) => {
      const { root } = world;
      must(root.framesAlloc(frame(100), 520, own));
      useUp(world, root, "ringBind", (i) => [100 + 2 * i, 2, own]);
      useUp(world, root, "messageRingBind", (i) => [360 + 2 * i, 2, own]);
    },
  },
  filters: {
    options: focused(["filterInsert", "ringBind"]),
    fill: (world) => {
      const { root } = world;
      must(root.framesAlloc(frame(80), 2, own));
      const ring = must(root.ringBind(frame(80), 2, own));
      useUp(world, root, "filterInsert", (k) => [0, costly(k), ring, own, own]);
      useUp(world, root, "filterInsert", (k) => [0, [byte(300 + k)], ring, own, own]);
    },
  },
  handlers: {
    options: focused(["handlerInstall", "filterInsert"]),
    fill: (world) => {
      const { root } = world;
      must(root.framesAlloc(frame(80), 3, own));
      const ring = must(root.ringBind(frame(80), 2, own));
      const filterOf = (k: number): unknown =>
        makeCall(world, root, "filterInsert", [0, [byte(300 + k)], ring, own, own]);
      useUp(world, root, "handlerInstall", (k) => [filterOf(k), CONSUME, 82, 1, own]);
    },
  },
  programs: {
    options: focused(["programLoad", "programEnd", "tlbWrite"]),
    fill: (world) => {
      must(world.root.framesAlloc(frame(80), 2, own));
      useUp(world, world.root, "programLoad", () => [
        { ...NOTHING, mode: "segment", context: 80, contextFrames: 1, segment: 81, segmentFrames: 1 },
        own,
      ]);
    },
  },
  transmits: {
    options: focused(["transmitBind"]),
    fill: (world) => useUp(world, world.root, "transmitBind", () => [0, [], world.root.self, own, own]),
  },
  extents: {
    options: focused(["extentAlloc"], { parts: { disks: [{ blocks: 1200, queueSlots: 4 }] } }),
    fill: (world) => useUp(world, world.root, "extentAlloc", (i) => [0, 130 + i, 1, own, own]),
  },
  regions: {
    options: focused(["regionCreate"]),
    fill: (world) => {
      const memory = must(world.root.frameAllocAny(own));
      useUp(world, world.root, "regionCreate", (i) => [memory, i, 1, own]);
    },
  },
  streams: {
    options: focused(["streamAccept"], { parts: { streams: 16 } }),
    fill: (world) =>
      useUp(world, world.root, "streamAccept", (i) => {
        world.machine.streams[i >> 8]?.world.open();
        return [i >> 8, own];
      }),
  },
  windows: {
    options: focused(["windowBind"], { actors: 1 }),
    fill: (world) => {
      const gate = actorOf(world);
      const memory = must(gate.frameAllocAny(own));
      useUp(world, gate, "windowBind", () => [memory, 1, false, own]);
    },
  },
  tokens: {
    options: focused(["capabilityExpire", "capabilitySeal", "capabilityForge"]),
    fill: (world) => {
      const { root } = world;
      const window = must(root.windowBind(must(root.frameAllocAny(own)), 1, true, own));
      for (let i = 0; i < EXPIRED_NAMES; i++) {
        const slot = must(root.capabilityForge(own, { name: [7, i], rights: RIGHTS.all }));
        must(root.capabilitySeal(own, window, 0));
        must(root.capabilityExpire(slot));
        must(root.capabilityDestroy(slot));
      }
      must(root.capabilitySeal(own, window, 0));
    },
  },
  "capability lists": {
    options: focused(["capabilityUnseal", "capabilityAcquire", "capabilityOffer"]),
    fill: (world) => {
      for (const gate of world.known.actors) {
        const window = must(gate.windowBind(must(gate.frameAllocAny(own)), 1, true, own));
        must(gate.capabilitySeal(own, window, 0));
        remember(world.known.tokens, { window, at: 0 });
        const { self } = gate;
        const name = gate.capabilities.name(0).split(".").map(Number);
        must(gate.capabilityOffer(self, { name, rights: 0 }, own));
        useUp(world, gate, "capabilityForge", () => [own, { name, rights: 0 }]);
        makeCall(world, gate, "capabilityUnseal", [window, 0, 32]);
        makeCall(world, gate, "capabilityAcquire", [self]);
      }
    },
  },
  "long holds": {
    options: focused(["predicateWait", "framesGuarantee"], { frames: 400, actors: 2 }),
    fill: longHold,
  },
  transfers: {
    options: focused(["transfer", "transferWords", "transferAsync", "transferReply", "transferAllow"], {
      frames: 200,
    }),
    fill: chain,
  },
  "no DMA engine": {
    options: focused(["dmaCopy"], { parts: { dma: false } }),
    fill: (world) => useUp(world, world.root, "dmaCopy", () => [{}]),
  },
};

/** The names of what can be used up. */
export const FILL_NAMES: readonly string[] = Object.keys(FILLS);

/** A world in which `name` is used up. */
export function makeFilledWorld(name: string, counts: Counts): World {
  const { options, fill } = FILLS[name] as Fill;
  const world = makeWorld(counts, options);
  fill(world);
  return world;
}
