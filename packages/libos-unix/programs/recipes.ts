/** The programs: what each is built from, and how. */

/** An archive of somebody else's sources, or of a finished program; fetched when it is needed, and never kept in the repository. */
export interface Archive {
  /** Which client brings it: the package manager of npm, or Debian's. */
  readonly from: "npm" | "debian";
  /** `name@version`, or the name of a source package. */
  readonly name: string;
  /** The file that the client brings. */
  readonly file: string;
  readonly sha256: string;
  /** An archive inside of the archive, where that holds the sources. */
  readonly inner?: string;
}

/** How one program comes to be. */
export interface Recipe {
  readonly name: string;
  readonly archive?: Archive;
  /** A file of the archive that is the finished program. */
  readonly finished?: string;
  /** C files, below the archive's directory if there is one, else below this one. */
  readonly sources?: readonly string[];
  /** C files of this directory that are compiled in. */
  readonly port?: readonly string[];
  readonly flags?: readonly string[];
  readonly libraries?: readonly string[];
  /** Bytes of the C stack; 1 MiB if not said. */
  readonly stackBytes?: number;
  /** The function at which unwinding ends: the module gets code that unwinds (throwing.ts). */
  readonly throwsTo?: string;
}

const EMULATED = ["signal", "process-clocks", "getpid"];

/** Flags and libraries for sources that expect the parts of POSIX that the C library emulates. */
const emulation = {
  flags: EMULATED.map((name) => `-D_WASI_EMULATED_${name.toUpperCase().replaceAll("-", "_")}`),
  libraries: EMULATED.map((name) => `wasi-emulated-${name}`),
};

const SQLITE: Archive = {
  from: "npm",
  name: "sqlite3@6.0.1",
  file: "sqlite3-6.0.1.tgz",
  sha256: "ab8d044a93e05bd031d7ea75547c7fa60387cdc259d27f93c0e3e2832c4b1df9",
  inner: "package/deps/sqlite-autoconf-3520000.tar.gz",
};

const LUA: Archive = {
  from: "debian",
  name: "lua5.4",
  file: "lua5.4_5.4.4.orig.tar.gz",
  sha256: "164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61",
};

const ZLIB: Archive = {
  from: "debian",
  name: "zlib",
  file: "zlib_1.2.13.dfsg.orig.tar.bz2",
  sha256: "71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1",
};

const ESBUILD: Archive = {
  from: "npm",
  name: "@esbuild/wasi-preview1@0.27.2",
  file: "esbuild-wasi-preview1-0.27.2.tgz",
  sha256: "1233c0473ab65f3c28943b8456a675d22bc060f0459345d27a82af0226f5dd55",
};

const inC = (names: string): string[] => names.split(" ").map((name) => `${name}.c`);

/** Lua's library and interpreter, without its compiler. */
const LUA_SOURCES = inC(
  "lapi lauxlib lbaselib lcode lcorolib lctype ldblib ldebug ldo ldump lfunc lgc linit liolib llex lmathlib lmem " +
    "loadlib lobject lopcodes loslib lparser lstate lstring lstrlib ltable ltablib ltm lua lundump lutf8lib lvm lzio",
).map((file) => `lua-5.4.4/src/${file}`);

const ZLIB_SOURCES = inC(
  "adler32 compress crc32 deflate gzclose gzlib gzread gzwrite infback inffast inflate inftrees trees uncompr zutil",
).map((file) => `zlib-1.2.13.dfsg/${file}`);

/** Programs that others wrote, unchanged. */
export const FOREIGN: readonly Recipe[] = [
  {
    name: "sqlite3",
    archive: SQLITE,
    sources: ["sqlite-autoconf-3520000/shell.c", "sqlite-autoconf-3520000/sqlite3.c"],
    port: ["port/unix.c"],
    flags: [
      ...emulation.flags,
      "-DSQLITE_THREADSAFE=0",
      "-DSQLITE_OMIT_LOAD_EXTENSION",
      "-DSQLITE_NOHAVE_SYSTEM",
      "-DSQLITE_ENABLE_FTS5",
      "-DSQLITE_ENABLE_RTREE",
      "-DSQLITE_ENABLE_MATH_FUNCTIONS",
    ],
    libraries: emulation.libraries,
  },
  {
    name: "lua",
    archive: LUA,
    sources: LUA_SOURCES,
    port: ["port/lua-errors.c", "port/unix.c"],
    flags: [...emulation.flags, "-include", "port/unix.h", "-include", "port/lua-errors.h"],
    libraries: emulation.libraries,
    throwsTo: "exolith_protect",
  },
  {
    name: "minigzip",
    archive: ZLIB,
    sources: [...ZLIB_SOURCES, "zlib-1.2.13.dfsg/test/minigzip.c"],
    flags: ["-DHAVE_UNISTD_H"],
  },
  { name: "esbuild", archive: ESBUILD, finished: "package/esbuild.wasm" },
];

const own = (directory: string, names: string): Recipe[] =>
  names.split(" ").map((name) => ({ name, sources: [`${directory}/${name}.c`] }));

/** Small programs of our own. */
export const OWN: readonly Recipe[] = own(
  "own",
  "hello cat arguments files directories recursion loops allocate sort hash sha256 lz matmul coremark",
);

/** Programs that try to get what is not theirs. */
export const ATTACKS: readonly Recipe[] = own(
  "attack",
  "attack-read attack-loop attack-fill attack-grow attack-descriptors attack-output attack-recursion attack-paths attack-pointers",
).map((recipe) => (recipe.name === "attack-fill" ? { ...recipe, flags: ["-mbulk-memory"] } : recipe));

/** What an implementation of preview 1 must do, checked by programs that end with 0 if it does. */
export const CONFORMANCE: readonly Recipe[] = own(
  "conformance",
  "appending arguments-given clocks directory-descriptor exit-code given-directories hard-links links links-out listing moving no-sockets numbers opening paths polling positions random rights sizes streams",
).map((recipe) => ({ ...recipe, port: ["conformance/check.c"] }));

/** Every program. */
export const RECIPES: readonly Recipe[] = [...OWN, ...ATTACKS, ...CONFORMANCE, ...FOREIGN];
