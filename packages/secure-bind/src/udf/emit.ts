/** The WebAssembly function of a program. */
import type { FunctionBuilder } from "../wasm/function-builder.ts";
import type { Mnemonic } from "../wasm/instructions.ts";
import type { ModuleBuilder } from "../wasm/module-builder.ts";
import type { ValueType } from "../wasm/value-type.ts";
import { anyMemory } from "../code-memory.ts";
import { UDF_ARGUMENTS } from "./limits.ts";
import { UDF_FAULTS, type UdfFaultReason } from "./run.ts";
import { listSteps, turnSteps } from "./steps.ts";
import type {
  Udf,
  UdfEmit,
  UdfExpression,
  UdfLoad,
  UdfOperator,
  UdfRange,
  UdfRepeat,
  UdfStatement,
  UdfWidth,
} from "./term.ts";

// Parameters of the function.
const BASES: { readonly [R in UdfRange]: number } = { block: 0, proposed: 2 };
const LENGTHS: { readonly [R in UdfRange]: number } = { block: 1, proposed: 3 };
const STEP_LIMIT = 4;
const ARGUMENTS = 5;
const PARAMETERS: number = ARGUMENTS + UDF_ARGUMENTS;

/** The faults that generated code jumps to; the others come out of what it calls. */
const RAISED: readonly UdfFaultReason[] = [
  "OutOfBounds",
  "DivideByZero",
  "OutOfSteps",
  "BadAnswer",
  "Raised",
];

const OPCODES: { readonly [O in UdfOperator]: Mnemonic } = {
  add: "i32.add",
  subtract: "i32.sub",
  multiply: "i32.mul",
  divide: "i32.div_u",
  remainder: "i32.rem_u",
  and: "i32.and",
  or: "i32.or",
  xor: "i32.xor",
  shiftLeft: "i32.shl",
  shiftRight: "i32.shr_u",
  equal: "i32.eq",
  notEqual: "i32.ne",
  less: "i32.lt_u",
  lessOrEqual: "i32.le_u",
  greater: "i32.gt_u",
  greaterOrEqual: "i32.ge_u",
};

const LOADS: { readonly [W in UdfWidth]: Mnemonic } = { 1: "i32.load8_u", 2: "i32.load16_u", 4: "i32.load" };

/** The turns of a loop: which is next, and how many there are. */
interface Counter {
  readonly turn: number;
  readonly turns: number;
}

/** A function under construction. */
class Emitter {
  readonly #code: FunctionBuilder;
  readonly #program: Udf;
  readonly #emit: number;
  /** Blocks that are open; label number n counts from the outside, a branch from the inside. */
  #depth = 0;
  #loops = 0;
  readonly #labels: Map<UdfFaultReason | "end", number> = new Map();
  readonly #counters: Counter[] = [];
  /** How far a load of each width may begin behind the beginning of its range, exclusively. */
  readonly #reaches: { readonly [R in UdfRange]: { readonly [W in UdfWidth]: number } };
  readonly #locals: readonly number[];
  readonly #left: number;
  readonly #scratch: number;
  readonly #fault: number;
  readonly #answer: number;
  readonly #extentStart: number;
  readonly #extentCount: number;
  readonly #extentType: number;

  constructor(code: FunctionBuilder, program: Udf, emit: number) {
    this.#code = code;
    this.#program = program;
    this.#emit = emit;
    this.#locals = Array.from({ length: program.locals }, () => code.local("i32"));
    this.#left = code.local("i32");
    this.#scratch = code.local("i32");
    this.#fault = code.local("i32");
    this.#answer = code.local("i32");
    this.#extentStart = code.local("i32");
    this.#extentCount = code.local("i32");
    this.#extentType = code.local("i32");
    const reach = (range: UdfRange): { readonly [W in UdfWidth]: number } => ({
      1: LENGTHS[range],
      2: code.local("i32"),
      4: code.local("i32"),
    });
    this.#reaches = { block: reach("block"), proposed: reach("proposed") };
  }

  /** The whole function; `end` is what it calls before it returns. */
  program(end: number): void {
    const code = this.#code;
    this.#prologue("block");
    if (this.#program.kind === "acl") this.#prologue("proposed");
    code.get(STEP_LIMIT).set(this.#left);
    this.#open("end");
    for (const reason of RAISED) this.#open(reason);
    this.#enter(this.#program.body);
    this.#branch("end");
    for (const reason of RAISED.toReversed()) {
      this.#close();
      code.i32(1 + UDF_FAULTS.indexOf(reason)).set(this.#fault);
      this.#branch("end");
    }
    this.#close();
    code.get(this.#fault).get(this.#answer).op("call", end);
    code.get(STEP_LIMIT).get(this.#left).op("i32.sub");
  }

  /** How far loads may reach: the range's length less the other bytes of the load; 0 when it is too short. */
  #prologue(range: UdfRange): void {
    for (const width of [2, 4] as const) {
      this.#code
        .get(LENGTHS[range])
        .i32(width - 1)
        .op("i32.sub")
        .i32(0);
      this.#code.get(LENGTHS[range]).i32(width).op("i32.ge_u").op("select");
      this.#code.set(this.#reaches[range][width]);
    }
  }

  #open(label: UdfFaultReason | "end"): void {
    this.#code.open("block");
    this.#labels.set(label, ++this.#depth);
  }

  #close(): void {
    this.#code.end();
    this.#depth--;
  }

  #distance(label: UdfFaultReason | "end"): number {
    return this.#depth - (this.#labels.get(label) ?? 0);
  }

  #branch(label: UdfFaultReason | "end"): void {
    this.#code.op("br", this.#distance(label));
  }

  /** Ends with a fault if the number on the stack is not 0. */
  #faultIf(reason: UdfFaultReason): void {
    this.#code.op("br_if", this.#distance(reason));
  }

  #pay(steps: number): void {
    if (steps === 0) return;
    this.#code.get(this.#left).i32(steps).op("i32.lt_u");
    this.#faultIf("OutOfSteps");
    this.#code.get(this.#left).i32(steps).op("i32.sub").set(this.#left);
  }

  #enter(list: readonly UdfStatement[]): void {
    this.#pay(listSteps(list));
    this.#each(list);
  }

  #each(list: readonly UdfStatement[]): void {
    for (const statement of list) this.#statement(statement);
  }

  #statement(statement: UdfStatement): void {
    switch (statement.kind) {
      case "set":
        this.#push(statement.value);
        this.#code.set(this.#local(statement.local));
        break;
      case "if":
        this.#if(statement);
        break;
      case "repeat":
        this.#repeat(statement);
        break;
      case "while":
        this.#while(statement);
        break;
      case "emit":
        this.#extent(statement);
        break;
      case "answer":
        this.#end(statement.value);
        break;
      case "fault":
        this.#branch("Raised");
        break;
      default:
        statement satisfies never;
    }
  }

  /** What is emitted is handed over, unless it is no blocks: a call costs more than all else. */
  #extent({ start, count, type }: UdfEmit): void {
    const code = this.#code;
    this.#push(start);
    code.set(this.#extentStart);
    this.#push(count);
    code.set(this.#extentCount);
    this.#push(type);
    code.set(this.#extentType).get(this.#extentCount).open("if");
    this.#depth++;
    code.get(this.#extentStart).get(this.#extentCount).get(this.#extentType);
    code.op("call", this.#emit).tee(this.#fault).op("br_if", this.#distance("end"));
    this.#close();
  }

  #if(statement: Extract<UdfStatement, { readonly kind: "if" }>): void {
    this.#push(statement.condition);
    this.#code.open("if");
    this.#depth++;
    this.#enter(statement.body);
    if (statement.otherwise.length > 0) {
      this.#code.op("else");
      this.#enter(statement.otherwise);
    }
    this.#close();
  }

  /** One pair of locals for loops of each depth: those beside each other share it. */
  #counter(): Counter {
    const known = this.#counters[this.#loops];
    if (known !== undefined) return known;
    const made = { turn: this.#code.local("i32"), turns: this.#code.local("i32") };
    this.#counters.push(made);
    return made;
  }

  #repeat(loop: UdfRepeat): void {
    const code = this.#code;
    const { turn, turns } = this.#counter();
    this.#push(loop.count);
    code.tee(turns).i32(loop.limit).get(turns).i32(loop.limit).ops("i32.lt_u", "select").set(turns);
    code.i32(0).set(turn).get(turns).open("if").open("loop");
    this.#depth += 2;
    this.#loops++;
    this.#pay(turnSteps(loop));
    code.get(turn).set(this.#local(loop.index));
    this.#each(loop.body);
    code.get(turn).i32(1).op("i32.add").tee(turn).get(turns).op("i32.lt_u").op("br_if", 0);
    this.#loops--;
    this.#close();
    this.#close();
  }

  #while(loop: Extract<UdfStatement, { readonly kind: "while" }>): void {
    this.#code.open("block").open("loop");
    this.#depth += 2;
    this.#push(loop.condition);
    this.#code.op("i32.eqz").op("br_if", 1);
    this.#pay(turnSteps(loop));
    this.#each(loop.body);
    this.#code.op("br", 0);
    this.#close();
    this.#close();
  }

  #end(value: UdfExpression): void {
    this.#push(value);
    this.#code.set(this.#answer);
    if (this.#program.kind === "acl") {
      this.#code.get(this.#answer).i32(1).op("i32.gt_u");
      this.#faultIf("BadAnswer");
    }
    this.#branch("end");
  }

  #local(index: number): number {
    const found = this.#locals[index];
    if (found === undefined) throw new RangeError(`no local ${index}: not a verified program`);
    return found;
  }

  /** Code that leaves the value of a term on the stack. */
  #push(term: UdfExpression): void {
    switch (term.kind) {
      case "constant":
        this.#code.i32(term.value);
        break;
      case "local":
        this.#code.get(this.#local(term.index));
        break;
      case "argument":
        this.#code.get(ARGUMENTS + term.index);
        break;
      case "length":
        this.#code.get(LENGTHS[term.of]);
        break;
      case "load":
        this.#load(term);
        break;
      case "binary":
        this.#push(term.left);
        this.#push(term.right);
        if (term.operator === "divide" || term.operator === "remainder") {
          this.#code.tee(this.#scratch).op("i32.eqz");
          this.#faultIf("DivideByZero");
          this.#code.get(this.#scratch);
        }
        this.#code.op(OPCODES[term.operator]);
        break;
      default:
        term satisfies never;
    }
  }

  #load({ of, width, order, at }: UdfLoad): void {
    const code = this.#code;
    this.#push(at);
    code.tee(this.#scratch).get(this.#reaches[of][width]).op("i32.ge_u");
    this.#faultIf("OutOfBounds");
    code.get(this.#scratch).get(BASES[of]).op("i32.add").memory(LOADS[width]);
    if (order === "big" && width === 2) this.#swapPair();
    if (order === "big" && width === 4) this.#swapWord();
  }

  /** Swaps the two bytes of the number on the stack. */
  #swapPair(): void {
    const scratch = this.#scratch;
    this.#code.tee(scratch).i32(8).op("i32.shl").get(scratch).i32(8).ops("i32.shr_u", "i32.or");
    this.#code.i32(0xffff).op("i32.and");
  }

  /** Turns the four bytes of the number on the stack around: two rotations, a mask each. */
  #swapWord(): void {
    const scratch = this.#scratch;
    this.#code.tee(scratch).i32(8).op("i32.rotl").i32(0x00ff_00ff).op("i32.and");
    this.#code.get(scratch).i32(8).op("i32.rotr").i32(0xff00_ff00).ops("i32.and", "i32.or");
  }
}

/**
 * Writes `program` as the function `run` of a module.
 *
 * It imports `memory`, `end`, which it calls once with the number of its fault
 * (0 for none) and its answer, and an `owns` also `emit`, which it calls for
 * each extent of any blocks and which gives 0 or the number of a fault. It
 * returns its steps. The memory is a `shared` one or is not.
 */
export function emitProgram(program: Udf, builder: ModuleBuilder, shared: boolean): void {
  const words = (count: number): ValueType[] => Array.from({ length: count }, () => "i32");
  const end = builder.importFunction("udf", "end", builder.type(words(2), []));
  const isOwns = program.kind === "owns";
  const emit = isOwns ? builder.importFunction("udf", "emit", builder.type(words(3), words(1))) : 0;
  builder.importMemory("udf", "memory", anyMemory(shared));
  const code = builder.function(words(PARAMETERS), words(1));
  new Emitter(code, program, emit).program(end);
  builder.export("run", "function", code.index);
}
