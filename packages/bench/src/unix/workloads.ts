/** The work that programs are given: arguments for a round, and for one in which they do nothing. */

/** A program and its work. */
export interface Workload {
  /** What it is called in tables. */
  readonly title: string;
  /** What the repository calls the program. */
  readonly program: string;
  readonly args: readonly string[];
  /** Arguments with which it starts and ends, and does nothing in between. */
  readonly idle: readonly string[];
}

/** Rows of the table that SQLite works on. */
const SQL_ROWS = 60_000;

const SQL = `
create table entry(id integer primary key, name text, born int);
with recursive n(i) as (select 1 union all select i + 1 from n where i < ${SQL_ROWS})
  insert into entry select i, printf('%05d', i * 7919 % 10007), i % 97 from n;
create index by_name on entry(name);
select count(*), sum(length(name)) from entry where born < 50;
select count(*) from entry a join entry b on a.name = b.name where a.born = 3;
update entry set born = born + 1 where id % 3 = 0;
delete from entry where id % 5 = 0;
select name, count(*) from entry group by name having count(*) > 5 order by name desc limit 3;
select sum(born), max(name) from entry;
`;

const numbered = (title: string, program: string, rounds: number): Workload => ({
  title,
  program,
  args: [rounds.toString()],
  idle: ["0"],
});

/** What is measured; each takes some tens of milliseconds as it was written. */
export const WORKLOADS: readonly Workload[] = [
  numbered("CoreMark-like", "coremark", 1000),
  numbered("matmul 150x150", "matmul", 30),
  numbered("SHA-256", "sha256", 120),
  numbered("LZ", "lz", 60),
  numbered("sort", "sort", 4),
  numbered("hash table", "hash", 1_000_000),
  numbered("malloc", "allocate", 1_000_000),
  { title: "SQLite", program: "sqlite3", args: [":memory:", SQL], idle: [":memory:", "select 1"] },
];
