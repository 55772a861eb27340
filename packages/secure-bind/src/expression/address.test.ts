import { isIPv4, isIPv6 } from "node:net";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hardwareOctetsOf, numberOf, parseIpv4, parseIpv6, prefixMask, rangeMasks } from "./address.ts";

/** The form of an address that a URL has it in: RFC 5952. */
const inUrl = (address: string): string => new URL(`http://[${address}]/`).hostname.slice(1, -1);
const throws = (parse: (text: string) => unknown, text: string): boolean => {
  try {
    parse(text);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return true;
  }
};

describe("parseIpv4", () => {
  test("reads four octets", () => {
    expect(parseIpv4("10.0.0.2")).toBe(0x0a00_0002);
    expect(parseIpv4("255.255.255.255")).toBe(0xffff_ffff);
    expect(parseIpv4("0.0.0.0")).toBe(0);
  });

  test.each([
    "",
    "10",
    "10.0.0",
    "10.0.0.0.1",
    "10.0.0.256",
    "10.0.0.01",
    "010.0.0.1",
    "10.0.0.1 ",
    "::1",
    "a.b.c.d",
    "1..2.3",
  ])("refuses %j", (text) => expect(() => parseIpv4(text)).toThrow(RangeError));
});

describe("parseIpv6", () => {
  test.each([
    ["::", [0, 0, 0, 0]],
    ["::1", [0, 0, 0, 1]],
    ["1::", [0x0001_0000, 0, 0, 0]],
    ["2001:db8::8:800:200C:417A", [0x2001_0db8, 0, 0x0008_0800, 0x200c_417a]],
    ["2001:0DB8:0:0:8:800:200c:417a", [0x2001_0db8, 0, 0x0008_0800, 0x200c_417a]],
    ["ff01::101", [0xff01_0000, 0, 0, 0x101]],
    ["::13.1.68.3", [0, 0, 0, 0x0d01_4403]],
    ["::ffff:129.144.52.38", [0, 0, 0xffff, 0x8190_3426]],
    ["1:2:3:4:5:6:255.255.255.255", [0x1_0002, 0x3_0004, 0x5_0006, 0xffff_ffff]],
    ["1:2:3:4:5:6:7::", [0x1_0002, 0x3_0004, 0x5_0006, 0x7_0000]],
    ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff]],
  ] as const)("reads %s", (text, words) => expect(parseIpv6(text)).toEqual(words));

  test.each([
    "",
    ":",
    ":::",
    "1",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    ":1::2",
    "1::2:",
    "12345::",
    "g::",
    "1.2.3.4",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "1:1.2.3.4::",
    "::1.2.3",
    "::1.2.3.256",
    "::01.2.3.4",
    "fe80::1%eth0",
    "::1/128",
    " ::1",
    "::1 ",
    "[::1]",
    "-1::",
    "1:2:3:4:5:6:7:1.2.3.4",
    "0x1::",
  ])("refuses %j", (text) => expect(() => parseIpv6(text)).toThrow(RangeError));

  test("reads every way that an address can be written alike", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const words = parseIpv6(text);
        expect(parseIpv6(inUrl(text))).toEqual(words);
        const groups = words.flatMap((word) =>
          [word >>> 16, word & 0xffff].map((group) => group.toString(16)),
        );
        expect(inUrl(groups.join(":"))).toBe(inUrl(text));
      }),
      { numRuns: 2000 },
    );
  });

  test("takes just what Node takes, zones apart", () => {
    const texts = fc.string({
      unit: fc.constantFrom("0", "1", "f", "12", ":", ":", "::", ".", "1.2.3.4"),
      maxLength: 17,
    });
    let taken = 0;
    fc.assert(
      fc.property(texts, (text) => {
        expect([text, throws(parseIpv6, text)]).toEqual([text, !isIPv6(text)]);
        expect([text, throws(parseIpv4, text)]).toEqual([text, !isIPv4(text)]);
        taken += Number(isIPv6(text));
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(50);
  });
});

describe("the words of expressions", () => {
  test("numbers are decimal or hexadecimal, and bounded", () => {
    expect(
      ["80", "0x50", "65536", "-1", "1.5", "", "0x", "8 0"].map((text) => numberOf(text, 65535)),
    ).toEqual([80, 80, -1, -1, -1, -1, -1, -1]);
  });

  test("Ethernet addresses have six octets", () => {
    expect(hardwareOctetsOf("2:0:0:0:0:1")).toEqual([2, 0, 0, 0, 0, 1]);
    expect(hardwareOctetsOf("02-00-5e-00-00-ff")).toEqual([2, 0, 0x5e, 0, 0, 255]);
    for (const text of ["2:0:0:0:0", "2:0:0:0:0:1:2", "2:0:0:0:0:100", "2:0:0:0:0:g", ""])
      expect(hardwareOctetsOf(text)).toBeUndefined();
  });

  test("a mask has as many bits as asked, of 32", () => {
    expect([-5, 0, 1, 8, 31, 32, 40].map(prefixMask)).toEqual([
      0, 0, 0x8000_0000, 0xff00_0000, 0xffff_fffe, 0xffff_ffff, 0xffff_ffff,
    ]);
  });

  test("masks of a range are just the range, and at most 30", () => {
    const port = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(port, port, port, (a, b, some) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const masks = rangeMasks(low, high);
        expect(masks.length).toBeLessThanOrEqual(30);
        for (const probe of [some, low, high, low - 1, high + 1].filter(
          (value) => value >= 0 && value <= 0xffff,
        ))
          expect(masks.filter(({ value, mask }) => (probe & mask) === value)).toHaveLength(
            Number(probe >= low && probe <= high),
          );
      }),
    );
  });
});
