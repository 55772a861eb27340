/**
 * The boards of Cheetah: machines, kernels and environments wired into a server.
 *
 * @packageDocumentation
 */
export * from "./addresses.ts";
export * from "./directory-source.ts";
export * from "./environments.ts";
export * from "./machines.ts";
export * from "./serve.ts";
export * from "./serve-in-worker.ts";
export * from "./serve-plan.ts";
export * from "./simulated.ts";
export * from "./swamp.ts";
export * from "./watch.ts";
export * from "../server-program.ts";
