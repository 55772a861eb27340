export * from "./window.ts";
export * from "./rig.ts";
