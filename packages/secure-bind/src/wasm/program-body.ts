/**
 * Rewrites the bodies of a program's functions: translated, charged, and to be suspended.
 *
 * Two looks at each instruction: one for the plan (suspension-plan.ts), and one
 * that writes. Functions that cannot be suspended are copied with their accesses
 * rewritten; in the others blocks with points move to their dispatcher, and
 * operands wait in locals wherever control may come in from elsewhere.
 */
import type { AddedTypes } from "./added-types.ts";
import { BodyAssembler, ENGINE_BODY_BYTES } from "./body-assembler.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { CallSurvey } from "./call-survey.ts";
import { entryFuel, frameBytes, writeOne } from "./charges.ts";
import { FuelRegions } from "./fuel-regions.ts";
import { refuseForbidden, type InstructionReader } from "./instruction-reader.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { LocalGroups } from "./local-groups.ts";
import type { MemoryModel } from "./memory-model.ts";
import { type ModuleLimits, demandWithin } from "./module-limits.ts";
import { refuse } from "./module-refusal.ts";
import { movesOfCall, movesOfKinds } from "./moves.ts";
import { BULK_CODES, IMMEDIATE, IMMEDIATES, KIND } from "./opcodes.ts";
import { OperandWriter } from "./operand-writer.ts";
import { type FunctionType, type ParsedModule, type Range, typeOfFunction } from "./parsed-module.ts";
import { arrive, arriveInFront, arriveIndirectly } from "./program-arrival.ts";
import { SavedFrame, openFrame, writeConstant, writeEntry, writeUnwinding } from "./program-frame.ts";
import { ProgramLabels } from "./program-labels.ts";
import { SLOT } from "./scratch-locals.ts";
import { SuspensionPlan } from "./suspension-plan.ts";
import { VALUE_TYPES } from "./value-type.ts";

/** Functions that are added to a program, by their numbers. */
export interface ProgramFunctions {
  /** Stops because calls are too deep. */
  tooDeep(): number;
  /** `(count)`: charges for elements of a table. */
  chargeElements(grows: boolean): number;
  /** The global that says how long a data segment is. */
  segmentLength(index: number): number;
}

/** What a body is rewritten with: one for a whole module. */
export interface ProgramContext {
  readonly module: ParsedModule;
  readonly limits: ModuleLimits;
  /** `KIND` of each instruction, with the forbidden ones marked. */
  readonly kinds: Uint8Array;
  /** How far the module's globals moved. */
  readonly globalShift: number;
  readonly hasVectors: boolean;
  readonly forbidsVectors: boolean;
  readonly types: AddedTypes;
  readonly functions: ProgramFunctions;
  readonly model: MemoryModel;
  readonly survey: CallSurvey;
}

const NO_RESULT_TYPE = -64;
/** `table.grow` and `table.fill`, in the table of opcodes. */
const TABLE_GROW = BULK_CODES + 15;
const TABLE_GET = 0x25;
const GLOBAL_GET = INSTRUCTIONS["global.get"];
const GLOBAL_SET = INSTRUCTIONS["global.set"];
const LOCAL_GET = INSTRUCTIONS["local.get"];
const LOCAL_TEE = INSTRUCTIONS["local.tee"];
const CALL = INSTRUCTIONS.call;
const END = INSTRUCTIONS.end;
const { i32, funcref } = VALUE_TYPES;

const NOTHING: FunctionType = { parameters: [], results: [] };
/** Types of blocks that leave one value, by its byte. */
const ONE: readonly FunctionType[] = Array.from({ length: 128 }, (_, type) => ({
  parameters: [],
  results: [type],
}));

/** Operations that may take long, in front of which is a point. */
const RANGES: ReadonlySet<number> = new Set([
  KIND.memoryFill,
  KIND.memoryCopy,
  KIND.memoryInit,
  KIND.tableRange,
]);
/** Fuel that calls which are not checked may use in one function: some milliseconds. */
const UNCHECKED_MAX = 2 ** 24;
/** Instructions on one way through a function that are counted for its frame. */
const PATH_MAX = 1_024;

/** Rewrites the bodies of one module, one after another. */
export class ProgramBody {
  readonly #context: ProgramContext;
  readonly #writer: OperandWriter;
  readonly #groups: LocalGroups;
  readonly #assembler: BodyAssembler = new BodyAssembler();
  readonly #entry: ByteWriter = new ByteWriter(256);
  readonly #plan: SuspensionPlan;
  readonly #regions: FuelRegions = new FuelRegions();
  readonly #labels: ProgramLabels;
  readonly #tooDeep: number;
  readonly #movesOfKinds: Float64Array;
  #moves = 0;
  /** What is looked at for each local: see moves.ts. */
  #joins = 0;
  #allMoves = 0;
  /** Whether code that was written changes tables. */
  changesTables = false;
  #suspends = false;
  #instructions = 0;
  /** Fuel of calls that are not checked. */
  #unchecked = 0;

  constructor(context: ProgramContext) {
    const { module, limits, model, functions } = context;
    this.#context = context;
    this.#writer = new OperandWriter(module.bytes);
    this.#groups = new LocalGroups(module.bytes, context);
    this.#plan = new SuspensionPlan(limits, (kind, reader) => this.#isPoint(kind, reader));
    this.#movesOfKinds = movesOfKinds(model.loadMoves, model.storeMoves);
    this.#tooDeep = functions.tooDeep();
    this.#labels = new ProgramLabels({
      limits,
      plan: this.#plan,
      writer: this.#writer,
      regions: this.#regions,
    });
  }

  #isPoint(kind: number, { first }: InstructionReader): boolean {
    const { survey } = this.#context;
    if (kind === KIND.call) return survey.suspends(first);
    if (kind === KIND.callIndirect) return survey.typeSuspends(first);
    return RANGES.has(kind);
  }

  /** Writes the body of own function `index`, behind its size. */
  rewrite(index: number, to: ByteWriter): void {
    const { module, limits, survey } = this.#context;
    const body = module.bodies[index] as Range;
    const type = module.types[module.functionTypes[index] ?? 0] as FunctionType;
    this.#groups.read(body, type.parameters.length);
    this.#suspends = survey.suspends(module.imports.length + index);
    this.#begin(type, body);
    this.#walk(body.to);
    // Locals that were added are there from the function's beginning.
    this.#moves += this.#labels.tableMoves + this.#joins * this.#writer.scratch.count;
    this.#allMoves += this.#moves;
    demandWithin(this.#moves, limits, "moves", body.from);
    demandWithin(this.#allMoves, limits, "allMoves", body.from);
    this.#finish(body, type, to);
  }

  #begin({ parameters, results }: FunctionType, body: Range): void {
    const writer = this.#writer;
    const { reader } = writer;
    writer.begin(this.#groups.types(parameters), this.#groups.end);
    this.#regions.begin();
    this.#moves = 2 * this.#groups.count;
    this.#joins = 0;
    this.#instructions = 0;
    this.#unchecked = 0;
    if (this.#suspends) {
      this.#plan.read(reader, this.#context.kinds, body.to);
      demandWithin(this.#plan.points, this.#context.limits, "points", body.from);
      reader.at = this.#groups.end;
      this.#labels.point = writer.scratch.add(i32);
    }
    this.#labels.begin(results, this.#suspends);
  }

  #walk(end: number): void {
    const writer = this.#writer;
    const labels = this.#labels;
    const { reader } = writer;
    const { kinds } = this.#context;
    let steps = 0;
    while (reader.at < end && labels.isOpen) {
      reader.next();
      const kind = kinds[reader.code] ?? KIND.unknown;
      if (!labels.isReached) {
        this.#skip(kind);
        continue;
      }
      steps += 1;
      if (kind === KIND.plain) {
        writer.plain();
        continue;
      }
      this.#pay(steps);
      steps = 0;
      this.#special(kind);
    }
    if (reader.at !== end || labels.isOpen) refuse("Malformed", reader.start, "code");
  }

  #pay(steps: number): void {
    this.#regions.add(steps);
    this.#instructions += steps;
  }

  #skip(kind: number): void {
    const { reader } = this.#writer;
    if (kind === KIND.unknown) reader.refuseUnknown();
    else if (kind === KIND.forbidden) refuseForbidden(reader);
    this.#labels.skip(kind);
  }

  #special(kind: number): void {
    const { operands, reader, code } = this.#writer;
    const labels = this.#labels;
    const moves = this.#movesOfKinds[kind] ?? 0;
    if (moves !== 0) this.#joins += moves;
    this.#moves += moves * (this.#groups.count + operands.height);
    demandWithin(this.#moves, this.#context.limits, "moves", reader.start);
    if (code.length > ENGINE_BODY_BYTES) refuse("TooLarge", reader.start, "bodyBytes");
    switch (kind) {
      case KIND.load:
      case KIND.store:
        this.#writer.plain();
        this.#writer.replace();
        this.#context.model.access(reader, code, this.#writer.scratch);
        return;
      case KIND.block:
      case KIND.if:
      case KIND.loop:
        labels.open(kind, this.#blockType());
        return;
      case KIND.else:
        labels.else();
        return;
      case KIND.end:
        labels.close();
        return;
      case KIND.br:
        labels.branch(reader.first);
        return;
      case KIND.brIf:
        labels.branchIf(reader.first);
        return;
      case KIND.brTable:
        labels.branchTable();
        return;
      case KIND.return:
        labels.branch();
        return;
      case KIND.unreachable:
        labels.trap();
        code.u8(INSTRUCTIONS.unreachable);
        labels.leave();
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

  #blockType(): FunctionType {
    const { first, start } = this.#writer.reader;
    if (first === NO_RESULT_TYPE) return NOTHING;
    if (first < 0) return ONE[first & 0x7f] ?? NOTHING;
    return this.#context.module.types[first] ?? refuse("Malformed", start, "type");
  }

  #global(): void {
    const writer = this.#writer;
    const { module, globalShift } = this.#context;
    const { first, code, start } = writer.reader;
    const { type } = module.globals[first] ?? refuse("Malformed", start, "global");
    if (code === GLOBAL_SET) writer.take(1);
    writer.replace();
    writeOne(writer.code, code, first + globalShift);
    if (code === GLOBAL_GET) writer.operands.push(type);
  }

  #call(kind: number): void {
    const { survey, module } = this.#context;
    const { first, start } = this.#writer.reader;
    const isDirect = kind === KIND.call;
    const number = isDirect ? typeOfFunction(module, first) : first;
    const type = module.types[number ?? -1] ?? refuse("Malformed", start, "type");
    this.#moves += movesOfCall(type);
    const taken = type.parameters.length + (isDirect ? 0 : 1);
    if (isDirect ? survey.suspends(first) : survey.typeSuspends(first)) this.#suspendingCall(type, taken);
    else {
      const fuel = isDirect ? survey.fuel(first) : survey.typeFuel(first);
      this.#regions.add(fuel);
      this.#unchecked += fuel;
      if (this.#unchecked > UNCHECKED_MAX) refuse("TooLarge", start, "fuel between two checks");
      this.#writer.take(taken);
      this.#writer.operands.pushAll(type.results);
    }
  }

  /** A call that may be left in the middle. What is imported does not know that it is called again. */
  #suspendingCall(type: FunctionType, taken: number): void {
    const writer = this.#writer;
    const { code, operands, reader } = writer;
    const point = this.#labels.beginPoint();
    const { module, survey } = this.#context;
    if (reader.code === CALL) {
      if (reader.first < module.imports.length) arrive(code);
    } else if (survey.typeIsImported(reader.first)) arriveIndirectly(code);
    if (operands.height - operands.base < taken) refuse("Invalid", reader.start, "operands");
    writer.load(taken);
    writer.copyInstruction();
    operands.pop(taken, reader.start);
    operands.pushAll(type.results);
    this.#labels.unwindFrom(point);
  }

  /** A point in front of an operation that may take long: what was used before is paid for first. */
  #range(taken: number): void {
    const writer = this.#writer;
    const { code, operands, reader } = writer;
    const point = this.#labels.beginPoint();
    arriveInFront(code, this.#labels, point);
    if (operands.height - operands.base < taken) refuse("Invalid", reader.start, "operands");
    writer.load(taken);
    operands.pop(taken, reader.start);
  }

  #rare(kind: number): void {
    const writer = this.#writer;
    const { model } = this.#context;
    const { code } = writer;
    switch (kind) {
      case KIND.memorySize:
        writer.replace();
        model.size(code);
        writer.operands.push(i32);
        return;
      case KIND.memoryGrow:
        writer.take(1);
        writer.replace();
        model.grow(code, writer.scratch);
        writer.operands.push(i32);
        return;
      case KIND.memoryFill:
        this.#bulk(model.functions.fill());
        return;
      case KIND.memoryCopy:
        this.#bulk(model.functions.copy());
        return;
      case KIND.memoryInit:
        this.#bulk(model.functions.init(this.#segment()));
        return;
      case KIND.dataDrop:
        this.#dropData();
        return;
      case KIND.tableRange:
        this.#tableRange();
        return;
      case KIND.element:
        this.#element();
        return;
      case KIND.forbidden:
        refuseForbidden(writer.reader);
        return;
      default:
        writer.reader.refuseUnknown();
    }
  }

  #bulk(call: number): void {
    this.#range(3);
    this.#writer.pass();
    writeOne(this.#writer.code, CALL, call);
  }

  /** The number of the data segment that the instruction names. */
  #segment(): number {
    const { first, start } = this.#writer.reader;
    return first < this.#context.module.data.length ? first : refuse("Malformed", start, "data");
  }

  #dropData(): void {
    const writer = this.#writer;
    const length = this.#context.functions.segmentLength(this.#segment());
    writer.copy();
    writer.copyInstruction();
    writeConstant(writer.code, 0);
    writeOne(writer.code, GLOBAL_SET, length);
  }

  /** Charges for the number of elements on the stack, in front of the instruction. */
  #tableRange(): void {
    const writer = this.#writer;
    const { code, reader, operands } = writer;
    const grows = reader.code === TABLE_GROW;
    this.changesTables = true;
    this.#range(grows ? 2 : 3);
    const count = writer.scratch.local(SLOT.address);
    writeOne(code, LOCAL_TEE, count);
    writeOne(code, LOCAL_GET, count);
    writeOne(code, CALL, this.#context.functions.chargeElements(grows));
    writer.copyInstruction();
    if (grows) operands.push(i32);
  }

  #element(): void {
    const writer = this.#writer;
    const { reader } = writer;
    if (reader.code === TABLE_GET) {
      writer.take(1);
      writer.operands.push(this.#context.module.tables[reader.first]?.type ?? funcref);
    } else if (IMMEDIATES[reader.code] === IMMEDIATE.one && reader.code < BULK_CODES) {
      writer.take(2);
      this.changesTables = true;
    }
  }

  /** The bytes of stack that the function pays for. */
  #frame(body: Range, { parameters, results }: FunctionType): number {
    const { scratch, operands } = this.#writer;
    const frame = frameBytes({
      parameters: parameters.length,
      locals: this.#groups.count + scratch.count,
      results: results.length,
      operands: operands.highest,
      path: Math.min(this.#instructions, PATH_MAX),
      hasVectors: this.#context.hasVectors || this.#groups.vectors > 0 || scratch.hasVectors,
    });
    demandWithin(frame, this.#context.limits, "frameBytes", body.from);
    return frame;
  }

  /** Puts the body together: locals, what is done on entry, the code, and what is behind it. */
  #finish(body: Range, type: FunctionType, to: ByteWriter): void {
    const { code, scratch } = this.#writer;
    const fuel = this.#regions.finish(code);
    this.#entry.clear();
    if (this.#suspends) this.#frameCode(body, type, fuel);
    else code.u8(END);
    this.#assembler.write({ from: body.from, locals: this.#groups, scratch, entry: this.#entry, code }, to);
  }

  #frameCode(body: Range, type: FunctionType, fuel: number): void {
    const { code, scratch, saved: locals } = this.#writer;
    const labels = this.#labels;
    const left = scratch.local(SLOT.address);
    const stack = scratch.local(SLOT.i32);
    const frame = this.#frame(body, type);
    const saved = new SavedFrame(labels.point, left, locals.all(body.from));
    const { count, vectors } = this.#groups;
    openFrame(this.#entry, (to) => this.#context.types.writeBlock(type.results, to), this.#plan.labels(0));
    labels.rewind(2);
    writeEntry(this.#entry, {
      instructions: fuel + entryFuel(type.results.length + count - vectors, vectors),
      frame,
      saved,
      point: labels.point,
      left,
      stack,
      tooDeep: this.#tooDeep,
      unwind: labels.unwind(),
      dispatch: (to, inside) => {
        labels.rewind(inside);
        labels.dispatch(to, 0);
      },
    });
    writeUnwinding(code, saved, frame, type.results);
  }
}
