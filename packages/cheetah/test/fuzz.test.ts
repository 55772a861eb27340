/** Requests that no honest client sends: none may crash the server or reach a byte outside the site. */
import fc from "fast-check";
import { block } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { METHODS, VERSIONS } from "./hostile/malformed.ts";
import { makeMemorySource, patternBytes } from "./memory-source.ts";
import { Peer } from "./peer.ts";
import { makeServerRig, parseResponse } from "./server-rig.ts";

const REQUESTS = 100_000;
const SECRET = "SECRET-OUTSIDE-THE-SITE";
const BLOCKS = 512;
const FILES = {
  "index.html": "front",
  "a/b.txt": "inside",
  "a/index.html": "a",
  "big.bin": patternBytes(9000, 3),
};

/** Ways out of a directory that have worked somewhere. */
const TRAVERSALS = [
  "/../../../../etc/passwd",
  "/..%2f..%2f..%2fetc/passwd",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/%252e%252e%252fetc/passwd",
  "/%%32%65%%32%65/etc/passwd",
  "/..%c0%af..%c0%afetc/passwd",
  "/%c0%ae%c0%ae/etc/passwd",
  "/..%5c..%5cwindows/win.ini",
  "/..\\..\\windows\\win.ini",
  "/a/..;/..;/etc/passwd",
  "/....//....//etc/passwd",
  "//etc/passwd",
  "///etc//passwd",
  "/a/%00/../../etc/passwd",
  "/a/b.txt%00.html",
  "/a/b.txt/../../../x",
  "/.",
  "/..",
  "/a/..",
  "/a/../..",
  "/./././../a/b.txt",
  "http://x/../../etc/passwd",
  "http://x@y/etc/passwd",
  "file:///etc/passwd",
  "/C:/windows/win.ini",
  "/C:\\windows\\win.ini",
  "/a/b.txt?../../etc/passwd",
  "/a/b.txt#/../../etc",
  "/%uff0e%uff0e/etc/passwd",
  "/\u002e\u002e/etc/passwd",
  "/%2e%2e%5cetc",
  "/~root/.ssh/id_rsa",
  "/proc/self/environ",
];

const octets = (length: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength: length }).map((bytes) => String.fromCharCode(...bytes));
const pieces = fc.constantFrom(
  "..",
  ".",
  "%2e",
  "%2E%2e",
  "%2f",
  "/",
  "//",
  "\\",
  "%5c",
  "%00",
  "%25",
  "a",
  "b.txt",
  "%",
  "?",
  "#",
  ";",
  "~",
  " ",
);
const target = fc.oneof(
  fc.constantFrom(...TRAVERSALS),
  fc.array(pieces, { maxLength: 12 }).map((parts) => `/${parts.join("")}`),
  fc.webPath(),
  octets(40),
  fc.constantFrom("/", "/a/b.txt", "/big.bin", "/a", "*"),
);
const method = fc.constantFrom(...METHODS);
const version = fc.constantFrom(...VERSIONS);
const field = fc.oneof(
  fc.constantFrom(
    "Host: x",
    "Host:",
    "Connection: close",
    "Connection: keep-alive",
    "Content-Length: 3",
    "Content-Length: -1",
  ),
  fc.constantFrom(
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    " folded",
    "If-None-Match: *",
    'If-Match: "x',
  ),
  fc.constantFrom(
    "Range: bytes=0-1",
    "Range: bytes=-1,0-0",
    "Range: bytes=999999999999999-",
    "Range: bytes=1-0,",
    "If-Range: x",
  ),
  fc.tuple(octets(12), octets(12)).map(([name, value]) => `${name}:${value}`),
  octets(30),
);
const end = fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", "\r");
const request = fc
  .tuple(method, target, version, fc.array(field, { maxLength: 5 }), end)
  .map(([verb, name, edition, fields, line]) =>
    [`${verb} ${name} ${edition}`, "Host: x", ...fields, "", ""].join(line),
  );
const mutated = fc
  .tuple(request, fc.nat(200), fc.integer({ min: 0, max: 255 }))
  .map(([text, at, octet]) =>
    at < text.length ? text.slice(0, at) + String.fromCharCode(octet) + text.slice(at + 1) : text,
  );
const cuts = fc.array(fc.nat(120), { maxLength: 3 });

test("[W8] path traversal and 100,000 malformed requests: no crash, and never a byte outside", () => {
  const rig = makeServerRig({
    blocks: BLOCKS,
    frames: 2048,
    source: makeMemorySource(FILES),
    cheetah: { cacheFrames: 512 },
  });
  for (let number = 0; number < BLOCKS; number++)
    if (rig.machine.disks[0]!.peek(block(number)).every((octet) => octet === 0))
      rig.machine.disks[0]!.poke(block(number), Buffer.from(SECRET));
  for (const name of ["/", "/a/b.txt", "/a/", "/big.bin"])
    rig.exchange(`GET ${name} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const free = rig.cheetah.counters.slotsFree();
  const bodies = Object.values(FILES).map((contents) => Buffer.from(contents));
  const statuses = new Set<number>();
  const send = (text: string, at: readonly number[]): void => {
    const peer = new Peer(rig.cheetah.handler);
    let from = 0;
    for (const cut of [...at.toSorted((a, b) => a - b), text.length]) {
      peer.write(text.slice(from, Math.max(from, cut)));
      from = Math.max(from, cut);
    }
    while (peer.receive() > 0);
    check(Buffer.from(peer.take()), bodies, statuses);
    peer.end();
    while (peer.receive() > 0);
    if (peer.closedBecause === undefined) peer.vanish();
  };
  for (const path of TRAVERSALS) send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, []);
  fc.assert(fc.property(fc.oneof(request, mutated), cuts, send), {
    numRuns: REQUESTS,
    seed: 1,
    endOnFailure: true,
  });
  expect([...statuses].toSorted((a, b) => a - b)).toEqual([
    200, 206, 301, 304, 400, 404, 405, 412, 416, 417, 501, 505,
  ]);
  expect([rig.cheetah.counters.open(), rig.cheetah.counters.slotsFree()]).toEqual([0, free]);
  expect(rig.cheetah.counters.chunksIdle()).toBe(rig.cheetah.counters.chunks());
  expect(rig.faults).toEqual([]);
});

/** Every whole response is one of ours, and none has what is not of the site. */
function check(bytes: Buffer, bodies: readonly Buffer[], statuses: Set<number>): void {
  if (bytes.includes(SECRET) || bytes.includes("root:")) throw new Error("bytes from outside");
  if (bytes.length === 0) return;
  const response = parseResponse(bytes, true);
  if (Number.isNaN(response.status)) throw new Error("not a response");
  statuses.add(response.status);
  if (response.rest.subarray(0, 9).toString() === "HTTP/1.1 ") return check(response.rest, bodies, statuses);
  if (response.status !== 200 || response.rest.length === 0) return;
  if (!bodies.some((body) => response.rest.subarray(0, body.length).equals(body)))
    throw new Error("not a file of the site");
}
