/**
 * Cheetah: a web server that owns its packets.
 *
 * An environment on the exokernel that serves a site from its own layout on raw
 * disk blocks. File cache and retransmission pool are one; a response's body is
 * gathered from the frames that the disk read it into.
 *
 * @packageDocumentation
 */
export * from "./cheetah.ts";
export * from "./limits.ts";
export * from "./options.ts";
export type { DiskPart } from "./disk/block-store.ts";
export * from "./disk/import-progress.ts";
export type { RestoreResult } from "./disk/restore.ts";
export * from "./disk/site-source.ts";
export type { LogSink } from "./server/access-log.ts";
export type { CheetahReaders } from "./server/counters.ts";
