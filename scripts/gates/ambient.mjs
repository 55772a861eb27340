/** Ambient: time, randomness and the host are devices; only boards and the host machine may reach for them. */
import { isTest, lineAt, parse, typescriptFiles, withoutComments } from "./sources.mjs";

const AMBIENT =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|setImmediate|queueMicrotask|process\.\w+)/g;

const FREE = [
  /^packages\/hw-model\/src\/host\//,
  /^packages\/libos-unix\/src\/host\//,
  /^packages\/(cheetah|libos-unix)\/src\/main\.ts$/,
  /^packages\/[^/]+\/src\/board\//,
  /^packages\/bench\//,
  /^examples\//,
];

/** Uses elsewhere that are right, each with its reason. One that no longer occurs fails. */
export const PERMITTED = [];

function* uses(root, path) {
  const source = parse(root, path);
  for (const match of withoutComments(source).matchAll(AMBIENT)) {
    yield { path, line: lineAt(source.text, match.index), what: match[0] };
  }
}

/** The gate. */
export function check({ root, permitted = PERMITTED }) {
  const files = typescriptFiles(root).filter(
    (path) => !isTest(path) && !FREE.some((free) => free.test(path)),
  );
  const found = files.flatMap((path) => [...uses(root, path)]);
  const allows = (entry, use) => entry.path === use.path && entry.what === use.what;
  const problems = found
    .filter((use) => !permitted.some((entry) => allows(entry, use)))
    .map(({ path, line, what }) => `${path}:${line} uses ${what}`);
  for (const entry of permitted) {
    if (!found.some((use) => allows(entry, use)))
      problems.push(`${entry.path} no longer uses ${entry.what}: remove the permission`);
  }
  return { problems, note: `${files.length} files` };
}
