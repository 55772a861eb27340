import { defineConfig } from "tsup";

export default defineConfig({
  entry: { index: "src/index.ts", "board/index": "src/board/index.ts", main: "src/main.ts" },
  format: ["esm"],
  dts: false,
  clean: true,
  silent: true,
  skipNodeModulesBundle: true,
  sourcemap: true,
  target: "es2024",
});
