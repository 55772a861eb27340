import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    main: "src/cli.ts",
    "cheetah-server": "src/http/cheetah-server.ts",
    "node-http-server": "src/http/node-http-server.ts",
  },
  format: ["esm"],
  dts: false,
  clean: true,
  silent: true,
  skipNodeModulesBundle: true,
  sourcemap: true,
  target: "es2024",
});
