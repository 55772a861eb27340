/** A program for tests: sends requests that no honest client sends, over Linux's TCP, and reports what came back. */
import { connect } from "node:net";
import { malformedRequest } from "./malformed.ts";
import { makeRandom } from "./random.ts";

/** What the program is told, as JSON. */
export interface MalformedWish {
  readonly server: string;
  /** Its own addresses, so that ports do not run out. */
  readonly addresses: readonly string[];
  readonly requests: number;
  readonly seed: number;
}

/** What it reports, as JSON. */
export interface MalformedReport {
  readonly requests: number;
  readonly connections: number;
  /** Responses by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Connections that ended with something that is no response, or with bytes from outside the site. */
  readonly wrong: number;
  /** Connections that the server broke off, and those that came to no end. */
  readonly broken: number;
  readonly endless: number;
}

const AT_ONCE = 64;
const PATIENCE_MILLISECONDS = 15_000;
const MOST_PER_CONNECTION = 3;

const wish = JSON.parse(process.argv[2] ?? "{}") as MalformedWish;
const random = makeRandom(wish.seed);
const statuses: Record<string, number> = {};
const totals = { requests: 0, connections: 0, wrong: 0, broken: 0, endless: 0 };
let open = 0;

function judge(bytes: Buffer): void {
  const text = bytes.toString("latin1");
  if (text !== "" && !text.startsWith("HTTP/1.1 ")) totals.wrong += 1;
  if (text.includes("root:")) totals.wrong += 1;
  for (const [, status = ""] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g))
    statuses[status] = (statuses[status] ?? 0) + 1;
}

function next(): void {
  while (open < AT_ONCE && totals.requests < wish.requests) begin();
  if (open > 0) return;
  const report: MalformedReport = { ...totals, statuses };
  console.log(`attacked ${JSON.stringify(report)}`);
}

function begin(): void {
  open += 1;
  const requests = 1 + random.below(MOST_PER_CONNECTION);
  const words = Array.from({ length: requests }, () => malformedRequest(random));
  totals.requests += requests;
  totals.connections += 1;
  const localAddress = wish.addresses[totals.connections % wish.addresses.length] ?? "";
  const socket = connect({ host: wish.server, port: 80, localAddress, allowHalfOpen: true, noDelay: true });
  const received: Buffer[] = [];
  socket.setTimeout(PATIENCE_MILLISECONDS, () => {
    totals.endless += 1;
    socket.destroy();
  });
  socket.on("connect", () => {
    for (const word of words.slice(0, -1)) socket.write(word);
    socket.end(words.at(-1) ?? "");
  });
  socket.on("data", (bytes: Buffer) => received.push(bytes));
  socket.on("error", () => (totals.broken += 1));
  socket.on("close", () => {
    open -= 1;
    judge(Buffer.concat(received));
    next();
  });
}

next();
