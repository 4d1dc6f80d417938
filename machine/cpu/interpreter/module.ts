/**
 * The interpreter's modules: one with the loop over the hot handlers, and further ones with cold handlers, written when a program first
 * has an instruction of their shape. Handler numbers and compiled modules are shared by all CPUs of the process.
 */
import { EXIT, OP_FIELD, OP_SIZE, STATE, STATUS } from '../../memory/layout.ts';
import { TemporaryPool } from '../lift/access.ts';
import type { FlagSlot } from '../lift/access.ts';
import { liftOf } from '../lift/index.ts';
import { shapeKey } from '../lift/shape.ts';
import type { Shape } from '../lift/shape.ts';
import { Code } from '../wasm/code.ts';
import type { Label, Local } from '../wasm/code.ts';
import { encodeModule } from '../wasm/module.ts';
import type { ModuleFunction } from '../wasm/module.ts';
import { FLAG_STATE, HandlerAccess } from './handler-access.ts';
import type { HotContext } from './handler-access.ts';
import { COLD_TYPE, HELPER_INDEX, helperFunctions, RUN_SIGNATURE, SIGNATURES } from './helpers.ts';
import { hotShapes } from './hot.ts';
import { prebuiltLoop } from './prebuilt.ts';

/** Handlers that are no instruction: they leave the loop with their status, or follow a link. */
export const SPECIAL = { LOOKUP: 0, BREAKPOINT: 1, SYSTEM: 2, REDIRECT: 3, UNSUPPORTED: 4 } as const;
const SPECIAL_STATUS: readonly (readonly [number, number])[] = [
  [SPECIAL.LOOKUP, STATUS.LOOKUP], [SPECIAL.BREAKPOINT, STATUS.BREAKPOINT], [SPECIAL.SYSTEM, STATUS.SYSTEM], [SPECIAL.UNSUPPORTED, STATUS.UNSUPPORTED],
];
const SPECIAL_COUNT = 5;
export const TABLE_SIZE = 28672;
/** Places of the table from here on are compiled regions; below are more than all forms of all instructions have shapes (about 14,000). */
export const FIRST_REGION_SLOT = 24576;

interface ColdModule {
  readonly module: WebAssembly.Module;
  readonly first: number;
  readonly count: number;
}

const FLAG_SLOTS: readonly FlagSlot[] = ['a', 'b', 'result', 'kind', 'carry'];

class Handlers {
  readonly loop: WebAssembly.Module;
  readonly cold: ColdModule[] = [];
  readonly #numbers = new Map<string, number>();
  #pending: Shape[] = [];
  #next: number;

  constructor() {
    const hot = hotShapes();
    hot.forEach((shape, i) => this.#numbers.set(shapeKey(shape), SPECIAL_COUNT + i));
    this.#next = SPECIAL_COUNT + hot.length;
    this.loop = new WebAssembly.Module(prebuiltLoop() ?? loopModule(hot));
  }

  /** The handler of a shape whose mnemonic has a lift. {@link compile} must run before it is used. */
  numberOf(shape: Shape): number {
    const key = shapeKey(shape);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#next++;
      if (number >= FIRST_REGION_SLOT) throw new Error('more kinds of instructions than there are');
      this.#numbers.set(key, number);
      this.#pending.push(shape);
    }
    return number;
  }

  /** Writes the handlers asked for since last time. */
  compile(): void {
    if (this.#pending.length === 0) return;
    const shapes = this.#pending;
    this.#pending = [];
    const first = this.#next - shapes.length;
    this.cold.push({ module: new WebAssembly.Module(coldModule(shapes)), first, count: shapes.length });
  }
}

let shared: Handlers | undefined;

export function handlers(): Handlers {
  shared ??= new Handlers();
  return shared;
}

export type { Handlers };
export { hotShapes };

/** The module with `run(limit)`. */
export function loopModule(hot: readonly Shape[]): Uint8Array {
  return encodeModule({
    types: [...SIGNATURES, RUN_SIGNATURE], table: true,
    functions: [...helperFunctions(), { type: SIGNATURES.length, code: loopCode(hot), export: 'run' }],
  });
}

function coldModule(shapes: readonly Shape[]): Uint8Array {
  const functions: ModuleFunction[] = helperFunctions();
  shapes.forEach((shape, i) => {
    const c = new Code(1);
    const access = new HandlerAccess(c, shape, new TemporaryPool(c), 0);
    liftOf(shape.mnemonic)!(access);
    c.get(0).i32(OP_SIZE).op('i32_add');
    functions.push({ type: COLD_TYPE, code: c, export: `h${String(i)}` });
  });
  return encodeModule({ types: SIGNATURES, functions, table: false });
}

function loopCode(hot: readonly Shape[]): Code {
  const c = new Code(1);
  const budget = 0;
  const op = c.local('i32');
  const flags: Record<FlagSlot, Local> = { a: c.local('i64'), b: c.local('i64'), result: c.local('i64'), kind: c.local('i32'), carry: c.local('i32') };
  const loadFlags = (): void => { for (const slot of FLAG_SLOTS) c.i32(0).load(slot === 'kind' || slot === 'carry' ? 'i32' : 'i64', FLAG_STATE[slot]).set(flags[slot]); };
  const storeFlags = (): void => { for (const slot of FLAG_SLOTS) c.i32(0).get(flags[slot]).store(slot === 'kind' || slot === 'carry' ? 'i32' : 'i64', FLAG_STATE[slot]); };
  c.i32(0).i32(STATUS.LIMIT).store('i32', EXIT.STATUS);
  loadFlags();
  c.i32(0).load('i64', STATE.RIP).call(HELPER_INDEX.lookup).set(op);
  const stop = c.block();
  const fault = c.block();
  const next = c.loop();
  c.get(budget).op('i32_eqz').brIf(stop);
  c.get(budget).i32(1).op('i32_sub').set(budget);
  const cold = c.block();
  const labels: Label[] = [];
  for (let i = 0; i < SPECIAL_COUNT + hot.length; i++) labels.push(c.block());
  labels.reverse();
  c.get(op).load('i32_16u', OP_FIELD.HANDLER).brTable(labels, cold);
  for (const [, status] of SPECIAL_STATUS.slice(0, 3)) {
    c.end().i32(0).i32(status).store('i32', EXIT.STATUS).br(fault);
  }
  c.end().get(op).load('i32', OP_FIELD.LINK).set(op).get(budget).i32(1).op('i32_add').set(budget).br(next);
  c.end().i32(0).i32(STATUS.UNSUPPORTED).store('i32', EXIT.STATUS).br(fault);
  const context: HotContext = { flags, budget, next, fault, stop };
  const pool = new TemporaryPool(c);
  for (const shape of hot) {
    c.end();
    const access = new HandlerAccess(c, shape, pool, op, context);
    liftOf(shape.mnemonic)!(access);
    c.get(op).i32(OP_SIZE).op('i32_add').set(op).br(next);
  }
  c.end();
  storeFlags();
  c.i32(0).get(budget).store('i32', EXIT.REMAINING);
  const result = c.local('i32');
  c.get(op).get(op).load('i32_16u', OP_FIELD.HANDLER).callIndirect(COLD_TYPE).set(result);
  loadFlags();
  c.i32(0).load('i32', EXIT.REMAINING).set(budget);
  c.get(result).op('i32_eqz').brIf(fault);
  c.get(result).set(op);
  c.i32(0).load('i32', EXIT.STATUS).brIf(stop);
  c.br(next);
  c.end();
  c.end();
  // A fault: the instruction does not count.
  c.get(budget).i32(1).op('i32_add').set(budget);
  c.end();
  storeFlags();
  c.i32(0).get(budget).store('i32', EXIT.REMAINING);
  c.i32(0).get(op).store('i32', EXIT.OP);
  c.i32(0).get(op).load('i64', OP_FIELD.IP).store('i64', STATE.RIP);
  return c;
}
