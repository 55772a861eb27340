/** How many packets a small document takes, from the first SYN to the last acknowledgment. */
import { tracedNic } from "@exolith/hw-model";
import { expect, test } from "vitest";
import type { Techniques } from "../src/options.ts";
import { Asker } from "./clients.ts";
import { makePacketLog } from "./packet-log.ts";
import { parseResponse } from "./server-rig.ts";
import { makeSimulatedRig, pass } from "./simulated-rig.ts";

const REQUESTS = [
  "GET /a.bin HTTP/1.0\r\n\r\n",
  "GET /a.bin HTTP/1.1\r\nHost: simulated\r\nConnection: close\r\n\r\n",
];

/** The packets of one request for 100 cached bytes on a connection of its own, as the server's interface sees them. */
function packetsOf(request: string, finishes: boolean, techniques: Partial<Techniques>): string[] {
  const log = makePacketLog();
  const rig = makeSimulatedRig({
    files: [["a.bin", { size: 100, seed: 1 }]],
    techniques,
    wrapNic: (nic) => tracedNic(nic, log),
  });
  const ask = (): Asker => {
    const opened = rig.crowd.open((crowd, end) => new Asker(crowd, end, request, finishes));
    rig.until(() => opened.over !== undefined, 10);
    pass(rig, 1);
    return opened;
  };
  ask();
  log.packets.length = 0;
  const asker = ask();
  expect(asker.over).toBe("ended");
  const { status, body, rest } = parseResponse(asker.received);
  expect([status, body.length, rest.length]).toEqual([200, 100, 0]);
  expect(log.packets.every(({ isSumRight }) => isSumRight)).toBe(true);
  return log.packets.map(
    ({ direction, flags, textBytes }) => `${direction} ${flags}${textBytes > 0 ? " +" : ""}`,
  );
}

const sent = (packets: readonly string[]): number =>
  packets.filter((packet) => packet.startsWith("out")).length;

test("[W4] 100-B GET: ≤ 5 packets in all, against ≥ 7 where neither ACK nor FIN is merged, as behind a socket", () => {
  for (const request of REQUESTS) {
    // The request acknowledges SYN and ends the client's side; the response acknowledges it and ends ours.
    const merged = packetsOf(request, true, {});
    expect(merged).toEqual(["in S", "out SA", "in FPA +", "out FPA +", "in A"]);
    const single = packetsOf(request, true, { packetMerging: false });
    expect(single).toEqual(["in S", "out SA", "in FPA +", "out A", "out PA +", "out FA", "in A"]);
  }
});

test("a client that ends after the response has two packets more either way; ours are 3 against 5", () => {
  for (const request of REQUESTS) {
    const merged = packetsOf(request, false, {});
    const single = packetsOf(request, false, { packetMerging: false });
    expect([merged.length, sent(merged)]).toEqual([7, 3]);
    expect([single.length, sent(single)]).toEqual([9, 5]);
  }
});
