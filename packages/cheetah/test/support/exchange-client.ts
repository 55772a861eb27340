/** A program for tests: Linux's side of an exchange. Says so many bytes, hears as many as come, and reports. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { PERIOD, PORT, SALTS, makePattern, type ClientReport } from "./exchange.ts";

const [address = "", saying = "0", hearing = "0"] = process.argv.slice(2);
const total = Number(saying);
const expected = Number(hearing);
const ours = Buffer.from(makePattern(SALTS.client));
const theirs = makePattern(SALTS.server);
const begun = performance.now();
let said = 0;
let received = 0;
let wrong = 0;
let socketSays = "";

const socket = connect(PORT, address);
socket.setNoDelay(true);

function say(): void {
  while (said < total) {
    const at = said % PERIOD;
    const end = Math.min(PERIOD, at + 16_384, at + total - said);
    said += end - at;
    if (!socket.write(ours.subarray(at, end))) return;
  }
  socket.end();
}

/** What Linux knows of the connection. */
const look = (): string =>
  spawnSync("ss", ["-tinH", "dst", address], { encoding: "utf8" }).stdout.replaceAll(/\s+/g, " ").trim();

/** TCPTimeouts of this namespace. */
function timeouts(): number {
  const rows = readFileSync("/proc/self/net/netstat", "utf8").split("\n");
  const [names = "", values = ""] = rows.filter((row) => row.startsWith("TcpExt:"));
  return Number(values.split(" ")[names.split(" ").indexOf("TCPTimeouts")] ?? Number.NaN);
}

const before = timeouts();
socket.on("connect", say);
socket.on("drain", say);
socket.on("data", (chunk: Buffer) => {
  for (const byte of chunk) {
    if (byte !== theirs[received % PERIOD]) wrong += 1;
    received += 1;
  }
  if (socketSays === "" && received > expected / 4) socketSays = look();
});
socket.on("error", (error) => console.error(String(error)));
socket.on("close", () => {
  const report: ClientReport = {
    received,
    wrong,
    milliseconds: performance.now() - begun,
    socket: socketSays,
    timeouts: timeouts() - before,
  };
  console.log(JSON.stringify(report));
});
