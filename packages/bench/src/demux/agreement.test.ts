import { expect, test } from "vitest";
import { demandAgreement } from "./agreement.ts";

const answers = (name: string, ...tags: number[]) => ({ name, tags: Int32Array.from(tags) });

test("matchers that answer alike are let pass", () => {
  expect(() => demandAgreement(2, [answers("a", 0, -1, 1), answers("b", 0, -1, 1)])).not.toThrow();
});

test("who answers otherwise is named, with the frame", () => {
  expect(() => demandAgreement(2, [answers("a", 0, -1, 1), answers("b", 0, -1, 0)])).toThrow(
    "of 2 filters b chooses 0 for frame 2, a 1",
  );
  expect(() => demandAgreement(2, [answers("a", 0, 1), answers("b", 0)])).toThrow("b has 1 answers");
  expect(() => demandAgreement(2, [])).toThrow("no answers");
});
