/** What every frame buffer keeps. */
import { expect } from "vitest";
import type { FrameBuffer } from "../frame-buffer.ts";
import {
  contractSuite,
  type ContractCase,
  type Deviation,
  type MakeHarness,
  type Settling,
} from "./suite.ts";

/** A frame buffer under test: black, nobody's, and at least two tiles wide and high. */
export interface FrameBufferHarness extends Settling {
  readonly display: FrameBuffer;
}

const ALICE = 0x1_0001;
const BOB = 0x8001_0002;

const tilesOf = ({ hardware: { width, height, tile } }: FrameBuffer): number =>
  Math.ceil(width / tile) * Math.ceil(height / tile);

const startsEmpty = ({ display }: FrameBufferHarness): void => {
  const { width, height } = display.hardware;
  for (let tile = 0; tile < tilesOf(display); tile++) expect(display.owner(tile)).toBe(0);
  expect(display.read(0, 0)).toBe(0);
  expect(display.read(width - 1, height - 1)).toBe(0);
  expect(display.ignored()).toBe(0);
};

const checksTags = ({ display }: FrameBufferHarness): void => {
  const { tile, width } = display.hardware;
  const row = Math.ceil(width / tile);
  display.tag(1, ALICE);
  display.tag(row, BOB);
  expect([display.owner(0), display.owner(1), display.owner(row)]).toEqual([0, ALICE, BOB]);
  expect(display.write(ALICE, tile, 0, 0x12_3456)).toBe(true);
  expect(display.write(BOB, 0, tile, 0xff00_00ff)).toBe(true);
  expect([display.read(tile, 0), display.read(0, tile)]).toEqual([0x12_3456, 0xff]);
  expect(display.ignored()).toBe(0);
  expect(display.write(BOB, tile, 0, 1)).toBe(false);
  expect(display.write(ALICE, tile - 1, 0, 1)).toBe(false);
  expect(display.write(ALICE, tile, tile, 1)).toBe(false);
  expect(display.write(0, 0, 0, 1)).toBe(false);
  expect([display.read(tile, 0), display.read(tile - 1, 0), display.read(0, 0)]).toEqual([0x12_3456, 0, 0]);
  expect(display.ignored()).toBe(4);
};

const followsTag = ({ display }: FrameBufferHarness): void => {
  display.tag(0, ALICE);
  expect(display.write(ALICE, 0, 0, 5)).toBe(true);
  display.tag(0, BOB);
  expect([display.write(ALICE, 0, 0, 6), display.write(BOB, 0, 0, 7)]).toEqual([false, true]);
  display.tag(0, 0);
  expect([display.write(BOB, 0, 0, 8), display.write(0, 0, 0, 9)]).toEqual([false, false]);
  expect(display.read(0, 0)).toBe(7);
};

const everyPixel = ({ display }: FrameBufferHarness): void => {
  const { width, height } = display.hardware;
  for (let tile = 0; tile < tilesOf(display); tile++) display.tag(tile, ALICE);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) expect(display.write(ALICE, x, y, y * width + x + 1)).toBe(true);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) expect(display.read(x, y)).toBe(y * width + x + 1);
};

const nothingOutside = ({ display }: FrameBufferHarness): void => {
  const { width, height } = display.hardware;
  const tiles = tilesOf(display);
  for (let tile = 0; tile < tiles; tile++) display.tag(tile, ALICE);
  const outside: [number, number][] = [
    [-1, 0],
    [0, -1],
    [width, 0],
    [0, height],
    [0.5, 0],
    [Number.NaN, 0],
    [Infinity, 0],
  ];
  for (const [x, y] of outside) {
    expect(display.write(ALICE, x, y, 1)).toBe(false);
    expect(display.read(x, y)).toBe(-1);
  }
  expect(display.ignored()).toBe(outside.length);
  for (const tile of [-1, tiles, 0.5, Number.NaN]) {
    display.tag(tile, ALICE);
    expect(display.owner(tile)).toBe(0);
  }
};

const CASES: readonly ContractCase<FrameBufferHarness>[] = [
  ["starts black, with tiles that are nobody's", startsEmpty],
  ["sets a pixel for the owner of its tile alone, and counts what it ignores", checksTags],
  ["follows the tag when it changes, and lets nobody write to what is nobody's", followsTag],
  ["keeps every pixel apart from every other", everyPixel],
  ["has no pixel and no tile outside", nothingOutside],
];

/** Checks that the frame buffers that `make` makes keep the contract of `FrameBuffer`. */
export function frameBufferContract(
  name: string,
  make: MakeHarness<FrameBufferHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, CASES, deviations);
}
