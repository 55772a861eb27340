import { ERRORS, ERROR_CODES, failed } from "@exolith/exokernel/abi";
import { describe, expect, test } from "vitest";
import { ERRNO, ERRNO_OF, errnoOf, refuse, refuseAs } from "./errno.ts";

describe("errno", () => {
  test("numbers are those of preview 1: 77 of them, without a gap, in alphabetical order but for the last", () => {
    const names = Object.keys(ERRNO);
    expect(Object.values(ERRNO)).toEqual(names.map((_, index) => index));
    expect(names).toHaveLength(77);
    const alphabetical = names.slice(1, -1);
    expect(alphabetical).toEqual(alphabetical.toSorted());
  });

  test("every refusal of the kernel has a number that is not success", () => {
    expect(Object.keys(ERRNO_OF).toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
    for (const error of Object.values(ERRORS)) {
      expect(failed(error)).toBe(true);
      expect(errnoOf(refuseAs(error))).toBe(ERRNO[ERRNO_OF[error.name]]);
      expect(errnoOf(refuseAs(error))).toBeGreaterThan(0);
    }
  });

  test("an outcome is a value or a negative error number", () => {
    expect(errnoOf(0)).toBe(ERRNO.success);
    expect(errnoOf(4096)).toBe(ERRNO.success);
    expect(refuse("badf")).toBe(-8);
    expect(errnoOf(refuse("notcapable"))).toBe(76);
  });
});
