/** Layers: the import graph is the protection model, so an import against it fails. */
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { isTest, lineAt, parse, textOf, typescriptFiles } from "./sources.mjs";

const ABI = "@exolith/exokernel/abi";
const KERNEL = ["@exolith/exokernel", "@exolith/hw-model"];
const EXOS = ["@exolith/libos-exos", "@exolith/secure-bind", ABI];
const EXAMPLES = [...KERNEL, ...EXOS, "@exolith/libos-unix", "@exolith/cheetah"];

/** What the sources of a package may import of the others. */
const ALLOWED = {
  "hw-model": [],
  "secure-bind": [],
  exokernel: ["@exolith/hw-model", "@exolith/secure-bind"],
  "libos-exos": [ABI, "@exolith/secure-bind"],
  "libos-unix": EXOS,
  cheetah: EXOS,
  bench: EXAMPLES,
  examples: EXAMPLES,
};

/** What boards, harnesses and tests may import besides. */
const BOARD = {
  exokernel: [],
  "libos-exos": KERNEL,
  "libos-unix": KERNEL,
  cheetah: KERNEL,
};

/** Packages from npm that shipped sources may import. */
const DEPENDENCIES = {
  "hw-model": ["@noble/hashes", "koffi"],
  "secure-bind": ["@noble/hashes"],
  exokernel: [],
  "libos-exos": ["@noble/hashes"],
  "libos-unix": [],
};

const isBoard = (path) =>
  isTest(path) ||
  /\/src\/(board|testing)\//.test(path) ||
  /^packages\/(cheetah|libos-unix)\/src\/main\.ts$/.test(path);
const isHarness = (path) => isTest(path) || /\/src\/(contract|testing)\//.test(path);
const isSystem = (path) =>
  /^packages\/((hw-model|libos-unix)\/src\/host|bench)\//.test(path) || path.startsWith("examples/");
const packageOf = (path) => (path.startsWith("packages/") ? path.split("/")[1] : "examples");
const startsWith = (names, target) => names.some((name) => target === name || target.startsWith(`${name}/`));

/** Why `path` may not import `target`; undefined if it may. */
export function whyNot(path, target) {
  const own = packageOf(path);
  if (target.startsWith(".")) {
    const to = posix.join(posix.dirname(path), target);
    return packageOf(to) === own ? undefined : "a relative import leaves its package";
  }
  if (target.startsWith("@exolith/")) {
    const may = [...(ALLOWED[own] ?? []), ...(isBoard(path) ? (BOARD[own] ?? []) : [])];
    return startsWith(may, target) ? undefined : `${own} may not import it`;
  }
  if (target.startsWith("node:")) {
    return isBoard(path) || isSystem(path)
      ? undefined
      : "only boards, tests and what is below host/ know Node.js";
  }
  if (isHarness(path) || DEPENDENCIES[own] === undefined) return undefined;
  return startsWith(DEPENDENCIES[own], target) ? undefined : `${own} has no such dependency`;
}

function imports({ module }) {
  const named = module.staticImports.map(({ moduleRequest }) => moduleRequest);
  const again = module.staticExports
    .flatMap(({ entries }) => entries.map((entry) => entry.moduleRequest))
    .filter(Boolean);
  return [...named, ...again].map(({ value, start }) => ({ target: value, start }));
}

/** Imports that are computed at run time, by their literal. */
const dynamic = ({ module, text }) =>
  module.dynamicImports
    .map(({ moduleRequest: { start, end } }) => ({
      target: text.slice(start, end).replace(/^["'`]|["'`]$/g, ""),
      start,
    }))
    .filter(({ target }) => /^[@.\w][\w@./:-]*$/.test(target));

/** The packages from npm that a package says it needs, whether shipped or only for its tests. */
function declared(root, own) {
  const manifest = own === "examples" ? "examples/package.json" : `packages/${own}/package.json`;
  if (!existsSync(join(root, manifest))) return undefined;
  const { dependencies, peerDependencies, optionalDependencies } = JSON.parse(textOf(root, manifest));
  return Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
}

/** Why a shipped source may not rely on `target` being installed; undefined if it may. */
function undeclared(root, path, target) {
  if (isTest(path) || /^(\.|node:)/.test(target)) return undefined;
  const names = declared(root, packageOf(path));
  return names === undefined || startsWith(names, target) ? undefined : "package.json does not declare it";
}

/** The gate. */
export function check({ root }) {
  const problems = [];
  const files = typescriptFiles(root);
  for (const path of files) {
    const source = parse(root, path);
    for (const { target, start } of [...imports(source), ...dynamic(source)]) {
      const reason = whyNot(path, target) ?? undeclared(root, path, target);
      if (reason) problems.push(`${path}:${lineAt(textOf(root, path), start)} imports ${target}: ${reason}`);
    }
  }
  return { problems, note: `${files.length} files` };
}
