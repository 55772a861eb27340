/**
 * The part of the WebAssembly interface that this package uses.
 *
 * The language's own library has none. All of it merges with other declarations.
 */
declare namespace WebAssembly {
  type ExternalKind = "function" | "global" | "memory" | "table";

  interface ModuleImportDescriptor {
    readonly module: string;
    readonly name: string;
    readonly kind: ExternalKind;
  }
  interface ModuleExportDescriptor {
    readonly name: string;
    readonly kind: ExternalKind;
  }
  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
  interface ModuleConstructor {
    new (bytes: Uint8Array | ArrayBuffer): Module;
    imports(module: Module): ModuleImportDescriptor[];
    exports(module: Module): ModuleExportDescriptor[];
    customSections(module: Module, name: string): ArrayBuffer[];
  }
  var Module: ModuleConstructor;

  interface Instance {
    readonly exports: Record<string, unknown>;
  }
  interface InstanceConstructor {
    new (module: Module, imports?: Record<string, Record<string, unknown>>): Instance;
  }
  var Instance: InstanceConstructor;

  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  interface MemoryConstructor {
    new (limits: { initial: number; maximum?: number; shared?: boolean }): Memory;
  }
  var Memory: MemoryConstructor;

  interface Global {
    value: number | bigint;
  }
  interface GlobalConstructor {
    new (type: { value: "i32" | "i64" | "f32" | "f64"; mutable?: boolean }, value?: number | bigint): Global;
  }
  var Global: GlobalConstructor;

  interface Table {
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
    grow(elements: number): number;
  }
  interface TableConstructor {
    new (limits: { element: "anyfunc" | "externref"; initial: number; maximum?: number }): Table;
  }
  var Table: TableConstructor;

  var CompileError: ErrorConstructor;
  var LinkError: ErrorConstructor;
  var RuntimeError: ErrorConstructor;

  function validate(bytes: Uint8Array | ArrayBuffer): boolean;
}
