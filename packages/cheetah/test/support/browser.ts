/** A headless Chromium, and what it must make of a site. */
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { expect } from "vitest";
import { findTool } from "./command.ts";
import { noise } from "./scratch.ts";

const executable = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]
  .map(findTool)
  .find((found) => found !== undefined);

/** Why there is no browser here. */
export const noBrowser: string | undefined =
  executable === undefined ? "no Chromium is installed" : undefined;

const WORDS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the browser: with words in front of it, such as those that enter a network namespace, by a script in `scratch`. */
export async function openBrowser(scratch: string, prefix: readonly string[] = []): Promise<Browser> {
  if (executable === undefined) throw new Error(noBrowser);
  const script = join(scratch, "browser.sh");
  writeFileSync(script, `#!/bin/sh\nexec ${[...prefix, executable].join(" ")} "$@"\n`);
  chmodSync(script, 0o755);
  return chromium.launch({ executablePath: script, headless: true, args: WORDS });
}

/** What a page complained about: errors on its console, failed requests, statuses that are no success. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) =>
    complaints.push(`${request.url()} ${request.failure()?.errorText ?? ""}`),
  );
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()} ${response.status()}`);
  });
  return complaints;
}

/** Whether every image has been decoded, and the width of each. Scripts for the page are text: they run elsewhere. */
const imagesOf = (page: Page): Promise<readonly { readonly whole: boolean; readonly width: number }[]> =>
  page.evaluate(
    "[...document.images].map((image) => ({ whole: image.complete, width: image.naturalWidth }))",
  );

async function expectImagesWhole(page: Page): Promise<void> {
  const images = await imagesOf(page);
  expect(images.length).toBeGreaterThan(0);
  for (const { whole, width } of images) expect([whole, width > 0]).toEqual([true, true]);
}

const styleOf = (page: Page, selector: string, property: string): Promise<string> =>
  page.evaluate(`getComputedStyle(document.querySelector("${selector}")).${property}`);

/** The number of different colours in a picture, every seventh pixel, counted by the browser itself. */
const coloursOf = (page: Page, picture: Buffer): Promise<number> =>
  page.evaluate(`(async () => {
    const image = new Image();
    image.src = "data:image/png;base64,${picture.toString("base64")}";
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const seen = new Set();
    for (let i = 0; i < pixels.length; i += 28) seen.add((pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2]);
    return seen.size;
  })()`);

/** The start page of the example site is whole: style, images and script have had their effect. */
export async function expectStartPage(page: Page): Promise<void> {
  expect(await page.title()).not.toBe("");
  expect(await styleOf(page, "body", "margin")).toBe("0px");
  expect(await styleOf(page, "header", "backgroundImage")).toContain("linear-gradient");
  await expectImagesWhole(page);
  await page.waitForFunction('document.querySelector("#answer").textContent.includes("etag")');
  const answer = await page.textContent("#answer");
  expect(answer).toContain("200 in");
  expect(answer).toContain("Cheetah");
}

/** Loads the example site from `origin`, looks at it, follows a link, goes back and reloads; nothing is to be complained about. */
export async function expectExampleSite(browser: Browser, origin: string, scratch: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const complaints = complaintsOf(page);
  const kinds = new Set<string>();
  page.on("requestfinished", (request) => kinds.add(request.resourceType()));
  const response = await page.goto(`${origin}/`, { waitUntil: "networkidle" });
  expect(response?.status()).toBe(200);
  expect((await response?.allHeaders())?.["server"]).toBe("Cheetah");
  expect([...kinds]).toEqual(expect.arrayContaining(["document", "stylesheet", "script", "image"]));
  await expectStartPage(page);

  const path = join(scratch, "start.png");
  const picture = await page.screenshot({ path, fullPage: true });
  expect(statSync(path).size).toBe(picture.length);
  expect(await coloursOf(page, picture)).toBeGreaterThan(50);

  await page.click('a[href="about.html"]');
  await page.waitForLoadState("networkidle");
  expect(page.url()).toMatch(/\/about\.html$/);
  expect(await page.textContent("h1")).not.toBe("");
  await expectImagesWhole(page);
  await page.goBack({ waitUntil: "networkidle" });
  await page.reload({ waitUntil: "networkidle" });
  expect(complaints).toEqual([]);
  await page.close();
}

const BIG_BYTES = 2_000_000;
const BIG_SEED = 3;
const IMAGES = 200;

/** A page of two hundred images with odd names, and a large file beside it. */
export function manyImages(): Record<string, string | Uint8Array> {
  const one =
    '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"><rect width="7" height="7"/></svg>';
  const names = Array.from({ length: IMAGES }, (_, i) => `images/Bild ${i} ü.svg`);
  const page = names.map((name) => `<img src="${encodeURI(name)}" alt="">`).join("\n");
  return {
    "index.html": `<!doctype html><meta charset=utf-8><link rel=icon href="data:,"><title>many</title>${page}`,
    "big.bin": noise(BIG_BYTES, BIG_SEED),
    ...Object.fromEntries(names.map((name) => [name, one])),
  };
}

const RANGED = `(async () => {
  const response = await fetch("/big.bin", { headers: { range: "bytes=1000000-1000009" } });
  return [response.status, response.headers.get("content-range"), [...new Uint8Array(await response.arrayBuffer())]];
})()`;

/** Loads that page from `origin`, and fetches a range of the large file. */
export async function expectManyImages(browser: Browser, origin: string): Promise<void> {
  const tab = await browser.newPage();
  const complaints = complaintsOf(tab);
  await tab.goto(`${origin}/`, { waitUntil: "networkidle" });
  const widths = await imagesOf(tab);
  expect([widths.length, widths.every(({ width }) => width === 7)]).toEqual([IMAGES, true]);
  const expected = noise(BIG_BYTES, BIG_SEED).subarray(1_000_000, 1_000_010);
  expect(await tab.evaluate(RANGED)).toEqual([206, `bytes 1000000-1000009/${BIG_BYTES}`, [...expected]]);
  expect(complaints).toEqual([]);
  await tab.close();
}
