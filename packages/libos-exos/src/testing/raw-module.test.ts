import { expect, test } from "vitest";
import { HANDLER_CODE } from "../handlers/handler-code.ts";
import { exposeMemory } from "./raw-module.ts";

test("the code stays, the memory has a second page and a name", () => {
  for (const { module } of Object.values(HANDLER_CODE)) {
    const made = exposeMemory(module);
    const compiled = new WebAssembly.Module(made);
    expect(WebAssembly.Module.exports(compiled).map(({ name }) => name)).toEqual(["handle", "memory"]);
    const imports = WebAssembly.Module.imports(compiled);
    const handler = Object.fromEntries(imports.map(({ name }) => [name, () => 0]));
    const { memory } = new WebAssembly.Instance(compiled, { handler }).exports as {
      memory: { buffer: ArrayBuffer };
    };
    expect(memory.buffer.byteLength).toBe(2 * 65_536);
    const code = (bytes: Uint8Array): number =>
      Buffer.from(bytes).lastIndexOf(Buffer.from(module.slice(-64)));
    expect(code(made)).toBeGreaterThan(0);
  }
});

test("a module of another kind is told so", () => {
  const twoPages = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 2];
  expect(() => exposeMemory(new Uint8Array(twoPages))).toThrow("one page");
});
