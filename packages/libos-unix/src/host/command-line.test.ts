import fc from "fast-check";
import { expect, test } from "vitest";
import { HELP, UsageError, readCommand } from "./command-line.ts";

const read = (line: string): ReturnType<typeof readCommand> => readCommand(line.split(" ").filter(Boolean));

const PLAIN = {
  program: "a.wasm",
  args: [],
  mounts: [],
  env: {},
  frames: undefined,
  milliseconds: undefined,
  descriptors: undefined,
  outputBytes: undefined,
  mode: "segment",
  pageBytes: 4096,
  tracesCalls: false,
  showsStats: false,
};

test("a program alone", () => {
  expect(read("run a.wasm")).toEqual(PLAIN);
});

test("every option, before and behind the program", () => {
  const all =
    "--mount /x:/y --mount z:ro --env A=1 --env B== --frames 500 --time 20 --descriptors 9 --output 0 --mode paged --page 65536 --trace calls --stats";
  const expected = {
    ...PLAIN,
    mounts: [
      { host: "/x", guest: "/y", readOnly: false },
      { host: "z", guest: "z", readOnly: true },
    ],
    env: { A: "1", B: "=" },
    frames: 500,
    milliseconds: 20,
    descriptors: 9,
    outputBytes: 0,
    mode: "paged",
    pageBytes: 65_536,
    tracesCalls: true,
    showsStats: true,
  };
  expect(read(`run a.wasm ${all}`)).toEqual(expected);
  expect(read(`run ${all} a.wasm`)).toEqual(expected);
  expect(read(`${all} run a.wasm`)).toEqual(expected);
  expect(read(`run a.wasm --frames=500 --stats`)).toMatchObject({ frames: 500, showsStats: true });
});

test.each([
  ["run a.wasm b --stats", ["b", "--stats"]],
  ["run a.wasm --stats b --trace x", ["b", "--trace", "x"]],
  ["run a.wasm -- --stats -x", ["--stats", "-x"]],
  ["run a.wasm -- -- b", ["--", "b"]],
  ["run a.wasm b -- c", ["b", "--", "c"]],
  ["run a.wasm - b", ["-", "b"]],
  ["run a.wasm --mode paged -- --mode", ["--mode"]],
  ["run --env A=run a.wasm x --help", ["x", "--help"]],
])("%s: the program is given %j", (line, args) => {
  const command = read(line);
  expect(command).toMatchObject({ program: "a.wasm", args });
});

test("two directories have two names", () => {
  expect(() => read("run a.wasm --mount x:/d --mount y:/e --mount z:/d:ro")).toThrow(
    new UsageError("--mount gives two directories the name /d"),
  );
  expect(() => read("run a.wasm --mount x --mount y:x")).toThrow(UsageError);
  expect(read("run a.wasm --mount x:/d --mount x:/e")).toMatchObject({
    mounts: [{ host: "x" }, { host: "x" }],
  });
});

test("a host's name with a colon is followed by the program's", () => {
  const mounts = [{ host: "./a:b", guest: "/d", readOnly: true }];
  expect(read("run a.wasm --mount ./a:b:/d:ro")).toMatchObject({ mounts });
  expect(HELP).toContain("write both for a directory with a colon in its name");
});

test("words of any kind behind -- are the program's, unchanged", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (args) => {
      expect(readCommand(["run", "a.wasm", "--", ...args])).toEqual({ ...PLAIN, args });
    }),
  );
});

test("whatever the words are, the answer is a command or a mistake", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "run",
      "a",
      "--",
      "--mount",
      "--env",
      "--frames",
      "--mode",
      "--stats",
      "--page=1",
      "-x",
      "x:y",
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (words) => {
      try {
        expect(readCommand(words)).toBeTypeOf("object");
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    }),
    { numRuns: 500 },
  );
});

test("help and version, wherever they stand before the program's words", () => {
  expect([read("--help"), read("run --help"), read("run a.wasm --version")]).toEqual([
    { text: "help" },
    { text: "help" },
    { text: "version" },
  ]);
  for (const option of [
    "mount",
    "env",
    "frames",
    "time",
    "descriptors",
    "output",
    "mode",
    "page",
    "trace",
    "stats",
  ])
    expect(HELP).toContain(`--${option}`);
});

test.each([
  ["", "what to do? unix run <program.wasm>"],
  ["run", "which program? unix run <program.wasm>"],
  ["walk a.wasm", "no such command: walk"],
  ["run a.wasm --bogus", "Unknown option '--bogus'"],
  ["run a.wasm -x", "Unknown option '-x'"],
  ["run a.wasm --mount", "'--mount <value>' argument missing"],
  ["run a.wasm --stats=yes", "'--stats' does not take an argument"],
  ["run a.wasm --mount :b", "--mount takes host:guest, not :b"],
  ["run a.wasm --mount a:", "--mount takes host:guest, not a:"],
  ["run a.wasm --mount :ro", "--mount takes host:guest, not :ro"],
  ["run a.wasm --env A", "--env takes name=value, not A"],
  ["run a.wasm --env =A", "--env takes name=value, not =A"],
  ["run a.wasm --frames 0", "--frames takes a whole number from 1 to 1044480, not 0"],
  ["run a.wasm --frames 1e3", "--frames takes a whole number from 1 to 1044480, not 1e3"],
  ["run a.wasm --time -5", "argument is ambiguous"],
  ["run a.wasm --time 1.5", "--time takes a whole number"],
  ["run a.wasm --descriptors 2", "--descriptors takes a whole number from 3"],
  ["run a.wasm --output x", "--output takes a whole number"],
  ["run a.wasm --mode fast", "--mode is segment or paged, not fast"],
  ["run a.wasm --page 8192", "--page is 4096 or 65536, not 8192"],
  ["run a.wasm --trace all", "--trace is calls, not all"],
])("%s: %s", (line, message) => {
  expect(() => read(line)).toThrow(UsageError);
  expect(() => read(line)).toThrow(message);
});

test("variables have the names that they are given, whatever these are to an object", () => {
  expect(Object.entries((read("run a --env __proto__=x --env constructor=y") as typeof PLAIN).env)).toEqual([
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
});
