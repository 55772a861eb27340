/** Reads the sections of an alien module within limits; function bodies stay unread. */
import { ByteReader } from "./byte-reader.ts";
import { demandWithin } from "./module-limits.ts";
import { refuse } from "./module-refusal.ts";
import type { Entries, ParseRules, ParsedModule } from "./parsed-module.ts";
import { readData, readDataCount, readElements } from "./read-segments.ts";
import {
  readCode,
  readExports,
  readFunctions,
  readGlobals,
  readImports,
  readMemories,
  readStart,
  readTables,
  readTypes,
} from "./read-sections.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

const CUSTOM = 0;
const TAGS = 13;

type SectionReader = (reader: ByteReader, module: ParsedModule, rules: ParseRules) => void;

/** The sections in the order in which they must stand, with what reads each. */
const SECTIONS: readonly (readonly [number, SectionReader])[] = [
  [1, readTypes],
  [2, readImports],
  [3, readFunctions],
  [4, readTables],
  [5, readMemories],
  [TAGS, (reader) => refuse("Unsupported", reader.at, "exceptions")],
  [6, readGlobals],
  [7, readExports],
  [8, readStart],
  [9, readElements],
  [12, readDataCount],
  [10, readCode],
  [11, readData],
];

const none: Entries = Object.freeze({ count: 0, from: 0, to: 0 });

const emptyModule = (bytes: Uint8Array): ParsedModule => ({
  bytes,
  types: [],
  typeEntries: none,
  imports: [],
  importTypes: [],
  functionTypes: [],
  functionEntries: none,
  tables: [],
  memoryPages: undefined,
  maximumPages: undefined,
  globals: [],
  globalEntries: none,
  exports: [],
  start: undefined,
  elementEntries: none,
  references: [],
  hasDataCount: false,
  bodies: [],
  data: [],
  globalUses: [],
});

function readHeader(reader: ByteReader): void {
  for (const [i, byte] of HEADER.entries()) if (reader.bytes[i] !== byte) refuse("NotAModule", i, "header");
  reader.skip(HEADER.length);
}

/** Reads one section behind the sections before place `least`; the least place of the next. */
function readSection(reader: ByteReader, module: ParsedModule, rules: ParseRules, least: number): number {
  const start = reader.at;
  const id = reader.u8();
  const size = reader.count();
  const from = reader.skip(size);
  if (id === CUSTOM) {
    readCustom(new ByteReader(reader.bytes, from, reader.at));
    return least;
  }
  const place = SECTIONS.findIndex(([known]) => known === id);
  const read = SECTIONS[place]?.[1];
  if (read === undefined || place < least) return refuse("Malformed", start, "section");
  const section = new ByteReader(reader.bytes, from, reader.at);
  read(section, module, rules);
  if (section.left !== 0) refuse("Malformed", section.at, "section size");
  return place + 1;
}

/** A custom section has a name; nothing else of it is looked at, and it is dropped. */
function readCustom(section: ByteReader): void {
  section.skip(section.count());
}

/**
 * The sections of a module.
 *
 * **Fails** ends the pass with a refusal. **Cost** O(bytes), and within the
 * limits whatever the bytes claim. No recursion.
 */
export function readModule(bytes: Uint8Array, rules: ParseRules): ParsedModule {
  demandWithin(bytes.length, rules.limits, "bytes", -1);
  const reader = new ByteReader(bytes);
  readHeader(reader);
  const module = emptyModule(bytes);
  for (let least = 0; reader.left > 0;) least = readSection(reader, module, rules, least);
  if (module.bodies.length !== module.functionTypes.length) refuse("Malformed", -1, "functions without code");
  return module;
}
