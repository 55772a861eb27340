import { defineConfig, type ViteUserConfig } from "vitest/config";
import { conditions, packages } from "./vitest.config.ts";

/** The slow suites: minutes of traffic, leak checks, live peers. One file at a time. */
const project = (name: string) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    name,
    root: `packages/${name}`,
    include: ["src/**/*.slow.test.ts", "test/**/*.slow.test.ts"],
    testTimeout: 900_000,
    hookTimeout: 120_000,
  },
});

const config: ViteUserConfig = defineConfig({
  test: { fileParallelism: false, passWithNoTests: true, projects: packages.map(project) },
});

export default config;
