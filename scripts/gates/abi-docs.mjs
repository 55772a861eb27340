/** Docs: the interface of the kernel and of the devices is documented to the last symbol, the rest mostly. */
import { docBefore, exportsOf, isTest, lineAt, parse, typescriptFiles } from "./sources.mjs";

/** Least share of documented exports outside the interfaces. */
const SHARE = 0.6;

const DEVICES = /^packages\/hw-model\/src\/[\w-]+\.ts$/;
const isInterface = (path) => path.startsWith("packages/exokernel/src/abi/") || DEVICES.test(path);

/** The exports of a file and whether each is documented. */
const documented = (source) =>
  exportsOf(source).map(({ name, node, start }) => ({
    name,
    node,
    where: `${source.path}:${lineAt(source.text, start)}`,
    has: docBefore(source, start) !== undefined,
  }));

/** The undocumented members of `GateCalls`. */
function gateMembers(source) {
  const calls = exportsOf(source).find(({ name }) => name === "GateCalls");
  if (!calls) return [];
  return calls.node.body.body
    .filter((member) => docBefore(source, member.start) === undefined)
    .map(
      (member) => `${source.path}:${lineAt(source.text, member.start)} ${member.key.name} has no doc comment`,
    );
}

/** The gate. */
export function check({ root }) {
  const problems = [];
  const shares = new Map();
  for (const path of typescriptFiles(root).filter((each) => each.startsWith("packages/") && !isTest(each))) {
    const source = parse(root, path);
    const found = documented(source);
    if (isInterface(path)) {
      problems.push(
        ...found.filter(({ has }) => !has).map(({ where, name }) => `${where} ${name} has no doc comment`),
      );
    }
    problems.push(...gateMembers(source));
    const [, name] = path.split("/");
    shares.set(name, [...(shares.get(name) ?? []), ...found.map(({ has }) => has)]);
  }
  for (const [name, all] of shares) {
    const share = all.filter(Boolean).length / all.length;
    if (share < SHARE)
      problems.push(`packages/${name} documents ${Math.round(share * 100)} % of its exports`);
  }
  const total = [...shares.values()].flat();
  return { problems, note: `${total.filter(Boolean).length} of ${total.length} exports documented` };
}
