/** A program as the kernel runs it, without the kernel: the rewritten code alone, in a place of its own. */
import { ENTRY_BYTES, FUEL_GRANT, spaceBytes, tableBytes, type PageBits } from "@exolith/hw-model";
import { ProgramExit } from "@exolith/libos-unix";
import {
  EXIT,
  instantiateProgram,
  isModuleRefusal,
  rewriteProgram,
  type Exit,
  type HostFunction,
  type HostFunctions,
  type ProgramOptions,
  type RewrittenProgram,
  type SandboxedProgram,
} from "@exolith/secure-bind";
import { LinearMemory } from "./linear-memory.ts";
import { makeLibos, signatures } from "./libos.ts";
import { collector, processorTime, type Way } from "./runner.ts";

/** How memory is reached. */
export interface Mode extends Pick<ProgramOptions, "mode"> {
  readonly name: string;
  readonly pageBits: PageBits;
}

/** All ways to reach memory. */
export const MODES: readonly Mode[] = [
  { name: "segment", mode: "segment", pageBits: 12 },
  { name: "paged", mode: "paged", pageBits: 12 },
  { name: "paged, 64 KiB", mode: "paged", pageBits: 16 },
];

const WASM_PAGE = 65_536;
/** Bytes in which calls are saved, and for the program's own memory. */
const CONTEXT_BYTES = 524_288;
const PROGRAM_BYTES = 67_108_864;

const aligned = (bytes: number): number => Math.ceil(bytes / WASM_PAGE) * WASM_PAGE;

/** Room for one program at a time. */
export class Site {
  readonly wasm: WebAssembly.Memory;
  readonly mode: Mode;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #space: number;
  readonly #context: number;
  /** Where the program's memory is: one page behind the other, if it has pages. */
  readonly start: number;
  /** Pages of 64 KiB that the last program had. */
  #used = 0;

  constructor(mode: Mode) {
    this.mode = mode;
    this.#space = WASM_PAGE;
    this.#context = this.#space + (mode.mode === "paged" ? aligned(spaceBytes(mode.pageBits)) : 0);
    this.start = this.#context + CONTEXT_BYTES;
    const pages = (this.start + PROGRAM_BYTES) / WASM_PAGE;
    this.wasm = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#bytes = new Uint8Array(this.wasm.buffer);
    this.#view = new DataView(this.wasm.buffer);
  }

  /** Places a program in memory that is all 0 again, and untouched. Throws an `Error` when that is refused. */
  place(
    program: RewrittenProgram,
    functions: HostFunctions,
    refill = (): number => FUEL_GRANT,
  ): SandboxedProgram {
    const isPaged = this.mode.mode === "paged";
    this.#bytes.fill(0, this.start, this.start + this.#used * WASM_PAGE);
    if (isPaged) this.#bytes.fill(0, this.#space, this.#context);
    this.#used = program.memoryPages;
    const placed: SandboxedProgram = accepted(
      instantiateProgram(program, {
        memory: this.wasm,
        base: isPaged ? this.#space : this.start,
        limitBytes: PROGRAM_BYTES,
        context: this.#context,
        contextBytes: CONTEXT_BYTES,
        functions,
        refill,
        miss: (address) => this.#map(address),
        grow: (more) => this.#grow(placed.pages(), more),
      }),
    );
    return placed;
  }

  /** Maps the page with `address` where it would be in a segment, to be read and written. */
  #map(address: number): void {
    const { pageBits } = this.mode;
    const page = address >>> pageBits;
    const at = this.start + page * 2 ** pageBits;
    if (address >= this.#used * WASM_PAGE) throw new RangeError("not in the program's memory");
    const entry = this.#space + page * ENTRY_BYTES;
    this.#view.setUint32(entry, at, true);
    this.#view.setUint32(entry + tableBytes(pageBits), at, true);
  }

  #grow(pages: number, more: number): number {
    if ((pages + more) * WASM_PAGE > PROGRAM_BYTES) return -1;
    this.#used = pages + more;
    return pages;
  }
}

/** What was asked for, or the refusal thrown. */
export function accepted<T extends object>(value: T): Exclude<T, { readonly rule: string }> {
  if (isModuleRefusal(value)) throw new Error(`refused: ${value.rule} ${JSON.stringify(value)}`);
  return value as Exclude<T, { readonly rule: string }>;
}

/** Rewrites a program; throws an `Error` when it is refused. */
export const rewritten = (
  bytes: Uint8Array,
  { mode, pageBits }: Mode,
  imports: readonly HostFunction[],
): RewrittenProgram => accepted(rewriteProgram(bytes, { mode, pageBits, imports }));

/** Lets a program run until it is over; throws what stopped it, but an exit with code 0. */
export function finish(program: SandboxedProgram, begun: Exit): void {
  let exit = begun;
  while (exit === EXIT.suspended) exit = program.resume();
  if (exit === EXIT.returned) return;
  const thrown = program.thrown();
  if (!(thrown instanceof ProgramExit) || thrown.code !== 0) throw thrown;
}

/** One site a mode serves every program. */
function codeAlone(mode: Mode): Way {
  const made: { site?: Site } = {};
  return {
    name: `${mode.name}, code alone`,
    prepare: (bytes) => {
      const site = (made.site ??= new Site(mode));
      const program = rewritten(bytes, mode, signatures);
      return {
        run: (given) => {
          const { add, text } = collector();
          const length = (): number => placed.pages() * WASM_PAGE;
          const memory = new LinearMemory(site.wasm, site.start, length);
          const wasi = makeLibos(() => memory, { output: add, ...given });
          const placed = site.place(program, wasi.functions);
          finish(placed, placed.initialise());
          return { nanoseconds: processorTime(() => finish(placed, placed.enter("_start"))), output: text() };
        },
      };
    },
  };
}

/** Without a kernel, in every mode. */
export const CODE_ALONE: readonly Way[] = MODES.map(codeAlone);
