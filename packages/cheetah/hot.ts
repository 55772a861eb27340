import { serve } from "./src/board/serve.ts";
import type { Nic, PhysicalGather } from "@exolith/hw-model";
const CONNS = Number(process.env.CONNS ?? 64),
  BATCH = Number(process.env.BATCH ?? 16),
  ROUNDS = Number(process.env.ROUNDS ?? 40000);
const queue: Uint8Array[] = [];
let head = 0;
type Conn = { port: number; seq: number; ack: number; tsEcho: number; got: number };
const conns: Conn[] = Array.from({ length: CONNS }, (_, i) => ({
  port: 20000 + i,
  seq: 1000 + i * 7,
  ack: 0,
  tsEcho: 0,
  got: 0,
}));
let tsNow = 1000;
let frames = 0,
  bytes = 0;
const OFFLOAD = process.env.OFFLOAD !== "0";
const nic: Nic = {
  hardware: {
    address: [2, 0, 0, 0, 0, 1],
    frameBytes: 1514,
    receiveSlots: 1024,
    transmitSlots: 256,
    bitsPerSecond: Infinity,
    transmitChecksum: OFFLOAD,
    segmentationBytes: OFFLOAD ? 65536 : 0,
  },
  counters: {
    received: 0,
    receivedBytes: 0,
    transmitted: 0,
    transmittedBytes: 0,
    receiveDropped: 0,
    transmitRefused: 0,
  },
  arrival: { checksumGood: true },
  receive: (_n, memory, at) => {
    if (head >= queue.length) {
      if (head > 0) {
        queue.length = 0;
        head = 0;
      }
      return 0;
    }
    const f = queue[head++]!;
    memory.set(f, at);
    return f.length;
  },
  transmit: (_n, memory, g: PhysicalGather) => {
    seen(memory, g);
    return true;
  },
  flush: () => {},
  wakeAt: (n) => (head < queue.length ? n : (Infinity as never)),
};
function seen(m: Uint8Array, g: PhysicalGather) {
  frames++;
  bytes += g.length;
  const a = g.addresses[0]!;
  const v = new DataView(m.buffer, m.byteOffset);
  if (v.getUint16(a + 12) === 0x0806) {
    return;
  }
  const t = a + 34;
  const port = v.getUint16(t + 2);
  const c = conns[port - 20000];
  if (!c) return;
  const doff = (m[t + 12]! >> 4) * 4;
  const flags = m[t + 13]!;
  const seq = v.getUint32(t + 4);
  const len = g.length - 34 - doff;
  if (flags & 2) {
    c.ack = (seq + 1) >>> 0;
    c.tsEcho = ts(m, v, t, doff);
    return;
  }
  c.ack = (seq + len + (flags & 1)) >>> 0;
  c.got += len;
  c.tsEcho = v.getUint32(t + 24);
}
function ts(m: Uint8Array, v: DataView, t: number, doff: number) {
  for (let i = t + 20; i < t + doff;) {
    const k = m[i]!;
    if (k === 0) break;
    if (k === 1) {
      i++;
      continue;
    }
    if (k === 8) return v.getUint32(i + 2);
    i += m[i + 1]!;
  }
  return 0;
}
const sum = (b: Uint8Array, from: number, to: number) => {
  let s = 0;
  for (let i = from; i < to; i += 2) s += (b[i]! << 8) | (b[i + 1] ?? 0);
  while (s > 65535) s = (s & 65535) + (s >>> 16);
  return ~s & 65535;
};
function frame(c: Conn, flags: number, payload: Uint8Array, opts: number[]): Uint8Array {
  const oh = 20 + opts.length;
  const total = 20 + oh + payload.length;
  const b = new Uint8Array(14 + total);
  const v = new DataView(b.buffer);
  b.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0]);
  b.set([0x45, 0], 14);
  v.setUint16(16, total);
  b[22] = 64;
  b[23] = 6;
  b.set([10, 77, 0, 1, 10, 77, 0, 2], 26);
  v.setUint16(24, sum(b, 14, 34));
  v.setUint16(34, c.port);
  v.setUint16(36, 80);
  v.setUint32(38, c.seq);
  v.setUint32(42, c.ack);
  b[46] = (oh / 4) << 4;
  b[47] = flags;
  v.setUint16(48, 64000);
  b.set(opts, 54);
  b.set(payload, 34 + oh);
  return b;
}
const tsOpt = (c: Conn) => {
  const o = [1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0];
  const v = new DataView(new ArrayBuffer(8));
  v.setUint32(0, tsNow);
  v.setUint32(4, c.tsEcho);
  for (let i = 0; i < 8; i++) o[4 + i] = v.getUint8(i);
  return o;
};
const served = await serve({
  directory: "/tmp/hotsite",
  frames: 16384,
  log: false,
  network: async () => ({
    nic,
    route: { address: 0x0a4d0002, prefixLength: 24 },
    port: 80,
    far: undefined,
    address: "x",
    close: async () => {},
  }),
} as never);
const { kernel } = served;
const pump = () => {
  for (let i = 0; i < 64 && kernel.step(); i++);
};
// ARP: tell who we are
{
  const b = new Uint8Array(60);
  b.set([
    2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 77, 0, 1, 0, 0, 0,
    0, 0, 0, 10, 77, 0, 2,
  ]);
  queue.push(b);
  pump();
}
for (const c of conns) {
  queue.push(
    frame(c, 2, new Uint8Array(0), [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 3, 0xe8, 0, 0, 0, 0, 1, 3, 3, 7]),
  );
  pump();
  c.seq++;
  queue.push(frame(c, 0x10, new Uint8Array(0), tsOpt(c)));
  pump();
}
const req = new TextEncoder().encode(
  process.env.BROWSER
    ? "GET /index.html HTTP/1.1\r\nHost: 10.77.0.2\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-US,en;q=0.9\r\nConnection: keep-alive\r\n\r\n"
    : "GET /index.html HTTP/1.1\r\nHost: 10.77.0.2\r\n\r\n",
);
if (process.env.DEBUG) {
  console.log(
    conns.slice(0, 3),
    JSON.stringify(served.server.stack.network.counters),
    JSON.stringify(served.server.stack.tcp.counters),
  );
}
// templates
const prepared = conns.map((c) => frame(c, 0x18, req, tsOpt(c)));
const views = prepared.map((b) => new DataView(b.buffer));
for (let i = 0; i < CONNS; i++) {
  const c = conns[i]!;
  const v = views[i]!;
  v.setUint32(38, c.seq);
  v.setUint32(42, c.ack);
  v.setUint32(58, tsNow);
  v.setUint32(62, c.tsEcho);
  queue.push(prepared[i]!);
  c.seq = (c.seq + req.length) >>> 0;
}
for (let i = 0; i < 40; i++) {
  pump();
  await new Promise((r) => setTimeout(r, 5));
}
let spent = 0,
  n = 0;
let best = Infinity;
let at = 0;
let segN = 0;
let last = process.cpuUsage().user;
for (let r = 0; r < ROUNDS; r++) {
  if (r % 50 === 0) tsNow++;
  for (let k = 0; k < BATCH; k++) {
    const i = at;
    at = (at + 1) % CONNS;
    const c = conns[i]!;
    const v = views[i]!;
    v.setUint32(38, c.seq);
    v.setUint32(42, c.ack);
    v.setUint32(58, tsNow);
    v.setUint32(62, c.tsEcho);
    queue.push(prepared[i]!);
    c.seq = (c.seq + req.length) >>> 0;
  }
  pump();
  segN += BATCH;
  if (segN >= 20000) {
    const u = process.cpuUsage();
    const seg = (u.user - last) * 1000;
    last = u.user;
    const per = seg / segN;
    if (r > ROUNDS / 4) {
      best = Math.min(best, per);
      spent += seg;
      n += segN;
    }
    segN = 0;
  }
}
const wrong = conns.filter((c) => c.got < 1024).length;
console.log(
  `batch ${BATCH}: best ${best.toFixed(0)} ns, mean ${(spent / n).toFixed(0)} ns a request; frames ${frames}; wrong ${wrong}; body ok ${conns[0]!.got}`,
);
process.exit(0);
