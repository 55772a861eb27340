/** Gates that are tools: the compiler, the linter and the formatter. */
import { collect, root as workspace, toolEnvironment } from "../workspace.mjs";

/** Lines of a tool's output that are shown when it fails. */
const LINES = 60;

/** A gate that runs a program of the workspace and passes when it exits with 0. */
const tool =
  (command, args, fix = args) =>
  ({ write }) => {
    const done = collect(command, write ? fix : args, {
      cwd: workspace,
      env: { ...toolEnvironment(), NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (done.status === 0) return { problems: [] };
    const said = `${done.stdout ?? ""}${done.stderr ?? ""}${done.error?.message ?? ""}`.trim().split("\n");
    return { problems: said.slice(0, LINES) };
  };

/** The whole workspace type-checks. */
export const typecheck = tool("tsc", ["-p", "tsconfig.json"]);
/** No finding of the linter. */
export const lint = tool("oxlint", ["--deny-warnings"]);
/** Everything is formatted. */
export const format = tool("oxfmt", ["--check"], []);
