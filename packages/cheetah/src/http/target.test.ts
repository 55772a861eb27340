import fc from "fast-check";
import { expect, test } from "vitest";
import { isSitePath } from "../disk/site-file.ts";
import { escapePath, resolveTarget } from "./target.ts";

const pathOf = (target: string): string => {
  const resolved = resolveTarget(target);
  return typeof resolved === "string" ? `! ${resolved}` : resolved.path;
};

test.each([
  ["/", ""],
  ["/a", "a"],
  ["/a/", "a/"],
  ["/a?b/c", "a"],
  ["/a/../b", "b"],
  ["/a/b/..", "a/"],
  ["/a/.", "a/"],
  ["/..", ""],
  ["/../../a", "a"],
  ["/%2e%2E/a", "a"],
  ["/%252e", "%2e"],
  ["/%c3%a9", "é"],
  ["http://h/a", "a"],
  ["HTTPS://h:1?x", ""],
  ["/a%2fb", "! NoSuchName"],
  ["/a%2fb%", "! Malformed"],
  ["/%2f%00", "! Malformed"],
  ["/%", "! Malformed"],
  ["/%G0", "! Malformed"],
  ["/%00", "! Malformed"],
  ["/\\", "! Malformed"],
  ["/%5C", "! Malformed"],
  ["/%80", "! Malformed"],
  ["/#", "! Malformed"],
  ["*", "! Malformed"],
  ["host:80", "! Malformed"],
  ["http://u@h/", "! Malformed"],
])("%s means %j", (target, path) => {
  expect(pathOf(target)).toBe(path);
});

test("a name of the site is found again through its escaped form, and only there", () => {
  const segment = fc
    .string({ unit: "grapheme", minLength: 1 })
    .filter((text) => isSitePath(text) && !text.includes("/"));
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
      const path = segments.join("/");
      expect(pathOf(`/${escapePath(path)}`)).toBe(path);
    }),
  );
});

test("whatever is asked, no dot segment is left and nothing is above the root", () => {
  const part = fc.constantFrom("..", ".", "%2e", "%2e.", "a", "/", "//", "%25", "?", "b");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
      const resolved = resolveTarget(`/${parts.join("")}`);
      if (typeof resolved === "string") return;
      expect(resolved.path.split("/").some((segment) => segment === ".." || segment === ".")).toBe(false);
    }),
  );
});
