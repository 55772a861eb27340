import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { REFERENCES, referencesOf } from "./page-references.ts";

/** Steps taken, and what was found. */
function read(html: string, path: string = "dir/page.html"): { names: readonly string[]; steps: number } {
  const task = referencesOf(html, path);
  for (let steps = 0; ; steps++) {
    const step = task.next();
    if (step.done === true) return { names: step.value, steps };
  }
}
const names = (html: string, path?: string): readonly string[] => read(html, path).names;

describe("what a page embeds", () => {
  test.each([
    ["<img src=a.png>", ["dir/a.png"]],
    ["<IMG SRC='/a.png'>", ["a.png"]],
    ['<img src="../b/a.png?x=1#y">', ["b/a.png"]],
    ["<script src=s.js></script><script>'<img src=no.png>'</script>", ["dir/s.js"]],
    ["<style><img src=no.png></style><textarea><img src=no.png></textarea>", []],
    ["<!-- <img src=no.png> --><img src=yes.png>", ["dir/yes.png"]],
    ['<link rel="stylesheet" href=a.css><link rel=next href=b.html><link href=c.css>', ["dir/a.css"]],
    ['<link rel="shortcut ICON" href="/favicon.ico">', ["favicon.ico"]],
    ['<link rel=preload as=image imagesrcset="a.png 1x, b.png 2x">', ["dir/a.png", "dir/b.png"]],
    [
      "<picture><source srcset='a.webp 1x,b.webp 2x'><img src=a.png></picture>",
      ["dir/a.webp", "dir/b.webp", "dir/a.png"],
    ],
    [
      '<img src=s.png srcset="  a.png, b,c.png 2x , d.png (x,y) 3x,">',
      ["dir/s.png", "dir/a.png", "dir/b,c.png", "dir/d.png"],
    ],
    [
      "<video poster=p.jpg src=v.mp4><track src=t.vtt></video><audio src=a.ogg>",
      ["dir/p.jpg", "dir/v.mp4", "dir/t.vtt", "dir/a.ogg"],
    ],
    [
      "<iframe src=sub/></iframe><embed src=e.svg><object data=o.svg>",
      ["dir/sub/index.html", "dir/e.svg", "dir/o.svg"],
    ],
    [
      "<input type=image src=i.png><body background=b.png><svg><image href=h.png /><use xlink:href=u.svg#x /></svg>",
      ["dir/i.png", "dir/b.png", "dir/h.png", "dir/u.svg"],
    ],
    ["<a href=a.html><img alt=x><form action=f>", []],
    ["<img src=a.png><img src=./a.png><img src=/dir/a.png>", ["dir/a.png"]],
    ["<img src=a.png src=b.png>", ["dir/a.png"]],
    [
      "<img src=a&amp;b.png><img src='c%20d.png'><img src=%C3%A4.png>",
      ["dir/a&b.png", "dir/c d.png", "dir/ä.png"],
    ],
    ["<img src=http://other.example/a.png><img src=//other.example/a.png><img src=data:image/png,x>", []],
    ["<img src=mailto:x><img src='http://['><img src=javascript:1>", []],
    ["<img src=../../../../a.png><img src=%2e%2e/b.png>", ["a.png", "b.png"]],
    ["<img src=a%2fb.png><img src=a%00.png>", []],
    ["<base href=/other/><img src=a.png><base href=/third/><img src=b.png>", ["other/a.png", "other/b.png"]],
    ["<base href=http://other.example/><img src=a.png>", []],
    ["<base href='http://['><img src=a.png>", ["dir/a.png"]],
    ["<img src=a.png", []],
    ['<img src="a.png>', []],
    ["", []],
  ])("%s", (html, expected) => {
    expect(names(html)).toEqual(expected);
  });

  test("names of pages that have to be escaped", () => {
    expect(names("<img src=a.png>", "x?y#z/%41 ä/page.html")).toEqual(["x?y#z/%41 ä/a.png"]);
  });
});

test("broken pages do no harm: whatever the text is, names of the site or nothing come out", () => {
  const part = fc.oneof(
    fc.constantFrom(
      "<",
      ">",
      "</",
      "/>",
      "<img ",
      "<base href=",
      "src=",
      "srcset='",
      '"',
      "'",
      "=",
      "&amp;",
      "&#x",
      "<!--",
      "-->",
      "<![CDATA[",
      "<script",
      "<svg",
      "../",
      "%",
      ",",
      "\0",
      "\ud800",
    ),
    fc.string({ unit: "binary", maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
      for (const name of names(parts.join("")))
        expect(name.split("/").filter((segment) => segment === "." || segment === "..")).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("a page is read some tags a step, and no more references than the limit", () => {
  const many = Array.from({ length: 3 * REFERENCES }, (_, i) => `<img src=${i}.png>`).join("");
  const { names: found, steps } = read(many);
  expect(found.length).toBe(REFERENCES);
  expect(steps).toBeGreaterThanOrEqual(1);
  expect(read("<b>".repeat(10_000)).steps).toBeGreaterThan(50);
  const set = Array.from({ length: 3 * REFERENCES }, (_, i) => `${i}.png ${i + 1}x`).join();
  expect(names(`<img srcset="${set}">`).length).toBe(REFERENCES);
});

test("tags that nobody closes and closing tags of nothing take time in proportion", () => {
  const page = (count: number): string => "<div>".repeat(count) + "</b>".repeat(count);
  const time = (html: string): number => {
    const began = performance.now();
    read(html);
    return performance.now() - began;
  };
  time(page(1000));
  const small = Math.min(...Array.from({ length: 5 }, () => time(page(3000))));
  const large = Math.min(...Array.from({ length: 3 }, () => time(page(48_000))));
  // Sixteen times the page; a stack that is searched would take 256 times as long.
  expect(large / small).toBeLessThan(100);
});
