/**
 * The WebAssembly memory with its typed views. Growing replaces the views, so nobody keeps one.
 */
import { FRAMES_BASE } from './layout.ts';
import { PAGE_SIZE } from './memory.ts';

const WASM_PAGE = 65536;
const MAX_PAGES = 65536;

export class Arena {
  readonly memory: WebAssembly.Memory;
  u8!: Uint8Array;
  u16!: Uint16Array;
  i32!: Int32Array;
  i64!: BigInt64Array;
  u64!: BigUint64Array;
  #nextFrame = FRAMES_BASE;

  constructor() {
    this.memory = new WebAssembly.Memory({ initial: FRAMES_BASE / WASM_PAGE + 8, maximum: MAX_PAGES });
    this.#views();
  }

  /** `count` new zeroed page frames in a row; the address of the first. Throws RangeError when 4 GiB are used up. */
  frames(count: number): number {
    const address = this.#nextFrame;
    const end = address + count * PAGE_SIZE;
    const have = this.u8.length;
    if (end > have) {
      const wanted = Math.min(MAX_PAGES, Math.ceil(Math.max(end, have + Math.min(have, 0x400_0000)) / WASM_PAGE));
      if (end > wanted * WASM_PAGE) throw new RangeError(`the guest's memory is limited to ${String((MAX_PAGES * WASM_PAGE - FRAMES_BASE) / 2 ** 20)} MiB`);
      try {
        this.memory.grow(wanted - have / WASM_PAGE);
      } catch {
        throw new RangeError(`no memory for ${String(count * PAGE_SIZE)} more bytes of guest memory`);
      }
      this.#views();
    }
    this.#nextFrame = end;
    return address;
  }

  #views(): void {
    const { buffer } = this.memory;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.u64 = new BigUint64Array(buffer);
  }
}
