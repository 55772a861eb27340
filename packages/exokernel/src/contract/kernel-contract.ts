/** The contract of a kernel: any implementation of the gate, by its observable behaviour. */
import {
  contractSuite,
  type ContractCase,
  type Deviation,
  type MakeHarness,
} from "@exolith/hw-model/contract";
import { AUTHORITY_CASES } from "./authority-cases.ts";
import { DEVICE_CASES } from "./device-cases.ts";
import { HANDLER_CASES } from "./handler-cases.ts";
import type { KernelHarness } from "./harness.ts";
import { MEMORY_CASES } from "./memory-cases.ts";
import { NETWORK_CASES } from "./network-cases.ts";
import { PROCESSOR_CASES } from "./processor-cases.ts";
import { PROGRAM_CASES } from "./program-cases.ts";
import { REVOCATION_CASES } from "./revocation-cases.ts";
import { TABLE_CASES } from "./table-cases.ts";
import { TRANSFER_CASES } from "./transfer-cases.ts";

const CASES: readonly ContractCase<KernelHarness>[] = [
  ...AUTHORITY_CASES,
  ...MEMORY_CASES,
  ...PROCESSOR_CASES,
  ...TRANSFER_CASES,
  ...REVOCATION_CASES,
  ...NETWORK_CASES,
  ...HANDLER_CASES,
  ...PROGRAM_CASES,
  ...DEVICE_CASES,
  ...TABLE_CASES,
];

/**
 * Checks that the kernels that `boot` boots keep the contract of the gate.
 *
 * A deviation that names no case fails the suite.
 */
export function kernelContract(
  name: string,
  boot: MakeHarness<KernelHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, boot, CASES, deviations);
}
