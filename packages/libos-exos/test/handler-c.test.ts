/** A handler in C: the same frames, the same answers. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HANDLER_CODE } from "../src/index.ts";
import { confine } from "./confined-handler.ts";
import { udpFrame, word } from "./handler-frames.ts";
import { makeRawHandler } from "./raw-handler.ts";

/** As the README has it. */
const FLAGS =
  "--target=wasm32 -O2 -nostdlib -fno-builtin -Wl,--no-entry -Wl,--strip-all " +
  "-Wl,--initial-memory=65536 -Wl,-z,stack-size=4096";

/** The module, or why there is none. */
function compile(): Uint8Array | string {
  const directory = mkdtempSync(join(tmpdir(), "exolith-handler-"));
  const source = join(import.meta.dirname, "c", "remote-increment.c");
  const out = join(directory, "out.wasm");
  try {
    execFileSync("clang", [...FLAGS.split(" "), "-o", out, source], { stdio: ["ignore", "ignore", "pipe"] });
    return readFileSync(out);
  } catch (error) {
    return String(error).split("\n")[0] ?? "";
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const module = compile();
if (typeof module === "string")
  console.log(`skipped: no compiler from C to WebAssembly that works: ${module}`);

test("the README says how it is compiled", () => {
  const readme = readFileSync(join(import.meta.dirname, "..", "assembly", "README.md"), "utf8");
  expect(readme.replace(/ \\\n */g, " ")).toContain(`clang ${FLAGS}`);
});

test.skipIf(typeof module === "string")(
  "the remote increment in C answers as that in AssemblyScript does",
  () => {
    const { fuel, pages } = HANDLER_CODE.remoteIncrement;
    const request = fc
      .tuple(
        fc.nat(0xffff_ffff),
        fc.nat(),
        fc.uint8Array({ maxLength: 60 }),
        fc.boolean(),
        fc.integer({ min: 1022, max: 1030 }),
      )
      .map(([tag, amount, rest, withSum, port]) =>
        udpFrame([...word(tag), ...word(amount), ...rest], withSum, [port, 1025]),
      );
    const damaged = fc
      .tuple(request, fc.nat(60), fc.nat(7), fc.nat(100))
      .map(([frame, at, bit, end]) =>
        frame.with(at % frame.length, (frame[at % frame.length] ?? 0) ^ (1 << bit)).subarray(0, end + 1),
      );
    fc.assert(
      fc.property(fc.array(fc.oneof(request, damaged), { minLength: 1, maxLength: 10 }), (frames) => {
        const ours = confine({ module: module as Uint8Array, fuel, pages });
        const theirs = makeRawHandler(HANDLER_CODE.remoteIncrement.module);
        for (const frame of frames) {
          const { result, sent, woke } = theirs.run(frame);
          expect(ours.run(frame)).toEqual({ result, sent, woke });
        }
      }),
      { numRuns: 60 },
    );
  },
);
