/**
 * The tables of the papers and live peers, side by side in one run.
 *
 * @packageDocumentation
 */
export * from "./ablation/bench-ablation.ts";
export { printAblationPage } from "./ablation/print-ablation.ts";
export * from "./ash/bench-ash.ts";
export { printAshReport } from "./ash/print-ash.ts";
export { benchCheetah } from "./cheetah/bench-cheetah.ts";
export type {
  CheetahBenchOptions,
  CheetahBenchReport,
  CheetahRow,
  CheetahSkip,
} from "./cheetah/bench-cheetah.ts";
export { drawCheetahReport } from "./cheetah/chart.ts";
export { printCheetahReport } from "./cheetah/print-cheetah.ts";
export * from "./demux/bench-demux.ts";
export { printDemuxReport } from "./demux/print-demux.ts";
export * from "./host.ts";
export * from "./http/bench-http.ts";
export * from "./kernel/bench-kernel.ts";
export { printKernelReport } from "./kernel/print-kernel.ts";
export * from "./series/bench-series.ts";
export { printSeriesReport } from "./series/print-series.ts";
export * from "./statistics.ts";
export * from "./table.ts";
export * from "./unix/bench-unix.ts";
export { printUnixReport } from "./unix/print-unix.ts";
