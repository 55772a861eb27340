/** The bodies of answers that have no file. */
import { latin1Bytes } from "./ascii.ts";
import { PHRASES } from "./status.ts";
import type { Status } from "./status.ts";

/** The media type of these bodies. */
export const ERROR_PAGE_TYPE = "text/html; charset=utf-8";

const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32rem;padding:0 1rem;color:#223}" +
  "h1{font-size:1.6rem}p{color:#667}";

const page = (status: number, phrase: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${status} ${phrase}</title>` +
  `<style>${STYLE}</style><h1>${status} ${phrase}</h1><p>Cheetah</p></html>\n`;

const EMPTY = new Uint8Array(0);

const pages: ReadonlyMap<number, Uint8Array> = new Map(
  Object.entries(PHRASES).map(([status, phrase]) => [
    Number(status),
    latin1Bytes(page(Number(status), phrase)),
  ]),
);

/** The body of a plain `status`; empty for 304. O(1). */
export const errorPage = (status: Status): Uint8Array =>
  status === 304 ? EMPTY : (pages.get(status) ?? EMPTY);
