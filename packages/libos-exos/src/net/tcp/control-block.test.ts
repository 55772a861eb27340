/** Control blocks are used again: nothing of the connection before is left. */
import { expect, test } from "vitest";
import { FRESH, makeControlBlock, resetControlBlock } from "./control-block.ts";
import { TCP_LIMITS } from "./limits.ts";
import { NewReno } from "./new-reno.ts";

test("every field of a block that is used again is that of a new one, but that it is in the ready queue", () => {
  const memory = { bytes: 4096, take: () => undefined, give: () => {} };
  const block = makeControlBlock(3, {
    limits: TCP_LIMITS,
    memory: memory as never,
    bounds: { initial: 1, minimum: 1, maximum: 1 },
    makeCongestion: () => new NewReno({ initialSegments: 10, limitedTransmit: true }),
  });
  const fields = Object.keys(FRESH) as (keyof typeof FRESH)[];
  expect(fields.length).toBeGreaterThan(60);
  for (const field of fields) Object.assign(block, { [field]: "left over" });
  resetControlBlock(block);
  for (const field of fields)
    expect([field, block[field]]).toEqual([field, field === "isReady" ? "left over" : FRESH[field]]);
});
