import { expect, test } from "vitest";
import {
  DESTINATION,
  PIPE_LENGTHS,
  STAGES,
  makeFused,
  makePipeMemory,
  makeSeparate,
  measurePipes,
} from "./pipes.ts";

test("fused and separate passes leave the same bytes and the same sum, at every length that is measured", () => {
  const memory = makePipeMemory();
  const fused = makeFused(STAGES, memory.wasm);
  const separate = makeSeparate(STAGES, memory.wasm);
  for (const bytes of PIPE_LENGTHS) {
    const sums: number[] = [];
    const results = [fused, separate].map((move) => {
      memory.bytes.fill(0, DESTINATION, DESTINATION + bytes + 64);
      sums.push(move(bytes));
      return memory.bytes.slice(DESTINATION, DESTINATION + bytes + 64);
    });
    expect(results[0]).toEqual(results[1]);
    expect(sums).toEqual([memory.checksum(0, bytes), memory.checksum(0, bytes)]);
    expect(results[0]?.[0]).toBe(memory.bytes[3]);
  }
});

test("there is a row for every length", async () => {
  const rows = await measurePipes({ counted: 1, warmUp: 0 }, () => {}, [64, 128]);
  expect(rows.map(({ bytes }) => bytes)).toEqual([64, 128]);
  for (const { fusedNs, separateNs, ratio } of rows) {
    expect(fusedNs).toBeGreaterThan(0);
    expect(ratio).toBe(fusedNs / separateNs);
  }
});
