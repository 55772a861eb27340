/** Refusals of the translation calls and of the program calls. */
import { RIGHTS } from "@exolith/secure-bind";
import {
  FRAME_BYTES,
  PROGRAMS,
  must,
  virtualPage,
  type CapSlot,
  type Gate,
  type ProgramRequest,
} from "../src/abi/index.ts";
import { moduleOf } from "./program-rig.ts";
import { EMPTY, at, call, having, own, useUp, type Scenarios, type Stage } from "./refusal-stage.ts";

const OUTSIDE = at(1024);
const FREE = at(500);
const page = virtualPage;
const PAGES = 2 ** 20;

/** Alice with an address space. */
const withSpace = ({ alice }: Stage): void => void must(alice.translationCreate(FRAME_BYTES));

/** Alice with one whose first page is bound for reading. */
function withPage(stage: Stage): void {
  withSpace(stage);
  must(stage.alice.tlbWrite(page(0), at(12), 1, RIGHTS.none, own));
}

const write = (
  gate: Gate,
  first: number,
  count = 1,
  rights: number = RIGHTS.write,
  slot: CapSlot = own,
): unknown => gate.tlbWrite(page(7), at(first), count, rights, slot);

const NOTHING = moduleOf((code) => code.i32(0), { pages: 0 });

/** A program of nothing in alice's frames, changed. */
const requestOf = (change: Partial<ProgramRequest> = {}): ProgramRequest => ({
  module: NOTHING,
  mode: "segment",
  imports: [],
  context: at(24),
  contextFrames: 1,
  segment: at(25),
  segmentFrames: 1,
  ...change,
});

const load = (change: Partial<ProgramRequest> = {}, slot: CapSlot = own) =>
  call(({ alice }) => alice.programLoad(requestOf(change), slot));

type ProgramScenarios = Pick<
  Scenarios,
  | "translationCreate"
  | "translationDestroy"
  | "tlbWrite"
  | "tlbProtect"
  | "tlbRemove"
  | "tlbMark"
  | "tlbClear"
  | "programLoad"
  | "programEnd"
>;

/** Of the calls on translation and on programs. */
export const programScenarios: ProgramScenarios = {
  translationCreate: {
    BadRange: call(({ alice }) => alice.translationCreate(8192)),
    Busy: having(withSpace, ({ alice }) => alice.translationCreate(FRAME_BYTES)),
    Full: having(
      ({ root, bob, rig }) =>
        [root, bob, rig.environment([1, 3])].forEach((gate, i) =>
          must(gate.translationCreate(i === 2 ? 65_536 : FRAME_BYTES)),
        ),
      ({ alice }) => alice.translationCreate(FRAME_BYTES),
    ),
  },
  translationDestroy: {
    BadTranslation: call(({ alice }) => alice.translationDestroy()),
    Busy: having(
      (s) => {
        withSpace(s);
        must(s.alice.programLoad(requestOf({ mode: "paged" }), own));
      },
      ({ alice }) => alice.translationDestroy(),
    ),
  },
  tlbWrite: {
    BadTranslation: call(({ alice }) => write(alice, 12)),
    BadRange: having(withSpace, ({ alice }) => write(alice, 12, 1, RIGHTS.all)),
    BadFrame: having(withSpace, ({ alice }) => write(alice, 0)),
    BadSlot: having(withSpace, ({ alice }) => write(alice, 12, 1, RIGHTS.write, EMPTY)),
    BadCapability: having(withSpace, ({ alice }) => write(alice, 40)),
  },
  tlbProtect: {
    BadTranslation: having(withPage, ({ alice }) => alice.tlbProtect(page(0), 1, RIGHTS.write)),
    BadRange: having(withPage, ({ alice }) => alice.tlbProtect(page(PAGES - 1), 2, RIGHTS.none)),
  },
  tlbMark: {
    BadTranslation: call(({ alice }) => alice.tlbMark(page(0), 1, 0)),
    BadRange: having(withPage, ({ alice }) => alice.tlbMark(page(0), 1, 8)),
  },
  tlbClear: {
    BadTranslation: call(({ alice }) => alice.tlbClear(page(0), 1, 0)),
    BadRange: having(withPage, ({ alice }) => alice.tlbClear(page(0), 1, 4)),
  },
  tlbRemove: {
    BadTranslation: call(({ alice }) => alice.tlbRemove(page(0), 1)),
    BadRange: having(withPage, ({ alice }) => alice.tlbRemove(page(0), 0)),
  },
  programLoad: {
    BadProgram: load({ module: new Uint8Array(8) }),
    BadTranslation: load({ mode: "paged" }),
    BadFrame: load({ context: OUTSIDE }),
    BadRange: load({ segmentFrames: 0 }),
    BadSlot: load({}, EMPTY),
    BadCapability: load({ segment: at(40) }),
    Full: having(
      ({ alice }) => useUp(() => alice.programLoad(requestOf(), own), PROGRAMS + 1),
      ({ alice }) => alice.programLoad(requestOf(), own),
    ),
  },
  programEnd: {
    NoProgram: having(
      ({ alice }) => must(alice.programLoad(requestOf(), own)),
      ({ bob }, { id }) => bob.programEnd(id),
    ),
  },
};

/** What is refused in more ways than one name tells. */
export const MORE_REFUSALS: Readonly<
  Record<string, readonly [refusal: string, act: (stage: Stage) => unknown]>
> = {
  "a page outside the address space": [
    "BadRange",
    ({ alice }) => alice.tlbWrite(page(PAGES), at(12), 1, RIGHTS.none, own),
  ],
  "pages that are none": ["BadRange", ({ alice }) => alice.tlbWrite(page(0.5), at(12), 1, RIGHTS.none, own)],
  "no pages": ["BadRange", ({ alice }) => write(alice, 12, 0)],
  "a frame in the arena": ["BadFrame", ({ alice }) => write(alice, 1024)],
  "a frame that is free": ["BadFrame", ({ alice }) => write(alice, FREE)],
  "frames of which the last is foreign": ["BadFrame", ({ alice }) => write(alice, 12, 20)],
  "frames that leave RAM": ["BadRange", ({ alice }) => write(alice, 12, 1013)],
  "the system frame for writing": ["BadCapability", ({ alice, root }) => write(alice, root.system.frame)],
  "a name for a frame": ["BadFrame", ({ alice }) => write(alice, "12" as never)],
};
