/** The part of the WebAssembly JavaScript interface that the emulator uses; `types: []` keeps the DOM's and Node's away. */
declare namespace WebAssembly {
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- a module is an opaque object
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    /** Grows by 64 KiB pages; returns the old size in pages. */
    grow(pages: number): number;
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number; maximum?: number });
    readonly length: number;
    grow(entries: number): number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, Memory | Table>>);
    readonly exports: Record<string, unknown>;
  }
  function validate(bytes: Uint8Array): boolean;
}
