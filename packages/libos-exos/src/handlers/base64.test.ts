import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOfBase64 } from "./base64.ts";

test("text that Node makes is read back, with padding or without", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = Buffer.from(bytes).toString("base64");
      expect(bytesOfBase64(text)).toEqual(bytes);
      expect(bytesOfBase64(text.replaceAll("=", ""))).toEqual(bytes);
    }),
  );
});

test("anything else is refused", () => {
  for (const text of ["A-BC", "ab c", "ä"]) expect(() => bytesOfBase64(text)).toThrow(RangeError);
});
