/** The command line of `unix`, as data. */
import { parseArgs } from "node:util";

/** Thrown for a command line that makes no sense; its message is for the person who wrote it. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** A directory of the host, and what the program calls it. */
export interface Mount {
  readonly host: string;
  readonly guest: string;
  readonly readOnly: boolean;
}

/** What was asked for. */
export interface RunCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly mounts: readonly Mount[];
  readonly env: Readonly<Record<string, string>>;
  readonly frames: number | undefined;
  readonly milliseconds: number | undefined;
  readonly descriptors: number | undefined;
  readonly outputBytes: number | undefined;
  readonly mode: "segment" | "paged";
  readonly pageBytes: 4096 | 65_536;
  readonly tracesCalls: boolean;
  readonly showsStats: boolean;
}

/** A command line: something to run, or a text to print. */
export type Command = RunCommand | { readonly text: "help" | "version" };

/** How to use the command. */
export const HELP = `Usage: unix run <program.wasm> [options] [--] [arguments]

Runs a WASI program (preview 1) isolated, pre-empted and limited.
What follows -- is the program's, and what follows its first argument, whatever it looks like.

  --mount <host>:<guest>   a directory of this host, and its name for the program; :ro at the end to read only.
                           The last colon parts the two: write both for a directory with a colon in its name
  --env <name>=<value>     a variable of the program's environment
  --frames <n>             frames of 4 KiB for its memory (16384: 64 MiB)
  --time <ms>              milliseconds of the processor (no limit)
  --descriptors <n>        descriptors open at once (1024)
  --output <bytes>         bytes written to its streams (no limit)
  --mode <mode>            segment: contiguous memory (default); paged: pages that come as they are touched
  --page <bytes>           with paged: 4096 (default) or 65536
  --trace calls            a line for each call, on the standard error
  --stats                  at the end, what it used, on the standard error
  --help, --version

The exit code is the program's; 128 and a signal's number when it was stopped;
126 when it is no program that can be run; 2 for a mistake in the command line.
`;

/** The options: those that take a value, and those that do not. */
const OPTIONS = {
  mount: { type: "string", multiple: true },
  env: { type: "string", multiple: true },
  frames: { type: "string" },
  time: { type: "string" },
  descriptors: { type: "string" },
  output: { type: "string" },
  mode: { type: "string" },
  page: { type: "string" },
  trace: { type: "string" },
  stats: { type: "boolean" },
  help: { type: "boolean" },
  version: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parse>["values"];

const takesValue = (word: string): boolean => {
  const option: { readonly type: string } | undefined = OPTIONS[word.slice(2) as keyof typeof OPTIONS];
  return word.startsWith("--") && option?.type === "string";
};

/**
 * Where the words for the program begin: behind `--`, else with the first word behind the program's name that is no option.
 *
 * So options may stand before and behind the name, and what follows the program's
 * first word is the program's, whatever it looks like.
 */
function splitWords(words: readonly string[]): { readonly ours: string[]; readonly theirs: string[] } {
  let named = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return { ours: words.slice(0, at), theirs: words.slice(at + 1) };
    if (takesValue(word)) at += 1;
    else if ((word === "-" || !word.startsWith("-")) && ++named > NAMED)
      return { ours: words.slice(0, at), theirs: words.slice(at) };
  }
  return { ours: [...words], theirs: [] };
}

/** Words that are no options, and ours: `run` and the program's name. */
const NAMED = 2;

const parse = (args: string[]) => parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true });

function count(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not ${text}`);
}

function oneOf<T extends string>(
  name: string,
  text: string | undefined,
  choices: readonly T[],
): T | undefined {
  const chosen = choices.find((choice) => choice === text);
  if (text !== undefined && chosen === undefined)
    throw new UsageError(`--${name} is ${choices.join(" or ")}, not ${text}`);
  return chosen;
}

/** `host:guest`, or one name for both, which then has no colon; `:ro` behind it. */
function readMount(text: string): Mount {
  const readOnly = text.endsWith(":ro");
  const names = readOnly ? text.slice(0, -":ro".length) : text;
  const at = names.lastIndexOf(":");
  const host = at < 0 ? names : names.slice(0, at);
  const guest = at < 0 ? names : names.slice(at + 1);
  if (host === "" || guest === "") throw new UsageError(`--mount takes host:guest, not ${text}`);
  return { host, guest, readOnly };
}

/** Directories to mount, each under a name of its own. */
function readMounts(texts: readonly string[]): readonly Mount[] {
  const mounts = texts.map(readMount);
  const names = mounts.map(({ guest }) => guest);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw new UsageError(`--mount gives two directories the name ${twice}`);
  return mounts;
}

function readEnv(texts: readonly string[]): Record<string, string> {
  const env: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`--env takes name=value, not ${text}`);
    env[text.slice(0, at)] = text.slice(at + 1);
  }
  return env;
}

const FRAMES_MAX = 2 ** 20 - 4096;
const MANY = Number.MAX_SAFE_INTEGER;

/** What the words behind `unix` ask for. Throws a `UsageError`. */
export function readCommand(words: readonly string[]): Command {
  const { ours, theirs } = splitWords(words);
  const { values, positionals } = parsed(ours);
  if (values.help === true) return { text: "help" };
  if (values.version === true) return { text: "version" };
  const [verb, program] = positionals;
  if (verb !== "run")
    throw new UsageError(
      verb === undefined ? "what to do? unix run <program.wasm>" : `no such command: ${verb}`,
    );
  if (program === undefined) throw new UsageError("which program? unix run <program.wasm>");
  return { ...limitsOf(values), program, args: theirs, ...placesOf(values) };
}

function parsed(words: string[]): ReturnType<typeof parse> {
  try {
    return parse(words);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function limitsOf(
  values: Values,
): Pick<RunCommand, "frames" | "milliseconds" | "descriptors" | "outputBytes"> {
  return {
    frames: count("frames", values.frames, 1, FRAMES_MAX),
    milliseconds: count("time", values.time, 1, MANY),
    descriptors: count("descriptors", values.descriptors, 3, 2 ** 20),
    outputBytes: count("output", values.output, 0, MANY),
  };
}

function placesOf(
  values: Values,
): Pick<RunCommand, "mounts" | "env" | "mode" | "pageBytes" | "tracesCalls" | "showsStats"> {
  return {
    mounts: readMounts(values.mount ?? []),
    env: readEnv(values.env ?? []),
    mode: oneOf("mode", values.mode, ["segment", "paged"]) ?? "segment",
    pageBytes: oneOf("page", values.page, ["4096", "65536"]) === "65536" ? 65_536 : 4096,
    tracesCalls: oneOf("trace", values.trace, ["calls"]) !== undefined,
    showsStats: values.stats === true,
  };
}
