/**
 * A program for tests: `set-offloads.ts <interface> <on|off>`, as `ethtool -K` would.
 *
 * Sets transmit and receive checksums, scatter-gather, and segmentation both ways.
 */
import { loadLinuxLibrary } from "../src/host/linux-library.ts";

/** `SIOCETHTOOL`, and its commands (Linux, `linux/ethtool.h`), in the order in which they depend on each other. */
const SIOCETHTOOL = 0x8946;
const COMMANDS: Readonly<Record<string, number>> = {
  "receive checksum": 0x15,
  "transmit checksum": 0x17,
  "scatter-gather": 0x19,
  "TCP segmentation": 0x1f,
  "generic segmentation": 0x24,
  "generic receive": 0x2c,
};

const AF_INET = 2,
  SOCK_DGRAM = 2;

const [name = "", wanted = ""] = process.argv.slice(2);
const linux = await loadLinuxLibrary("the offloads of an interface");
const descriptor = linux.socket(AF_INET, SOCK_DGRAM, 0);
const entries = Object.entries(COMMANDS);
for (const [what, command] of wanted === "on" ? entries : entries.toReversed()) {
  const value = new Uint8Array(Uint32Array.of(command, wanted === "on" ? 1 : 0).buffer);
  const request = Buffer.alloc(40);
  request.write(name, "latin1");
  request.writeBigUInt64LE(BigInt(linux.address(value)), 16);
  if (linux.ioctl(descriptor, SIOCETHTOOL, request) < 0)
    console.error(`cannot turn ${what} ${wanted}: error ${linux.errorNumber()}`);
}
