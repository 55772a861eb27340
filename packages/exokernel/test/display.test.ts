import { makeSimulatedMachine } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  DEVICE_NAMES,
  capSlot,
  must,
  rowOf,
  type CapSlot,
  type DisplayPort,
  type EnvId,
  type Gate,
} from "../src/abi/index.ts";
import { load } from "../src/load.ts";
import { outcome, placeEnvironment, tableState } from "../src/testing/index.ts";

const own = capSlot(0);
const TILE = 8;
/** 4 tiles by 3, the last column and row cut short. */
const SIZE = { width: 30, height: 20, tile: TILE };

interface World {
  readonly root: Gate;
  readonly painter: Gate;
  readonly device: CapSlot;
  readonly port: DisplayPort;
}

/** A kernel on a machine with two displays, and an environment that may set tags on the first. */
function makeWorld(): World {
  const { root } = load(makeSimulatedMachine({ frames: 16, displays: [SIZE, { width: 8, height: 8 }] }));
  const painter = placeEnvironment(root, [1, 1]);
  const name = [DEVICE_NAMES.display, 0];
  const granted = root.capabilityGrant(painter.self, { name, rights: RIGHTS.allocate }, own, own);
  return { root, painter, device: must(granted), port: must(painter.displayPort(0)) };
}

test("[H9] a write to a tile that is tagged with another is ignored, and the owner draws without a kernel call", () => {
  const { root, painter, device, port } = makeWorld();
  const other = placeEnvironment(root, [1, 2]);
  const theirs = must(other.displayPort(0));
  must(painter.tilesTag(0, 0, 2, painter.self, device));
  must(painter.tilesTag(0, 2, 1, other.self, device));
  expect([0, 1, 2, 3].map((tile) => root.displays.owner(0, tile))).toEqual([
    painter.self,
    painter.self,
    other.self,
    0,
  ]);
  const calls = [painter, other].map((gate) => root.environments.calls(rowOf(gate.self)));
  expect(port.set(3, 3, 0x12_3456)).toBe(true);
  expect(theirs.set(3, 3, 0xff_ffff)).toBe(false);
  expect(port.set(2 * TILE, 0, 0x11_1111)).toBe(false);
  expect(theirs.set(2 * TILE, 0, 0x22_2222)).toBe(true);
  expect(port.set(3 * TILE, 0, 0x33_3333)).toBe(false);
  expect([port.get(3, 3), theirs.get(3, 3), port.get(2 * TILE, 0), port.get(3 * TILE, 0)]).toEqual([
    0x12_3456, 0x12_3456, 0x22_2222, 0,
  ]);
  expect(port.fill(TILE - 1, 0, TILE * 4, 2, 0xabcdef)).toBe(2 * (TILE + 1));
  expect(theirs.get(2 * TILE, 0)).toBe(0x22_2222);
  expect([painter, other].map((gate) => root.environments.calls(rowOf(gate.self)))).toEqual(calls);
  expect(root.displays.ignored(0)).toBe(3 + 2 * (30 - 2 * TILE));
  expect(root.displays.ignored(1)).toBe(0);
});

describe("tags", () => {
  test("a new tag takes the tile away from its old owner; none at all takes it from everybody", () => {
    const { root, painter, device, port } = makeWorld();
    const other = placeEnvironment(root, [1, 2]);
    must(painter.tilesTag(0, 0, 12, painter.self, device));
    expect(port.set(0, 0, 1)).toBe(true);
    must(painter.tilesTag(0, 0, 1, other.self, device));
    expect([port.set(0, 0, 2), port.get(0, 0), port.set(TILE, 0, 3)]).toEqual([false, 1, true]);
    must(painter.tilesTag(0, 0, 12, undefined, device));
    expect([port.set(TILE, 0, 4), must(other.displayPort(0)).set(0, 0, 4)]).toEqual([false, false]);
    for (let tile = 0; tile < 12; tile++) expect(root.displays.owner(0, tile)).toBe(0);
  });

  test("the tiles of an environment that ends are nobody's, its port draws no more, not even in its heir's row", () => {
    const { root, painter, device, port } = makeWorld();
    must(painter.tilesTag(0, 3, 4, painter.self, device));
    must(root.tilesTag(1, 0, 1, painter.self, own));
    expect(port.set(3 * TILE, 0, 7)).toBe(true);
    const row = rowOf(painter.self);
    must(root.environmentDestroy(painter.self, own));
    for (let tile = 0; tile < 12; tile++) expect(root.displays.owner(0, tile)).toBe(0);
    expect(root.displays.owner(1, 0)).toBe(0);
    expect(port.set(3 * TILE, 0, 8)).toBe(false);
    let heir = placeEnvironment(root, [1, 1]);
    for (let i = 0; i < 300 && rowOf(heir.self) !== row; i++) {
      must(root.environmentDestroy(heir.self, own));
      heir = placeEnvironment(root, [1, 1]);
    }
    expect(rowOf(heir.self)).toBe(row);
    must(root.tilesTag(0, 3, 4, heir.self, own));
    expect([port.set(3 * TILE, 0, 9), port.get(3 * TILE, 0)]).toEqual([false, 7]);
  });

  test("are refused by name, and stay as they were", () => {
    const { root, painter, device } = makeWorld();
    const dead = placeEnvironment(root, [1, 2]);
    must(root.environmentDestroy(dead.self, own));
    const weak = must(
      root.capabilityGrant(painter.self, { name: [DEVICE_NAMES.display, 0], rights: RIGHTS.write }, own, own),
    );
    const before = tableState(root);
    const tag = (display: unknown, first: unknown, count: unknown, to: unknown, slot: unknown): string =>
      outcome(
        painter.tilesTag(display as number, first as number, count as number, to as EnvId, slot as CapSlot),
      );
    const me = painter.self;
    for (const display of [2, -1, 0.5, "0", undefined, Number.NaN, {}])
      expect(tag(display, 0, 1, me, device)).toBe("NoDevice");
    for (const [first, count] of [
      [12, 1],
      [0, 13],
      [11, 2],
      [0, 0],
      [-1, 1],
      [0.5, 1],
      [0, Number.NaN],
      ["0", 1],
    ])
      expect(tag(0, first, count, me, device)).toBe("BadRange");
    for (const to of [dead.self, 0, -1, 1.5, "1", null, {}])
      expect(tag(0, 0, 1, to, device)).toBe("BadEnvironment");
    for (const slot of [20, -1, 99, undefined, {}]) expect(tag(0, 0, 1, me, slot)).toBe("BadSlot");
    for (const slot of [own, weak]) expect(tag(0, 0, 1, me, slot)).toBe("BadCapability");
    expect(tag(1, 0, 1, me, device)).toBe("BadCapability");
    expect(tableState(root)).toBe(before);
    for (let tile = 0; tile < 12; tile++) expect(root.displays.owner(0, tile)).toBe(0);
  });
});

describe("ports", () => {
  test("know the size of the display, and there is none for a display that does not exist", () => {
    const { painter, port, root } = makeWorld();
    expect([port.width, port.height]).toEqual([30, 20]);
    expect([
      root.displays.count,
      root.displays.width(0),
      root.displays.height(0),
      root.displays.tile(0),
    ]).toEqual([2, 30, 20, 8]);
    for (const bad of [2, -1, 0.5, "0", undefined, Number.NaN])
      expect(outcome(painter.displayPort(bad as number))).toBe("NoDevice");
    expect(outcome(must(makeWorld().root.displayPort(1)))).toBe("ok");
    const { root: blind } = load(makeSimulatedMachine({ frames: 4 }));
    expect(outcome(blind.displayPort(0))).toBe("NoDevice");
  });

  test("fill what lies on the display, whatever they are asked for", () => {
    const { painter, port, device } = makeWorld();
    must(painter.tilesTag(0, 0, 12, painter.self, device));
    expect(port.fill(-5, -5, 7, 7, 1)).toBe(4);
    expect(port.fill(28, 18, 1e9, 1e9, 2)).toBe(4);
    expect(port.fill(-1e9, -1e9, 2e9, 2e9, 3)).toBe(600);
    for (const [x, y, width, height] of [
      [0, 0, 0, 5],
      [0, 0, -3, 5],
      [0.5, 0, 2, 2],
      [0, 0, Infinity, 2],
      [Number.NaN, 0, 2, 2],
      [40, 0, 2, 2],
      ["0", 0, 2, 2],
      [-Infinity, 0, 2, 2],
    ] as [number, number, number, number][])
      expect(port.fill(x, y, width, height, 4)).toBe(0);
    for (let y = 0; y < 20; y++) for (let x = 0; x < 30; x++) expect(port.get(x, y)).toBe(3);
    for (const colour of [Number.NaN, "red", undefined, -1])
      expect(port.set(0, 0, colour as number)).toBe(true);
    expect(port.get(0, 0)).toBe(0xff_ffff);
    expect([port.get(-1, 0), port.get(0, 20), port.set(30, 0, 1)]).toEqual([-1, -1, false]);
  });
});
