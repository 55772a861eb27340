/** Reads the constant expressions of globals, elements and data. */
import type { ByteReader } from "./byte-reader.ts";
import { isReferenceByte } from "./instruction-reader.ts";
import { refuse } from "./module-refusal.ts";
import { VECTOR_PREFIX } from "./opcodes.ts";
import type { ParsedModule } from "./parsed-module.ts";

const END = 0x0b;
const GLOBAL_GET = 0x23;
const I32_CONST = 0x41;
const I64_CONST = 0x42;
const F32_CONST = 0x43;
const F64_CONST = 0x44;
const REF_NULL = 0xd0;
const REF_FUNC = 0xd2;
const V128_CONST = 0x0c;

/** A signed LEB128 number of 32 bits, as an unsigned one. */
function readI32(reader: ByteReader): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = reader.u8();
    value |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    if (byte >= 0x40 && shift < 28) value |= -1 << (shift + 7);
    return value >>> 0;
  }
  return refuse("Malformed", reader.at, "number of 32 bits");
}

/** Notes that the number at `reader` is a global's, whose value it gives. */
function readGlobal(reader: ByteReader, module: ParsedModule): number | undefined {
  const from = reader.at;
  const index = reader.u32();
  if (index >= module.globals.length) refuse("Malformed", from, "global");
  module.globalUses.push({ from, to: reader.at, index });
  return module.globals[index]?.value;
}

function readOperand(reader: ByteReader, module: ParsedModule): number | undefined {
  const start = reader.at;
  switch (reader.u8()) {
    case I32_CONST:
      return readI32(reader);
    case GLOBAL_GET:
      return readGlobal(reader, module);
    case I64_CONST:
      reader.skipNumber(10);
      return undefined;
    case F32_CONST:
      reader.skip(4);
      return undefined;
    case F64_CONST:
      reader.skip(8);
      return undefined;
    case REF_FUNC:
      module.references.push(reader.u32());
      return undefined;
    case REF_NULL:
      if (!isReferenceByte(reader.u8())) refuse("Unsupported", start, "type of a reference");
      return undefined;
    case VECTOR_PREFIX:
      if (reader.u32() !== V128_CONST) refuse("Unsupported", start, "extended constants");
      reader.skip(16);
      return undefined;
    default:
      return refuse("Unsupported", start, "extended constants");
  }
}

/**
 * Passes over a constant expression, which is one instruction and an `end`.
 *
 * Its value as an unsigned number when it is an i32 that is known now, else
 * undefined; the types are the engine's to check. Uses of globals are noted.
 */
export function readConstant(reader: ByteReader, module: ParsedModule): number | undefined {
  const value = readOperand(reader, module);
  if (reader.u8() !== END) refuse("Unsupported", reader.at - 1, "extended constants");
  return value;
}
