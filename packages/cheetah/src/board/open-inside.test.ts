import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OPENING_HOST, SourceError, openInside, placeOfName, versionOf } from "./open-inside.ts";

let outer: string;
let site: string;

beforeEach(() => {
  outer = realpathSync(mkdtempSync(join(tmpdir(), "cheetah-open-")));
  site = join(outer, "site");
  mkdirSync(join(site, "in"), { recursive: true });
  mkdirSync(join(outer, "secret"));
  writeFileSync(join(site, "in", "f"), "public");
  writeFileSync(join(outer, "secret", "f"), "secret");
});

afterEach(() => rmSync(outer, { recursive: true, force: true }));

const places = { "the descriptor's place": OPENING_HOST.placeOf, "the name's place": placeOfName };

test.each(Object.entries(places))(
  "a directory that becomes a link outwards between the check and the opening: refused by %s",
  (_, placeOf) => {
    const open = (real: string): number => {
      renameSync(join(site, "in"), join(site, "was"));
      symlinkSync(join(outer, "secret"), join(site, "in"));
      return OPENING_HOST.open(real);
    };
    expect(() => openInside(site, "in/f", { open, placeOf })).toThrow(SourceError);
  },
);

test.each(Object.entries(places))("a file inside is opened: %s", (_, placeOf) => {
  closeSync(openInside(site, "in/f", { open: OPENING_HOST.open, placeOf }));
});

test("a name that leads elsewhere after the opening is refused by the name's place", () => {
  const open = (real: string): number => {
    const descriptor = OPENING_HOST.open(real);
    rmSync(real);
    writeFileSync(real, "another");
    return descriptor;
  };
  expect(() => openInside(site, "in/f", { open, placeOf: placeOfName })).toThrow("moved while");
});

test("a version stays for a file left alone, and is another one while its time is fresh", () => {
  const status = statSync(join(site, "in", "f"), { bigint: true });
  const later = Number(status.ctimeMs) + 1000;
  expect(versionOf(status, later)).toBe(versionOf(status, later + 1000));
  expect(versionOf(status, Number(status.ctimeMs) + 1)).not.toBe(versionOf(status, later));
  expect(Number.isSafeInteger(versionOf(status, later))).toBe(true);
});
