import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    "host/index": "src/host/index.ts",
    "contract/index": "src/contract/index.ts",
    "testing/index": "src/testing/index.ts",
  },
  format: ["esm"],
  dts: false,
  clean: true,
  silent: true,
  skipNodeModulesBundle: true,
  sourcemap: true,
  target: "es2024",
});
