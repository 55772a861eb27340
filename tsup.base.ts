import { defineConfig } from "tsup";

/** How every package is built: the JavaScript of each entry; declarations come from `tsc`. */
export const library = (entry: Record<string, string>): ReturnType<typeof defineConfig> =>
  defineConfig({
    entry,
    format: ["esm"],
    dts: false,
    clean: true,
    silent: true,
    skipNodeModulesBundle: true,
    sourcemap: true,
    target: "es2024",
  });
