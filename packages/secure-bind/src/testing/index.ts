export * from "./arbitrary.ts";
export * from "./longest-match.ts";
export * from "./packets.ts";
export * from "./verify.ts";
