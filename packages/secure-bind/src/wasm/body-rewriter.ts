/**
 * Rewrites function bodies in one linear pass: no graph, no tree, one look at each instruction.
 *
 * What stays as it is is copied in runs. In between stand accesses to memory (by
 * the memory model), the module's own globals (which moved), bulk operations
 * (now calls), returns (now branches, because the frame is given back behind a
 * block around everything) and charges (see charges.ts).
 */
import type { AddedTypes } from "./added-types.ts";
import { BodyAssembler } from "./body-assembler.ts";
import { ByteWriter } from "./byte-writer.ts";
import { LEAF_FRAME_BYTES, chargeEntry, chargeRegion, entryFuel, frameBytes, giveBack } from "./charges.ts";
import { ControlStack } from "./control-stack.ts";
import { InstructionReader, refuseForbidden } from "./instruction-reader.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { LocalGroups } from "./local-groups.ts";
import { type ModuleLimits, demandWithin } from "./module-limits.ts";
import type { MemoryModel } from "./memory-model.ts";
import { refuse } from "./module-refusal.ts";
import { CHECK_MOVES, movesOfCall, movesOfKinds } from "./moves.ts";
import { BULK_CODES, HEIGHTS, KIND, VECTOR_CODES } from "./opcodes.ts";
import { type FunctionType, type ParsedModule, type Range, typeOfFunction } from "./parsed-module.ts";
import type { RuntimeFunctions } from "./runtime-functions.ts";
import { SLOT, ScratchLocals } from "./scratch-locals.ts";

/** What a body is rewritten with: one for a whole module. */
export interface RewriteContext {
  readonly module: ParsedModule;
  readonly limits: ModuleLimits;
  /** `KIND` of each instruction, with the forbidden ones marked. */
  readonly kinds: Uint8Array;
  /** How far the module's globals moved. */
  readonly globalShift: number;
  /** Whether vectors may come from a function or a global. */
  readonly hasVectors: boolean;
  /** Whether a local must not be a vector. */
  readonly forbidsVectors: boolean;
  readonly types: AddedTypes;
  readonly runtime: RuntimeFunctions;
  readonly model: MemoryModel;
}

/** The type of a block that takes and leaves nothing, as a signed number. */
const NO_RESULT_TYPE = -64;

const BR = INSTRUCTIONS.br;
const BLOCK = INSTRUCTIONS.block;
const CALL = INSTRUCTIONS.call;
const END = INSTRUCTIONS.end;
const I32_CONST = INSTRUCTIONS["i32.const"];
const LOCAL_GET = INSTRUCTIONS["local.get"];
const LOCAL_TEE = INSTRUCTIONS["local.tee"];
/** `table.grow`, in the table of opcodes. */
const TABLE_GROW = BULK_CODES + 15;

/**
 * Rewrites the bodies of one module, one after another.
 *
 * **Needs** nothing of the code: the engine has not looked at it yet, so that
 * limits come first. What it would refuse may be rewritten to nonsense.
 */
export class BodyRewriter {
  readonly #context: RewriteContext;
  readonly #reader: InstructionReader;
  readonly #locals: LocalGroups;
  readonly #code: ByteWriter = new ByteWriter(65_536);
  readonly #assembler: BodyAssembler = new BodyAssembler();
  readonly #entry: ByteWriter = new ByteWriter(64);
  readonly #scratch: ScratchLocals = new ScratchLocals();
  readonly #stack: ControlStack;
  readonly #overdrawn: number;
  /** Moves for each local and operand, by `KIND`; those of the function, and of the module so far. */
  readonly #movesOfKinds: Float64Array;
  #moves = 0;
  #allMoves = 0;
  /** Offset of the first byte that is neither copied nor replaced. */
  #copied = 0;
  /** Operands now, and at most. */
  #height = 0;
  #highest = 0;
  #calls = false;
  #hasVectors = false;
  /** Instructions on the longest way from the start to here that turns no loop, and on the longest of all. */
  #path = 0;
  #longest = 0;
  /** The region that pays, its instructions so far, and those of all regions of the function. */
  #region = 0;
  #count = 0;
  readonly #counts: number[] = [];
  readonly #patches: number[] = [];

  constructor(context: RewriteContext) {
    this.#context = context;
    this.#reader = new InstructionReader(context.module.bytes);
    this.#locals = new LocalGroups(context.module.bytes, context);
    this.#movesOfKinds = movesOfKinds(context.model.loadMoves, context.model.storeMoves);
    this.#stack = new ControlStack(context.limits.nesting + 1);
    this.#overdrawn = context.runtime.overdrawn();
  }

  /** Writes the body of own function `index`, behind its size. */
  rewrite(index: number, to: ByteWriter): void {
    const { module } = this.#context;
    const body = module.bodies[index] as Range;
    const type = module.types[module.functionTypes[index] ?? 0] as FunctionType;
    this.#locals.read(body, type.parameters.length);
    this.#begin(type);
    this.#walk(body.to);
    this.#allMoves += this.#moves;
    demandWithin(this.#moves, this.#context.limits, "moves", body.from);
    demandWithin(this.#allMoves, this.#context.limits, "allMoves", body.from);
    this.#counts[this.#region] = this.#count;
    for (let region = 1; region < this.#counts.length; region++)
      this.#code.patchS32(this.#patches[region] ?? 0, this.#counts[region] ?? 0);
    this.#finish(body, type, to);
  }

  /** Sets everything to the start of a function. */
  #begin(type: FunctionType): void {
    this.#scratch.begin(this.#locals.count);
    this.#reader.at = this.#locals.end;
    this.#moves = CHECK_MOVES * this.#locals.count;
    this.#hasVectors = this.#context.hasVectors || this.#locals.vectors > 0;
    this.#code.clear();
    this.#copied = this.#reader.at;
    this.#path = 0;
    this.#longest = 0;
    this.#height = 0;
    this.#calls = false;
    this.#region = 0;
    this.#count = 0;
    this.#counts.length = 0;
    this.#patches.length = 0;
    this.#stack.depth = 0;
    const place = this.#stack.open(KIND.block, 0, 0, 0);
    this.#stack.results[place] = type.results.length;
  }

  /** Walks over the code; what plain instructions change stays in variables between the others. */
  #walk(end: number): void {
    const reader = this.#reader;
    const stack = this.#stack;
    const { kinds } = this.#context;
    let height = 0;
    let highest = 0;
    let steps = 0;
    let hasVectors = false;
    while (reader.at < end && stack.depth > 0) {
      reader.next();
      steps += 1;
      const { code } = reader;
      const kind = kinds[code] ?? KIND.unknown;
      if (kind !== KIND.plain) {
        this.#height = height;
        this.#count += steps;
        this.#path += steps;
        steps = 0;
        this.#special(kind);
        height = this.#height;
      }
      height += HEIGHTS[code] ?? 0;
      if (height > highest) highest = height;
      if (code >= VECTOR_CODES) hasVectors = true;
    }
    this.#highest = highest;
    this.#hasVectors ||= hasVectors;
    if (reader.at !== end || stack.depth !== 0) refuse("Malformed", reader.start, "code");
  }

  /** Locals and operands: what the engine has to look at here. */
  #values(): number {
    return this.#locals.count + Math.max(this.#height, 0);
  }

  #special(kind: number): void {
    const moves = this.#movesOfKinds[kind] ?? 0;
    if (moves !== 0) this.#moves += moves * this.#values();
    switch (kind) {
      case KIND.load:
      case KIND.store:
        this.#copyTo(this.#reader.start);
        this.#context.model.access(this.#reader, this.#code, this.#scratch);
        return;
      case KIND.block:
      case KIND.if:
      case KIND.loop:
        this.#open(kind);
        return;
      case KIND.else:
        this.#else();
        return;
      case KIND.end:
        this.#close();
        return;
      case KIND.brIf:
        this.#stack.exit(this.#reader.first, this.#path);
        return;
      case KIND.br:
        this.#stack.exit(this.#reader.first, this.#path);
        this.#leave();
        return;
      case KIND.unreachable:
        this.#leave();
        return;
      case KIND.brTable:
        this.#markCases();
        this.#leave();
        return;
      case KIND.return:
        this.#replace(BR, this.#stack.depth - 1);
        this.#leave();
        return;
      case KIND.call:
      case KIND.callIndirect:
        this.#call(kind);
        return;
      case KIND.global:
        this.#global();
        return;
      default:
        this.#rare(kind);
    }
  }

  #global(): void {
    const { module, globalShift } = this.#context;
    const { first, code, start } = this.#reader;
    if (first >= module.globals.length) refuse("Malformed", start, "global");
    this.#replace(code, first + globalShift);
  }

  /** The number of the data segment that the instruction names. */
  #segment(): number {
    const { first, start } = this.#reader;
    return first < this.#context.module.data.length ? first : refuse("Malformed", start, "data");
  }

  #rare(kind: number): void {
    const { runtime, model } = this.#context;
    switch (kind) {
      case KIND.memorySize:
        this.#copyTo(this.#reader.start);
        model.size(this.#code);
        return;
      case KIND.memoryGrow:
        this.#copyTo(this.#reader.start);
        model.grow(this.#code, this.#scratch);
        return;
      case KIND.memoryFill:
        this.#replace(CALL, model.functions.fill());
        return;
      case KIND.memoryCopy:
        this.#replace(CALL, model.functions.copy());
        return;
      case KIND.memoryInit:
        this.#replace(CALL, model.functions.init(this.#segment()));
        return;
      case KIND.dataDrop:
        this.#copyTo(this.#reader.at);
        this.#code.u8(I32_CONST);
        this.#code.s32(0);
        this.#one(INSTRUCTIONS["global.set"], runtime.segmentLength(this.#segment()));
        return;
      case KIND.tableRange:
        this.#tableRange();
        return;
      case KIND.element:
        return;
      case KIND.forbidden:
        refuseForbidden(this.#reader);
        return;
      default:
        this.#reader.refuseUnknown();
    }
  }

  /** Copies what stands before `end` and was not, and passes over the instruction. */
  #copyTo(end: number): void {
    const { bytes } = this.#reader;
    const from = this.#copied;
    this.#copied = this.#reader.at;
    this.#code.run(bytes, from, end);
  }

  #one(opcode: number, immediate: number): void {
    this.#code.u8(opcode);
    this.#code.u32(immediate);
  }

  /** Writes another instruction in place of the one that was read. */
  #replace(opcode: number, immediate: number): void {
    this.#copyTo(this.#reader.start);
    this.#one(opcode, immediate);
  }

  /** Charges for the number of elements on the stack, in front of the instruction. */
  #tableRange(): void {
    const count = this.#scratch.local(SLOT.address);
    this.#copyTo(this.#reader.start);
    this.#one(LOCAL_TEE, count);
    this.#one(LOCAL_GET, count);
    this.#one(CALL, this.#context.runtime.chargeElements(this.#reader.code === TABLE_GROW));
    this.#copied = this.#reader.start;
  }

  #open(kind: number): void {
    const type = this.#reader.first;
    const isValue = type < 0;
    const named = isValue ? undefined : this.#typeAt(type);
    const parameters = named === undefined ? 0 : named.parameters.length;
    const condition = kind === KIND.if ? 1 : 0;
    demandWithin(this.#stack.depth, this.#context.limits, "nesting", this.#reader.start);
    const place = this.#stack.open(kind, this.#height - condition - parameters, this.#region, this.#path);
    this.#stack.parameters[place] = parameters;
    this.#stack.results[place] = named === undefined ? Number(type !== NO_RESULT_TYPE) : named.results.length;
    this.#height -= condition;
    if (kind === KIND.loop) this.#openRegion();
  }

  #typeAt(index: number): FunctionType {
    return this.#context.module.types[index] ?? refuse("Malformed", this.#reader.start, "type");
  }

  #else(): void {
    const stack = this.#stack;
    const place = stack.depth - 1;
    this.#height = (stack.heights[place] ?? 0) + (stack.parameters[place] ?? 0);
    stack.exit(0, this.#path);
    this.#path = stack.entryPaths[place] ?? 0;
    this.#resumeRegion(place);
  }

  /** Closes a block; the function's own end is written later. */
  #close(): void {
    const stack = this.#stack;
    const place = stack.depth - 1;
    this.#joinPaths(place);
    stack.depth = place;
    if (place === 0) {
      this.#copyTo(this.#reader.start);
      return;
    }
    this.#height = (stack.heights[place] ?? 0) + (stack.results[place] ?? 0);
    this.#resumeRegion(place);
    if (stack.isCase[place] === 1) this.#openRegion();
  }

  /** The longest way to the end of a block is through it, or from a branch; an `if` may have no `else`. */
  #joinPaths(place: number): void {
    const stack = this.#stack;
    if (this.#path > this.#longest) this.#longest = this.#path;
    if (stack.kinds[place] === KIND.loop) return;
    this.#path = Math.max(this.#path, stack.exitPaths[place] ?? 0);
    if (stack.kinds[place] === KIND.if) this.#path = Math.max(this.#path, stack.entryPaths[place] ?? 0);
  }

  /** What follows is not executed, until a block ends: what its operands were does not matter. */
  #leave(): void {
    this.#height = this.#stack.heights[this.#stack.depth - 1] ?? 0;
    if (this.#path > this.#longest) this.#longest = this.#path;
    this.#path = 0;
  }

  /** Marks the blocks that a table of labels branches out of: another region follows each. A block pays once. */
  #markCases(): void {
    const reader = this.#reader;
    const stack = this.#stack;
    const { at, start, first: labels } = reader;
    const values = this.#values();
    reader.at = reader.second;
    for (let i = 0; i <= labels; i++) {
      const place = stack.exit(reader.u32(), this.#path);
      if (place > 0 && stack.kinds[place] !== KIND.loop) stack.isCase[place] = 1;
      this.#moves += stack.tables[place] === start ? 1 : values;
      if (place >= 0) stack.tables[place] = start;
    }
    reader.at = at;
  }

  #call(kind: number): void {
    const { first } = this.#reader;
    const number = kind === KIND.call ? typeOfFunction(this.#context.module, first) : first;
    const type = this.#typeAt(number ?? -1);
    const { parameters, results } = type;
    this.#calls = true;
    this.#moves += movesOfCall(type);
    this.#height += results.length - parameters.length - (kind === KIND.call ? 0 : 1);
  }

  /** From here on a new region pays, which is charged here. */
  #openRegion(): void {
    this.#copyTo(this.#reader.at);
    this.#counts[this.#region] = this.#count;
    // A loop pays for every turn, even if there is nothing in it.
    this.#count = 1;
    this.#region = this.#counts.push(1) - 1;
    this.#patches[this.#region] = chargeRegion(this.#code, this.#scratch, this.#overdrawn);
  }

  /** The region pays again that paid when the block at `place` was opened: only through there is what follows reached. */
  #resumeRegion(place: number): void {
    this.#counts[this.#region] = this.#count;
    this.#region = this.#stack.regions[place] ?? 0;
    this.#count = this.#counts[this.#region] ?? 0;
  }

  /** The bytes of stack that the function pays for, or 0. */
  #frame(body: Range, type: FunctionType): number {
    const frame = frameBytes({
      parameters: type.parameters.length,
      locals: this.#locals.count + this.#scratch.count,
      results: type.results.length,
      operands: this.#highest,
      path: this.#longest,
      hasVectors: this.#hasVectors,
    });
    demandWithin(frame, this.#context.limits, "frameBytes", body.from);
    return this.#calls || frame > LEAF_FRAME_BYTES ? frame : 0;
  }

  /** Puts the body together: locals, what is paid on entry, the code, and giving back. */
  #finish(body: Range, type: FunctionType, to: ByteWriter): void {
    const frame = this.#frame(body, type);
    const entry = this.#entry;
    entry.clear();
    const { count, vectors } = this.#locals;
    const values = type.results.length + count - vectors;
    const instructions = (this.#counts[0] ?? 0) + entryFuel(values, vectors);
    chargeEntry(entry, this.#scratch, { instructions, frame, overdrawn: this.#overdrawn });
    if (frame !== 0) {
      entry.u8(BLOCK);
      this.#context.types.writeBlock(type.results, entry);
      this.#code.u8(END);
      giveBack(this.#code, frame);
    }
    this.#code.u8(END);
    this.#assembler.write(
      { from: body.from, locals: this.#locals, scratch: this.#scratch, entry, code: this.#code },
      to,
    );
  }
}
