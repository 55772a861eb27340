import { afterEach, expect, test, vi } from "vitest";
import { foldSum, sumBytes } from "../offload/internet-sum.ts";
import { makePhysicalGather } from "../nic.ts";
import { makePhysicalMemory } from "../simulated/memory.ts";
import { makeMemoryUnits } from "./memory-units.ts";

const FRAME = 100;
const FROM = 4001,
  TO = 10;

afterEach(() => vi.restoreAllMocks());

test.each(["without", "with"])(
  "any array is summed and copied, %s modules of two memories, which old engines do not know",
  (which) => {
    const validate = vi.spyOn(WebAssembly, "validate");
    if (which === "without") validate.mockReturnValue(false);
    const own = makePhysicalMemory(1);
    const compile = vi.spyOn(WebAssembly, "Module");
    const units = makeMemoryUnits(own);
    const list = makePhysicalGather(2);
    list.addresses.set([FROM, FROM + 30]);
    list.lengths.set([30, FRAME - 30]);
    list.count = 2;
    for (const memory of [makePhysicalMemory(2).bytes, new Uint8Array(8192), makePhysicalMemory(2).bytes]) {
      memory.forEach((_, i) => (memory[i] = i * 7 + 3));
      own.bytes.fill(0);
      expect(units.gather(memory, list, TO)).toBe(FRAME);
      expect(own.bytes.subarray(TO, TO + FRAME)).toEqual(memory.subarray(FROM, FROM + FRAME));
      expect([own.bytes[TO - 1], own.bytes[TO + FRAME]]).toEqual([0, 0]);
      expect(units.sum(memory, FROM, FRAME)).toBe(foldSum(sumBytes(memory, FROM, FRAME)));
    }
    units.clear();
    expect(compile).toHaveBeenCalledTimes(which === "without" ? 0 : 1);
  },
);
