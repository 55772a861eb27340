/** Programs with what they are given: each must end, print and leave the same here as under `node:wasi`. */
import type { Given } from "./node-wasi.ts";

/** One run to compare. */
export interface Case extends Given {
  readonly title: string;
  readonly program: string;
  /** What is known to be in its output, so that two wrong ones that agree do not pass. */
  readonly prints?: string | RegExp;
  /** The code it ends with; 0 if not said. */
  readonly code?: number;
}

const EMPTY = { "/": {} };

const SQL = `
create table person(id integer primary key, name text not null, born int, check (born > 1800));
create index by_name on person(name);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
  insert into person(name, born) select printf('name-%05d', (i * 7919) % 10007), 1801 + i % 200 from n;
commit;
select count(*), min(name), max(name), sum(born) from person;
insert into person(name, born) values ('too old', 1700);
begin; delete from person where id % 3 = 0; rollback;
select count(*) from person;
create table trail(what text);
create trigger watch after delete on person begin insert into trail values ('deleted ' || old.id); end;
delete from person where id between 10 and 13;
select group_concat(what, ', ') from trail;
create virtual table words using fts5(body);
insert into words values ('the kernel multiplexes a machine'), ('a program is linked to its library');
select rowid, highlight(words, 0, '[', ']') from words where words match 'mach* OR library';
create virtual table boxes using rtree(id, left, right, low, high);
insert into boxes select id, id, id + 1, born, born + 1 from person where id < 100;
select count(*) from boxes where left > 20 and right < 40;
select json_extract('{"a":[1,{"b":"c"}]}', '$.a[1].b'), json_group_array(i) from (select 1 as i union select 2);
select name, rank() over (order by born desc, name) as place from person order by place limit 3;
select round(sqrt(2), 12), round(exp(1), 12), hex(zeroblob(4)), typeof(1.5), date(0, 'unixepoch');
explain query plan select * from person where name = 'name-00042';
.mode csv
.headers on
select id, name from person order by name limit 3;
vacuum;
pragma integrity_check;
.schema person
`;

const LUA = `
local function fibonacci(n) return n < 2 and n or fibonacci(n - 1) + fibonacci(n - 2) end
print(_VERSION, fibonacci(20))
print(pcall(error, { code = 7 }) == false, select(2, pcall(error, "message", 0)))
print(select(2, pcall(function() local nothing; return nothing.field end)))
local co = coroutine.wrap(function(...) local sum = 0; for _, v in ipairs { ... } do sum = sum + coroutine.yield(v * 2) end; return "sum", sum end)
print(co(1, 2, 3), co(10), co(20), co(30))
local t = setmetatable({}, { __index = function(_, k) return k .. "!" end, __call = function(_, ...) return select("#", ...) end, __close = function() print("closed") end })
do local scoped <close> = t; print(t.key, t(1, nil, 3)) end
local words = {}
for w in ("the quick brown fox jumps over the lazy dog"):gmatch("%a+") do words[#words + 1] = w:upper() end
table.sort(words, function(a, b) return #a == #b and a < b or #a < #b end)
print(table.concat(words, " "), ("x"):rep(3, "-"), ("%5.2f|%-5d|%q"):format(math.pi, 42, "a\\nb"))
print(string.pack("<i4", 305419896):byte(1, -1))
print(1 << 62, 7 // 2, -7 % 3, 3 | 4, 2^0.5, math.maxinteger + 1 == math.mininteger, 10 / 2)
print(pcall(string.rep, "x", 1 << 40))
local deep = 0
local function down() deep = deep + 1; return 1 + down() end
local ok, message = pcall(down)
print(ok, message:match("stack overflow") ~= nil, deep > 1000)
for i = 1, 2000 do assert(not pcall(error, i)) end
local f = assert(io.open("/made.txt", "w")); for i = 1, 100 do f:write("line ", i, "\\n") end; f:close()
local count, last = 0; for line in io.lines("/made.txt") do count, last = count + 1, line end
print(count, last, io.open("/none.txt"))
print(os.rename("/made.txt", "/moved.txt"), os.remove("/none.txt"))
print(load("return 1 +")) print(load("return ...", "chunk", "t", {})(5))
collectgarbage(); print(collectgarbage("count") > 0, os.getenv("NAME"), os.getenv("NONE"))
print(arg[1], arg[2], #arg)
print(os.execute(), io.read("n", "l", "L", "a"))
os.exit(3)
`;

const TYPESCRIPT = `
import { helper as used, type Shape } from "./helper";
enum Colour { Red, Green = 5 }
export class Box<T extends Shape> { #sides?: T[]; get area(): number { return this.#sides?.map(used)?.[0] ?? Colour.Green } }
console.log(new Box().area);
`;

/** Small programs of our own. */
export const OWN_CASES: readonly Case[] = [
  { title: "hello", program: "hello", prints: "hello\n" },
  { title: "cat of standard input", program: "cat", stdin: "some\ntext".repeat(5000), prints: /text$/ },
  {
    title: "cat of files, one of which is not there",
    program: "cat",
    args: ["/a", "/b/c", "/none"],
    preopens: { "/": { a: "first\n", "b/c": "second\n" } },
    prints: "first\nsecond\n",
    code: 1,
  },
  {
    title: "arguments and environment",
    program: "arguments",
    args: ["", "two words", "ünïcödé", "-x"],
    env: { EXIT: "42", EMPTY: "", NAME: "välue=with=signs" },
    prints: "environment: [NAME=välue=with=signs]",
    code: 42,
  },
  { title: "files", program: "files", args: ["/"], preopens: EMPTY, prints: "again: -1 File exists" },
  {
    title: "files in the second directory",
    program: "files",
    args: ["/b"],
    preopens: { "/a": {}, "/b": {} },
  },
  { title: "directories", program: "directories", preopens: EMPTY, prints: "300 in d/below" },
  { title: "deep recursion", program: "recursion", args: ["5000"], prints: "at the bottom\n" },
  { title: "loops", program: "loops", args: ["3000000"] },
  { title: "malloc", program: "allocate", args: ["200000"] },
  { title: "sort", program: "sort", args: ["2"] },
  { title: "hash table", program: "hash", args: ["200000"], prints: "166303 keys" },
  {
    title: "SHA-256",
    program: "sha256",
    stdin: "abc",
    prints: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n",
  },
  { title: "SHA-256 of 1 MiB", program: "sha256", args: ["16"] },
  { title: "LZ", program: "lz", args: ["3"], prints: "1647305045\n" },
  { title: "matrices of 150 by 150", program: "matmul", args: ["2"] },
  {
    title: "the work that CoreMark mixes",
    program: "coremark",
    args: ["50"],
    prints: "list 4032\nmatrix da38\nstate b522\nvalidated\n",
  },
];

/** Programs that others wrote, unchanged. */
export const FOREIGN_CASES: readonly Case[] = [
  {
    title: "SQLite in memory",
    program: "sqlite3",
    stdin: SQL,
    preopens: EMPTY,
    prints: /integrity_check\r?\nok/,
    code: 1,
  },
  {
    title: "SQLite with a database in a file",
    program: "sqlite3",
    args: ["/data.db"],
    stdin: SQL,
    preopens: EMPTY,
    prints: "2000|name-00008|",
    code: 1,
  },
  {
    title: "SQLite with statements as arguments",
    program: "sqlite3",
    args: ["-json", ":memory:", "select 1 as one, 'two' as two"],
    env: { HOME: "/" },
    preopens: EMPTY,
    prints: '[{"one":1,"two":"two"}]',
  },
  {
    title: "Lua, a script from a file",
    program: "lua",
    args: ["/script.lua", "one", "two"],
    env: { NAME: "value" },
    stdin: "12 rest of the line\nnext line\nall\nthat is left",
    preopens: { "/": { "script.lua": LUA } },
    prints: "sum\t60",
    code: 3,
  },
  {
    title: "Lua, an error that nobody protects from",
    program: "lua",
    args: ["-e", "error('at the top')"],
    code: 1,
  },
  {
    title: "minigzip packs",
    program: "minigzip",
    stdin: "all work and no play ".repeat(20_000),
  },
  {
    title: "minigzip packs and unpacks files",
    program: "minigzip",
    args: ["-9", "/text"],
    preopens: { "/": { text: "makes a dull program ".repeat(20_000) } },
  },
  {
    title: "esbuild (Go, 20 MB) transforms standard input",
    program: "esbuild",
    args: ["--loader=ts", "--target=es2017", "--minify"],
    stdin: TYPESCRIPT,
    preopens: EMPTY,
    prints: "console.log(",
  },
  {
    title: "esbuild bundles files",
    program: "esbuild",
    args: [
      "--bundle",
      "--format=esm",
      "--outfile=/out/bundle.js",
      "--sourcemap",
      "--log-level=warning",
      "/in/main.ts",
    ],
    preopens: {
      "/": {
        "in/main.ts": TYPESCRIPT,
        "in/helper.ts":
          "export interface Shape { side: number }\nexport const helper = (s: Shape) => s.side ** 2;\nexport const unused = 1;\n",
      },
    },
  },
  {
    title: "esbuild refuses what is no program",
    program: "esbuild",
    args: ["--log-level=error", "--color=false"],
    stdin: "let x = ;\n",
    preopens: EMPTY,
    code: 1,
  },
];

/** What the conformance programs are given; the others need an empty directory. */
export const CONFORMANCE_GIVEN: Readonly<Record<string, Given & { readonly code?: number }>> = {
  "arguments-given": { args: ["a", "", "b c"], env: { X: "1", Y: "" } },
  "exit-code": { args: ["7"], code: 7 },
};
