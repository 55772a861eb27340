import { defineConfig, type ViteUserConfig } from "vitest/config";

/** One vitest project a package; sources are resolved directly, no build is needed to test. */
export const packages: string[] = [
  "hw-model",
  "secure-bind",
  "exokernel",
  "libos-exos",
  "libos-unix",
  "cheetah",
  "bench",
];
/** Source before build. */
export const conditions: string[] = ["@exolith/source", "node", "import", "module", "default"];

/** Whose tests time real clients: they have the machine to themselves, after all others. */
const TIMED = "cheetah";

const project = (name: string, root: string) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    name,
    root,
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/*.slow.test.ts", "**/node_modules/**"],
    testTimeout: 60_000,
    maxWorkers: name === TIMED ? 1 : 2,
    sequence: { groupOrder: name === TIMED ? 1 : 0 },
  },
});

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      ...packages.map((name) => project(name, `packages/${name}`)),
      project("examples", "examples"),
      {
        test: {
          name: "gates",
          root: "scripts",
          include: ["**/*.test.mjs"],
          testTimeout: 60_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});

export default config;
