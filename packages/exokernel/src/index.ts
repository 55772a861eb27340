/**
 * A kernel that protects a machine and manages none of it.
 *
 * @packageDocumentation
 */
export { BoundWindow, GatherList } from "./memory/bound-window.ts";
