/**
 * Secure bindings: authority checked once, then used at full speed.
 *
 * Capabilities with hierarchical names and the one comparison that protection
 * rests on; and code that is run for strangers: packet filters, wakeup
 * predicates, pipes, functions over disk blocks, handlers of messages. They are
 * verified, then compiled, and each has an interpreter, or the module as it was
 * written, for its meaning. A WebAssembly toolkit lies below.
 *
 * @packageDocumentation
 */
export * from "./capability/name.ts";
export * from "./capability/capability.ts";
export * from "./capability/dominance.ts";
export * from "./capability/encoding.ts";
export * from "./capability/token.ts";
export * from "./verified.ts";
export * from "./refusal.ts";
export * from "./filter/term.ts";
export * from "./filter/builders.ts";
export * from "./filter/verify.ts";
export * from "./filter/interpret.ts";
export * from "./filter/compile.ts";
export * from "./filter/demultiplexer.ts";
export * from "./filter/print.ts";
export * from "./predicate/term.ts";
export * from "./predicate/verify.ts";
export { interpretPredicate } from "./predicate/interpret.ts";
export * from "./predicate/compile.ts";
export * from "./predicate/advance.ts";
export * from "./predicate/print.ts";
export * as udf from "./udf/term.ts";
export type * from "./udf/term.ts";
export * from "./udf/limits.ts";
export * from "./udf/verify.ts";
export { worstSteps as worstUdfSteps } from "./udf/steps.ts";
export {
  EXTENT_BLOCKS,
  type Extent,
  type ExtentList,
  makeExtentList,
  pushExtent,
  readExtents,
} from "./udf/extents.ts";
export {
  type UdfFault,
  type UdfFaultReason,
  type UdfOutcome,
  type UdfProgram,
  type UdfRun,
  UDF_FAULTS,
  isUdfFault,
  makeUdfRun,
} from "./udf/run.ts";
export { interpretUdf, makeUdfInterpreter } from "./udf/interpret.ts";
export * from "./udf/compile.ts";
export type { BlockChange } from "./udf/changes.ts";
export * from "./udf/owns.ts";
export { printUdf } from "./udf/print.ts";
export { parseIpv4, parseIpv6 } from "./expression/address.ts";
export { type Class, type Classes, type Classifier, makeClassifier } from "./expression/classifier.ts";
export { compileExpression } from "./expression/expression.ts";
export { ExpressionError } from "./expression/expression-error.ts";
export { EXPRESSION_FILTERS } from "./expression/parse.ts";
export { EXPRESSION_CHARACTERS } from "./expression/words.ts";
export * from "./handler/program.ts";
export {
  type CheckedHandler,
  type HandlerRefusal,
  isHandlerRefusal,
  verifyHandler,
} from "./handler/verify.ts";
export { type Handler, type HandlerPlace, makeHandler } from "./handler/handler.ts";
export { type ReplyList, firstPiece } from "./handler/reply-list.ts";
export * from "./pipe/term.ts";
export * from "./pipe/verify.ts";
export * from "./pipe/interpret.ts";
export { makePipe, type CompiledPipe, type PipeMemory } from "./pipe/compile.ts";
export * from "./pipe/print.ts";
export {
  type ExportedFunction,
  type HostFunction,
  type ModuleData,
  type RewriteOptions,
  type RewrittenModule,
  rewriteModule,
} from "./wasm/rewrite.ts";
export { INSTRUCTION_CLASSES, type InstructionClass } from "./wasm/opcodes.ts";
export { MODULE_LIMITS, type ModuleLimits } from "./wasm/module-limits.ts";
export { type ModuleRefusal, type ModuleRule, isModuleRefusal } from "./wasm/module-refusal.ts";
export {
  FUEL_MAX,
  type HostCall,
  type HostFunctions,
  STACK_BYTES,
  type SandboxPlace,
  type SandboxedModule,
  compileModule,
  instantiateModule,
} from "./wasm/instantiate.ts";
export {
  PROGRAM_CACHE_BYTES,
  PROGRAM_CACHE_MODULES,
  type RewriteProgram,
  cachedRewrite,
} from "./wasm/program-cache.ts";
export * from "./wasm/program.ts";
export { PROGRAM_LIMITS, rewriteProgram } from "./wasm/rewrite-program.ts";
export { compileProgram, instantiateProgram } from "./wasm/instantiate-program.ts";
export { BOUNCE_BYTES, type PageBits, tableBytes as translationTableBytes } from "./wasm/page-tables.ts";
export { printModule } from "./wasm/print-module.ts";
export {
  MESSAGE_BASE,
  MESSAGE_BYTES_MAX,
  STOP_CAUSE,
  STOP_CAUSE_NAMES,
  type StopCause,
} from "./wasm/runtime.ts";
export * from "./wasm/byte-writer.ts";
export * from "./wasm/module-builder.ts";
export { type FunctionBuilder, type Opening } from "./wasm/function-builder.ts";
export * from "./wasm/instructions.ts";
export * from "./wasm/value-type.ts";
