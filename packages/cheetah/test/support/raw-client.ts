/** A client made of bytes: it says what a test wants said, well-formed or not. */
import { connect, type Socket } from "node:net";

/** A response as it came. */
export interface RawResponse {
  readonly status: number;
  readonly minor: number;
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** One connection. */
export class RawClient {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #closed = false;
  #wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
    this.socket.on("data", (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.socket.on("end", () => this.#over(() => (this.#ended = true)));
    this.socket.on("error", () => {});
    this.socket.on("close", () => this.#over(() => (this.#closed = true)));
  }

  #over(note: () => void): void {
    note();
    this.#wake();
  }

  /** Bytes received and not taken by `response`. */
  get unread(): Buffer {
    return this.#received;
  }

  /** True once the server has ended or broken off the connection. */
  get isOver(): boolean {
    return this.#ended || this.#closed;
  }

  /** Sends text (one byte a character) or bytes. */
  write(data: string | Uint8Array): void {
    this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  /** Breaks the connection off. */
  vanish(): void {
    this.socket.resetAndDestroy();
  }

  /** Lets the connection go. */
  close(): void {
    this.socket.destroy();
  }

  /** The next response; throws when the connection ends before it does. `head` means one without a body. */
  async response(head: boolean = false): Promise<RawResponse> {
    for (;;) {
      const headLength = this.#received.indexOf(HEAD_END);
      if (headLength >= 0) {
        const parsed = parseHead(this.#received.toString("latin1", 0, headLength));
        const from = headLength + HEAD_END.length;
        const length =
          head || !mayHaveBody(parsed.status) ? 0 : Number(parsed.fields.get("content-length") ?? 0);
        if (this.#received.length >= from + length) {
          const body = Buffer.from(this.#received.subarray(from, from + length));
          this.#received = this.#received.subarray(from + length);
          return { ...parsed, body };
        }
      }
      if (this.isOver) throw new Error(`the connection ended after ${this.#received.length} bytes`);
      await this.#news();
    }
  }

  /** Waits until the server has ended the connection; everything it said that was not taken. */
  async rest(): Promise<Buffer> {
    while (!this.isOver) await this.#news();
    return this.#received;
  }

  #news(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

const mayHaveBody = (status: number): boolean => status >= 200 && status !== 204 && status !== 304;

function parseHead(text: string): { status: number; minor: number; fields: Map<string, string> } {
  const [line = "", ...rest] = text.split("\r\n");
  const words = /^HTTP\/1\.([01]) (\d{3}) /.exec(line);
  if (words === null) throw new Error(`not a status line: ${line}`);
  const fields = new Map<string, string>();
  for (const field of rest) {
    const colon = field.indexOf(":");
    fields.set(field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim());
  }
  return { minor: Number(words[1]), status: Number(words[2]), fields };
}

/** One request on a connection of its own, written as it is; all that came back until the server ended. */
export async function exchange(port: number, request: string | Uint8Array): Promise<Buffer> {
  const client = new RawClient(port);
  client.write(request);
  const answer = await client.rest();
  client.close();
  return answer;
}

/** A GET on a connection of its own. */
export async function get(port: number, target: string, ...fields: string[]): Promise<RawResponse> {
  const client = new RawClient(port);
  client.write([`GET ${target} HTTP/1.1`, "Host: test", ...fields, "", ""].join("\r\n"));
  try {
    return await client.response();
  } finally {
    client.close();
  }
}
