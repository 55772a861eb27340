/**
 * The host machine: the devices of the host under the machine's interfaces,
 * and the runner that steps kernels on it.
 *
 * @packageDocumentation
 */
export * from "./clock.ts";
export * from "./console.ts";
export * from "./disk.ts";
export * from "./engine-machine.ts";
export * from "./host-error.ts";
export * from "./image-file.ts";
export * from "./machine.ts";
export * from "./meter.ts";
export * from "./packet.ts";
export type { PacketNicOptions } from "./packet-attach.ts";
export * from "./pcap-file.ts";
export * from "./processor.ts";
export * from "./random.ts";
export * from "./run.ts";
export * from "./stream-device.ts";
export * from "./tap.ts";
export type { TapOptions } from "./tap-attach.ts";
export * from "./waker.ts";
