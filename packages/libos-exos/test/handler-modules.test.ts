/** The generated modules are those of their sources, and ask for nothing but what handlers may. */
import {
  HANDLER_FUNCTIONS,
  HANDLER_MODULE_BYTES,
  isHandlerRefusal,
  verifyHandler,
} from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import { HANDLER_CODE, type HandlerName } from "../src/index.ts";
import { MODULES } from "../src/handlers/modules.ts";
import { assemble, handlerNames, propertyOf } from "./assemble-handlers.ts";

test("every source is a handler of the package", () => {
  expect(Object.keys(MODULES)).toEqual(handlerNames().map(propertyOf));
});

test.each(handlerNames())(
  "%s is what the compiler makes of its source: after a change, run `pnpm handlers`",
  async (name) => {
    const module = Buffer.from(await assemble(name)).toString("base64");
    expect(module === (MODULES as Readonly<Record<string, string>>)[propertyOf(name)], name).toBe(true);
  },
);

describe.each(Object.keys(HANDLER_CODE) as HandlerName[])("%s", (name) => {
  const { module, pages, fuel, pipes } = HANDLER_CODE[name];

  test("imports what handlers may, exports its entry, and is small", () => {
    const compiled = new WebAssembly.Module(new Uint8Array(module));
    const allowed = HANDLER_FUNCTIONS.map((each) => `${each.module}.${each.name}`);
    for (const each of WebAssembly.Module.imports(compiled))
      expect(allowed).toContain(`${each.module}.${each.name}`);
    expect(WebAssembly.Module.exports(compiled)).toEqual([{ name: "handle", kind: "function" }]);
    expect(module.length).toBeLessThan(HANDLER_MODULE_BYTES / 8);
  });

  test("passes the verifier, and declares the memory that is claimed for it", () => {
    const checked = verifyHandler({ module, fuel, pipes });
    if (isHandlerRefusal(checked)) throw new Error(checked.rule);
    expect(checked.rewritten.memoryBytes).toBe(pages * 65_536);
  });
});
