export * from "./window.ts";
export * from "./rig.ts";
export * from "./table-state.ts";
export * from "./check-tables.ts";
