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

/** Interfaces whose every member is documented: calls, tables and upcalls. */
const WHOLE = /^packages\/exokernel\/src\/abi\/(calls\/\w+|tables|upcalls)\.ts$/;
/** What every table has, and means the same in all of them. */
const PLAIN = new Set(["count"]);

/** The undocumented members of the interfaces of a file. */
function bareMembers(source) {
  if (!WHOLE.test(source.path)) return [];
  return exportsOf(source)
    .filter(
      ({ node }) => node.type === "TSInterfaceDeclaration" && /(Calls|Readers|Upcalls)$/.test(node.id.name),
    )
    .flatMap(({ node }) => node.body.body)
    .filter((member) => !PLAIN.has(member.key.name) && docBefore(source, member.start) === undefined)
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
    problems.push(...bareMembers(source));
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
