/** A real browser loads the example site from a live server. */
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, test } from "vitest";
import {
  expectExampleSite,
  expectManyImages,
  manyImages,
  noBrowser,
  openBrowser,
} from "./support/browser.ts";
import { skipReason } from "./support/command.ts";
import { EXAMPLE_SITE, serveLive } from "./support/live.ts";
import { makeScratch, removeScratch, writeFiles } from "./support/scratch.ts";

const missing = skipReason("a browser loads the site", noBrowser);

describe.skipIf(missing !== undefined)("a headless Chromium", () => {
  let browser: Browser;
  let scratch: string;

  beforeAll(async () => {
    scratch = makeScratch();
    browser = await openBrowser(scratch);
  });
  afterAll(async () => {
    await browser.close();
    removeScratch(scratch);
  });

  test("loads the example site: page, style, images and script all have their effect", async () => {
    const live = await serveLive(EXAMPLE_SITE);
    await expectExampleSite(browser, `http://localhost:${live.port}`, scratch);
    await live.stop();
  });

  test("loads a page of two hundred images at once, and fetches a range of a large file", async () => {
    writeFiles(join(scratch, "site"), manyImages());
    const live = await serveLive(join(scratch, "site"));
    await expectManyImages(browser, `http://127.0.0.1:${live.port}`);
    await live.stop();
  });
});
