import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Rights, RIGHTS, makeCapability } from "./capability.ts";
import { dominates, includesRights, reaches } from "./dominance.ts";
import { parseName, printName } from "./name.ts";
import { arbitraryCapability } from "../testing/arbitrary.ts";

const cap = (name: string, rights: Rights = RIGHTS.all) => makeCapability(parseName(name), rights);
const rightsSets = Array.from({ length: RIGHTS.all + 1 }, (_, rights) => rights);

test("[K5] dominance is reflexive, transitive; 1.115 ⊒ 1.115.5; 1.115 ⋣ 1.116; perms superset needed", () => {
  let chains = 0;
  fc.assert(
    fc.property(arbitraryCapability(), arbitraryCapability(), arbitraryCapability(), (a, b, c) => {
      expect(dominates(a, a)).toBe(true);
      if (dominates(a, b) && dominates(b, c)) {
        chains++;
        expect(dominates(a, c)).toBe(true);
      }
    }),
    { numRuns: 5000 },
  );
  expect(chains).toBeGreaterThan(0);
  expect(dominates(cap("1.115"), cap("1.115.5"))).toBe(true);
  expect(dominates(cap("1.115"), cap("1.116"))).toBe(false);
  for (const a of rightsSets) {
    for (const b of rightsSets) {
      expect(dominates(cap("1.115", a), cap("1.115.5", b))).toBe((a | b) === a);
    }
  }
});

describe("dominates", () => {
  test("says what its definition says", () => {
    fc.assert(
      fc.property(arbitraryCapability(), arbitraryCapability(), (a, b) => {
        const above = `${printName(b.name)}.`.startsWith(a.name.length === 0 ? "" : `${printName(a.name)}.`);
        expect(dominates(a, b)).toBe(
          above &&
            rightsSets.every((r) => (b.rights & r) === 0 || (b.rights & r & a.rights) === (b.rights & r)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("holds both ways only between equals", () => {
    fc.assert(
      fc.property(arbitraryCapability(), arbitraryCapability(), (a, b) => {
        if (dominates(a, b) && dominates(b, a)) expect(a).toEqual(b);
      }),
    );
  });

  test("never lets the longer name stand for the shorter", () => {
    expect(dominates(cap("1.115.5"), cap("1.115"))).toBe(false);
    expect(dominates(cap("1"), cap(""))).toBe(false);
  });

  test("lets the root with all rights stand for everything", () => {
    fc.assert(
      fc.property(arbitraryCapability(), (any) => {
        expect(dominates(cap(""), any)).toBe(true);
      }),
    );
  });
});

describe("reaches", () => {
  test("needs the rights on both sides and the name above the guard's", () => {
    const guard = cap("1.115.5", RIGHTS.write);
    expect(reaches(cap("1.115"), guard, RIGHTS.write)).toBe(true);
    expect(reaches(cap("1.115"), guard, RIGHTS.none)).toBe(true);
    expect(reaches(cap("1.115"), guard, RIGHTS.duplicate)).toBe(false);
    expect(reaches(cap("1.115", RIGHTS.none), guard, RIGHTS.write)).toBe(false);
    expect(reaches(cap("1.116"), guard, RIGHTS.none)).toBe(false);
    expect(reaches(cap("1.115.5.1"), guard, RIGHTS.none)).toBe(false);
  });

  test("grants to who dominates all that the holder may do", () => {
    fc.assert(
      fc.property(
        arbitraryCapability(),
        arbitraryCapability(),
        arbitraryCapability(),
        (above, below, guard) => {
          for (const rights of rightsSets) {
            if (dominates(above, below) && reaches(below, guard, rights))
              expect(reaches(above, guard, rights)).toBe(true);
          }
        },
      ),
    );
  });
});

test("includesRights is the subset relation", () => {
  expect(includesRights(RIGHTS.all, RIGHTS.write | RIGHTS.duplicate)).toBe(true);
  expect(includesRights(RIGHTS.write, RIGHTS.none)).toBe(true);
  expect(includesRights(RIGHTS.write, RIGHTS.allocate)).toBe(false);
});
