/** Readers of the sections that fill things: elements and data. */
import type { ByteReader } from "./byte-reader.ts";
import { readConstant } from "./constant-expression.ts";
import { demandWithin } from "./module-limits.ts";
import { refuse } from "./module-refusal.ts";
import type { ParseRules, ParsedModule } from "./parsed-module.ts";
import { VALUE_TYPES } from "./value-type.ts";

/** Bits of the flags of an element segment. */
const PASSIVE = 1;
const NAMES_TABLE = 2;
const EXPRESSIONS = 4;
const ELEMENT_FLAGS = 7;
/** The kind of elements that are functions. */
const FUNCTION_ELEMENTS = 0;

/** Forms of a data segment. */
const DATA_ACTIVE = 0;
const DATA_PASSIVE = 1;
const DATA_NAMES_MEMORY = 2;

/** The type of a segment's elements, which only those have that may not be of functions in table 0. */
function readElementType(reader: ByteReader, flags: number): void {
  if ((flags & (PASSIVE | NAMES_TABLE)) === 0) return;
  const at = reader.at;
  const type = reader.u8();
  if ((flags & EXPRESSIONS) === 0) {
    if (type !== FUNCTION_ELEMENTS) refuse("Malformed", at, "elements");
  } else if (type !== VALUE_TYPES.funcref && type !== VALUE_TYPES.externref)
    refuse("Unsupported", at, "type of elements");
}

/** Passes over one element segment; how many elements it has. */
function readElement(reader: ByteReader, module: ParsedModule): number {
  const at = reader.at;
  const flags = reader.u32();
  if (flags > ELEMENT_FLAGS) refuse("Malformed", at, "elements");
  if ((flags & PASSIVE) === 0) {
    if ((flags & NAMES_TABLE) !== 0) reader.u32();
    readConstant(reader, module);
  }
  readElementType(reader, flags);
  const count = reader.count();
  for (let i = 0; i < count; i++) {
    if ((flags & EXPRESSIONS) === 0) module.references.push(reader.u32());
    else readConstant(reader, module);
  }
  return count;
}

/** Element segments, which are kept. */
export function readElements(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const at = reader.at;
  const count = reader.count(2);
  demandWithin(count, rules.limits, "elements", at);
  const from = reader.at;
  for (let i = 0, elements = 0; i < count; i++) {
    elements += readElement(reader, module);
    demandWithin(elements, rules.limits, "elements", at);
  }
  module.elementEntries = { count, from, to: reader.at };
}

/** How many data segments come: the engine compares. */
export function readDataCount(reader: ByteReader, module: ParsedModule): void {
  reader.u32();
  module.hasDataCount = true;
}

function readOffset(reader: ByteReader, module: ParsedModule, form: number): number | undefined {
  const at = reader.at;
  if (form === DATA_PASSIVE) return undefined;
  if (form === DATA_NAMES_MEMORY && reader.u32() !== 0) refuse("Unsupported", at, "several memories");
  return readConstant(reader, module) ?? refuse("BadData", at, "offset that is not known");
}

/** Data segments; those with an offset must lie inside the memory. */
export function readData(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const at = reader.at;
  const count = reader.count(2);
  demandWithin(count, rules.limits, "dataSegments", at);
  const memoryBytes = (module.memoryPages ?? 0) * 65_536;
  for (let i = 0, bytes = 0; i < count; i++) {
    const start = reader.at;
    const form = reader.u32();
    if (form !== DATA_ACTIVE && form !== DATA_PASSIVE && form !== DATA_NAMES_MEMORY)
      refuse("Malformed", start, "data");
    const offset = readOffset(reader, module, form);
    const size = reader.count();
    bytes += size;
    demandWithin(bytes, rules.limits, "dataBytes", start);
    if (offset !== undefined && offset + size > memoryBytes) refuse("BadData", start, `${offset} + ${size}`);
    const from = reader.skip(size);
    module.data.push({ offset, from, to: reader.at });
  }
}
