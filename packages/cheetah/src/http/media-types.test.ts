import { expect, test } from "vitest";
import { mediaTypeOf } from "./media-types.ts";

test.each([
  ["index.html", "text/html; charset=utf-8"],
  ["a/b.CSS", "text/css; charset=utf-8"],
  ["script.js", "text/javascript; charset=utf-8"],
  ["module.mjs", "text/javascript; charset=utf-8"],
  ["picture.svg", "image/svg+xml; charset=utf-8"],
  ["feed.json", "application/json; charset=utf-8"],
  ["program.wasm", "application/wasm"],
  ["font.woff2", "font/woff2"],
  ["LICENSE", "application/octet-stream"],
  ["a.html/plain", "application/octet-stream"],
  [".html", "application/octet-stream"],
  ["odd.zzz", "application/octet-stream"],
])("%s is %s", (name, type) => {
  expect(mediaTypeOf(name)).toBe(type);
});
