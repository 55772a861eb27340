/** A site whose every page is found by following links, for clients that do. */
import { crc32, deflateSync } from "node:zlib";
import { noise } from "./scratch.ts";

/** Directories, pages and images of it. */
const DIRECTORIES = 12;
const PAGES = 240;
const IMAGES = 60;

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A chunk of a PNG (RFC 2083, section 3.2). */
function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  return Buffer.concat([word(data.length), body, word(crc32(body))]);
}

const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10);
/** Grey pixels of 8 bits in one row after the other. */
const GREY = Uint8Array.of(8, 0, 0, 0, 0);
const WIDTH = 64;

/** A picture of noise, so many rows high. */
function picture(rows: number, seed: number): Buffer {
  const pixels = noise(rows * (1 + WIDTH), seed);
  for (let row = 0; row < rows; row++) pixels[row * (1 + WIDTH)] = 0;
  return Buffer.concat([
    PNG_SIGNATURE,
    chunk("IHDR", Buffer.concat([word(WIDTH), word(rows), GREY])),
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

const directoryOf = (index: number): string => {
  const depth = index % 3;
  const name = `part-${index % DIRECTORIES}`;
  return ["", "one/", "one/two and a half/"][depth] + name;
};

const pageAt = (index: number): string => `${directoryOf(index)}/page-${index}.html`;
const imageAt = (index: number): string => `${directoryOf(index * 7)}/images/picture-${index}.png`;

/** From one path of the site to another; from the site's root for every third. */
function reference(from: string, to: string, index: number): string {
  const words = to.split("/").map(encodeURIComponent).join("/");
  if (index % 3 === 0) return `/${words}`;
  return "../".repeat(from.split("/").length - 1) + words;
}

const link = (from: string, to: number): string =>
  to < PAGES ? `<a href="${reference(from, pageAt(to), to)}">page ${to}</a>` : "";

/** Links to the two pages below this one in a tree, back to the page above, and its images. */
function pageText(index: number): string {
  const own = pageAt(index);
  const above = Math.floor((index - 1) / 2);
  const links = [2 * index + 1, 2 * index + 2, Math.max(0, above)].map((to) => link(own, to));
  const images = [index, index + 1].map(
    (at) => `<img src="${reference(own, imageAt(at % IMAGES), at)}" alt="">`,
  );
  const filling = `<p>${`page ${index} says so. `.repeat(1 + (index % 90))}</p>`;
  return `<!doctype html><title>page ${index}</title>${links.join("\n")}${images.join("\n")}${filling}`;
}

/** Every file by its path; `index.html` links to the first page, and its style sheet names a picture of its own. */
export function linkedSite(): Record<string, string | Uint8Array> {
  const files: Record<string, string | Uint8Array> = {
    "index.html": `<!doctype html><link rel=stylesheet href="style.css">${link("index.html", 0)}<a href="about/">about</a>`,
    "style.css": 'body { background: url("background.png"); }',
    "background.png": picture(600, 500),
    "about/index.html": "<!doctype html><a href='../'>back</a>",
    "robots.txt": "User-agent: *\nDisallow:\n",
  };
  for (let i = 0; i < PAGES; i++) files[pageAt(i)] = pageText(i);
  for (let i = 0; i < IMAGES; i++) files[imageAt(i)] = picture(8 + 5 * i, 501 + i);
  return files;
}
