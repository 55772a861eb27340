/** Reads a stream of HTTP responses as it comes, and keeps no more of a body than its hash. */
import { createHash, type Hash } from "node:crypto";

/** One response. */
export interface ReadResponse {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly length: number;
  /** SHA-256 of the body, hexadecimal. */
  readonly digest: string;
}

const NONE = new Uint8Array(0);

/** The reader of one connection. Heads without bodies are not for it. */
export class ResponseReader {
  readonly #done: (response: ReadResponse) => void;
  #head: Uint8Array = NONE;
  #status = 0;
  #fields = new Map<string, string>();
  #hash: Hash | undefined;
  #length = 0;
  #left = 0;

  constructor(done: (response: ReadResponse) => void) {
    this.#done = done;
  }

  /** Body bytes of the response under way that have come. */
  get begun(): number {
    return this.#length - this.#left;
  }

  /** The fields of the response under way. */
  get fields(): ReadonlyMap<string, string> {
    return this.#fields;
  }

  /** The next bytes of the stream. */
  read(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) rest = this.#hash === undefined ? this.#readHead(rest) : this.#readBody(rest);
  }

  #readHead(bytes: Uint8Array): Uint8Array {
    const all = Buffer.concat([this.#head, bytes]);
    const end = all.indexOf("\r\n\r\n");
    this.#head = end < 0 ? all : NONE;
    if (end < 0) return NONE;
    const [line = "", ...lines] = all.subarray(0, end).toString("latin1").split("\r\n");
    this.#status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
    this.#fields = new Map(
      lines.map((text) => [
        text.slice(0, text.indexOf(":")).toLowerCase(),
        text.slice(text.indexOf(":") + 1).trim(),
      ]),
    );
    this.#length = this.#left = Number(this.#fields.get("content-length"));
    if (Number.isNaN(this.#status + this.#length)) throw new Error(`no response: ${JSON.stringify(line)}`);
    this.#hash = createHash("sha256");
    this.#finishIfWhole();
    return all.subarray(end + 4);
  }

  #readBody(bytes: Uint8Array): Uint8Array {
    const part = bytes.subarray(0, this.#left);
    this.#hash?.update(part);
    this.#left -= part.length;
    this.#finishIfWhole();
    return bytes.subarray(part.length);
  }

  #finishIfWhole(): void {
    if (this.#left > 0 || this.#hash === undefined) return;
    const digest = this.#hash.digest("hex");
    this.#hash = undefined;
    this.#done({ status: this.#status, fields: this.#fields, length: this.#length, digest });
  }
}
