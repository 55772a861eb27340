/** The options that every example takes. */
import { parseArgs } from "node:util";
import { isTraceDetail, withTraceDetail, type InspectionOptions } from "@exolith/exokernel";
import type { FaultRates } from "@exolith/hw-model";

/** What the command line said. */
export interface ExampleOptions {
  /** Everything random follows from it. */
  readonly seed: number;
  /** How often frames on the wire are lost or damaged; no effect where there is no wire. */
  readonly faults: FaultRates;
  /** Where to write what was on the wire. */
  readonly pcap: string | undefined;
  /** What to print of each kernel at the end. */
  readonly inspect: InspectionOptions;
  /** Serve for real, where an example can. */
  readonly host: boolean;
}

const USAGE = `Options: --seed <number> --drop <0 to 1> --corrupt <0 to 1> --pcap <path> --trace [calls] --calls --tables`;

const within = (name: string, text: string, most: number): number => {
  const value = Number(text);
  if (text === "" || !(value >= 0 && value <= most))
    throw new Error(`--${name} wants a number from 0 to ${most}`);
  return value;
};

function traceDetail(value: string | undefined): InspectionOptions["trace"] {
  if (value === undefined || isTraceDetail(value)) return value;
  throw new Error("--trace is events or calls");
}

/** Reads the command line; says how and ends when it makes no sense. */
export function readOptions(): ExampleOptions {
  try {
    const { values } = parseArgs({
      args: withTraceDetail(process.argv.slice(2)),
      options: {
        seed: { type: "string", default: "1" },
        drop: { type: "string", default: "0" },
        corrupt: { type: "string", default: "0" },
        pcap: { type: "string" },
        trace: { type: "string" },
        calls: { type: "boolean", default: false },
        tables: { type: "boolean", default: false },
        host: { type: "boolean", default: false },
      },
    });
    return {
      seed: within("seed", values.seed, 2 ** 32 - 1),
      faults: { loss: within("drop", values.drop, 1), corrupt: within("corrupt", values.corrupt, 1) },
      pcap: values.pcap,
      inspect: { trace: traceDetail(values.trace), calls: values.calls, tables: values.tables },
      host: values.host,
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}
