/** One row per kernel call: number, signature, credential, arguments and refusals. */
import { CAPABILITY_CALLS } from "./calls/capability.ts";
import { DEVICE_CALLS } from "./calls/device.ts";
import { DISK_CALLS } from "./calls/disk.ts";
import { ENVIRONMENT_CALLS } from "./calls/environment.ts";
import { HANDLER_CALLS } from "./calls/handler.ts";
import { MEMORY_CALLS } from "./calls/memory.ts";
import { NETWORK_CALLS } from "./calls/network.ts";
import { PROGRAM_CALLS } from "./calls/program.ts";
import { REVOCATION_CALLS } from "./calls/revocation.ts";
import { SELF_CALLS } from "./calls/self.ts";
import { SLICE_CALLS } from "./calls/slice.ts";
import { STREAM_CALLS } from "./calls/stream.ts";
import { TRANSFER_CALLS } from "./calls/transfer.ts";
import { TRANSLATION_CALLS } from "./calls/translation.ts";
import type { CallRows } from "./calls/call-row.ts";
import type { GateCalls } from "./gate.ts";

export type { CallRow, Credential, EntryPath, FailsOf } from "./calls/call-row.ts";

/** The table. */
export const CALLS: CallRows<GateCalls> = {
  ...SELF_CALLS,
  ...CAPABILITY_CALLS,
  ...ENVIRONMENT_CALLS,
  ...SLICE_CALLS,
  ...TRANSFER_CALLS,
  ...MEMORY_CALLS,
  ...NETWORK_CALLS,
  ...HANDLER_CALLS,
  ...DISK_CALLS,
  ...REVOCATION_CALLS,
  ...STREAM_CALLS,
  ...TRANSLATION_CALLS,
  ...PROGRAM_CALLS,
  ...DEVICE_CALLS,
};
