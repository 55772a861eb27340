/** A real browser loads the example site from a live server. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findTool, skipReason } from "./support/command.ts";
import { EXAMPLE_SITE, serveLive, type Live } from "./support/live.ts";
import { makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";

const executable = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]
  .map(findTool)
  .find((found) => found !== undefined);
const missing = skipReason(
  "a browser loads the site",
  executable === undefined ? "no Chromium is installed" : undefined,
);

const WORDS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What a page complained about: errors on its console, failed requests, statuses that are no success. */
function complaintsOf(page: Page): string[] {
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

const RANGED = `(async () => {
  const response = await fetch("/big.bin", { headers: { range: "bytes=1000000-1000009" } });
  return [response.status, response.headers.get("content-range"), [...new Uint8Array(await response.arrayBuffer())]];
})()`;

describe.skipIf(missing !== undefined)("a headless Chromium", () => {
  let browser: Browser;
  let scratch: string;
  let live: Live;

  beforeAll(async () => {
    scratch = makeScratch();
    browser = await chromium.launch({ executablePath: executable as string, headless: true, args: WORDS });
  });
  afterAll(async () => {
    await browser.close();
    removeScratch(scratch);
  });

  test("loads the example site: page, style, images and script all have their effect", async () => {
    live = await serveLive(EXAMPLE_SITE);
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const complaints = complaintsOf(page);
    const kinds = new Set<string>();
    page.on("requestfinished", (request) => kinds.add(request.resourceType()));
    const response = await page.goto(`http://localhost:${live.port}/`, { waitUntil: "networkidle" });
    expect(response?.status()).toBe(200);
    expect((await response?.allHeaders())?.["server"]).toBe("Cheetah");
    expect([...kinds]).toEqual(expect.arrayContaining(["document", "stylesheet", "script", "image"]));

    expect(await page.title()).not.toBe("");
    expect(await styleOf(page, "body", "margin")).toBe("0px");
    expect(await styleOf(page, "header", "backgroundImage")).toContain("linear-gradient");
    const images = await imagesOf(page);
    expect(images.length).toBeGreaterThan(0);
    for (const { whole, width } of images) expect([whole, width > 0]).toEqual([true, true]);
    await page.waitForFunction('document.querySelector("#answer").textContent.includes("etag")');
    const answer = await page.textContent("#answer");
    expect(answer).toContain("200 in");
    expect(answer).toContain("Cheetah");

    const picture = await page.screenshot({ path: join(scratch, "start.png"), fullPage: true });
    expect(statSync(join(scratch, "start.png")).size).toBe(picture.length);
    expect(await coloursOf(page, picture)).toBeGreaterThan(50);

    await page.click('a[href="about.html"]');
    await page.waitForLoadState("networkidle");
    expect(page.url()).toMatch(/\/about\.html$/);
    expect(await page.textContent("h1")).not.toBe("");
    for (const { whole, width } of await imagesOf(page)) expect([whole, width > 0]).toEqual([true, true]);
    await page.goBack({ waitUntil: "networkidle" });
    await page.reload({ waitUntil: "networkidle" });
    expect(complaints).toEqual([]);
    await page.close();
    await live.stop();
  });

  test("loads a page of two hundred images at once, and fetches a range of a large file", async () => {
    const one =
      '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"><rect width="7" height="7"/></svg>';
    const names = Array.from({ length: 200 }, (_, i) => `images/Bild ${i} ü.svg`);
    const page = names.map((name) => `<img src="${encodeURI(name)}" alt="">`).join("\n");
    writeFiles(scratch, {
      "site/index.html": `<!doctype html><meta charset=utf-8><link rel=icon href="data:,"><title>many</title>${page}`,
      "site/big.bin": noise(2_000_000, 3),
      ...Object.fromEntries(names.map((name) => [`site/${name}`, one])),
    });
    live = await serveLive(join(scratch, "site"));
    const tab = await browser.newPage();
    const complaints = complaintsOf(tab);
    await tab.goto(`http://127.0.0.1:${live.port}/`, { waitUntil: "networkidle" });
    const widths = await imagesOf(tab);
    expect([widths.length, widths.every(({ width }) => width === 7)]).toEqual([200, true]);
    const ranged = await tab.evaluate(RANGED);
    expect(ranged).toEqual([
      206,
      "bytes 1000000-1000009/2000000",
      [...noise(2_000_000, 3).subarray(1_000_000, 1_000_010)],
    ]);
    expect(complaints).toEqual([]);
    await tab.close();
    await live.stop();
  });
});
