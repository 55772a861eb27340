/** The part of the WebAssembly interface that the machine is built on; it merges with other declarations. */
declare namespace WebAssembly {
  function validate(bytes: Uint8Array): boolean;

  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface MemoryConstructor {
    new (limits: { initial: number; maximum?: number }): Memory;
  }
  var Memory: MemoryConstructor;

  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
  interface ModuleConstructor {
    new (bytes: Uint8Array): Module;
  }
  var Module: ModuleConstructor;

  interface Instance {
    readonly exports: Record<string, unknown>;
  }
  interface InstanceConstructor {
    new (module: Module, imports: Record<string, Record<string, unknown>>): Instance;
  }
  var Instance: InstanceConstructor;
}
