/**
 * The interpreter's binding: operands come from the fields of the micro-op, registers are in the state. A *hot* handler is a piece of the
 * interpreter's loop with the flags in locals; a *cold* one is a function of its own with the flags in the state.
 */
import { ACCESS, EXIT, OP_FIELD, OP_SIZE, STATE, WINDOWS } from '../../memory/layout.ts';
import { Access, loadOp, storeOp } from '../lift/access.ts';
import type { Extension, FlagSlot, Helper, TemporaryPool } from '../lift/access.ts';
import type { Shape } from '../lift/shape.ts';
import type { Code, Label, Local } from '../wasm/code.ts';
import { HELPER_INDEX } from './helpers.ts';

/** What a handler shares with the loop it is a part of. */
export interface HotContext {
  readonly flags: Readonly<Record<FlagSlot, Local>>;
  readonly budget: Local;
  readonly next: Label;
  readonly fault: Label;
  readonly stop: Label;
}

export const FLAG_STATE: Record<FlagSlot, number> = {
  a: STATE.FLAG_A, b: STATE.FLAG_B, result: STATE.FLAG_RESULT, kind: STATE.FLAG_KIND, carry: STATE.CARRY,
};

function isNarrow(slot: FlagSlot): boolean {
  return slot === 'kind' || slot === 'carry';
}

export class HandlerAccess extends Access {
  readonly #op: Local;
  readonly #hot: HotContext | undefined;

  /** `op`: the local that points at the micro-op. Without `hot` the handler is a function that returns the next micro-op. */
  constructor(c: Code, shape: Shape, pool: TemporaryPool, op: Local, hot?: HotContext) {
    super(c, shape, pool);
    this.#op = op;
    this.#hot = hot;
  }

  protected override pushRegister(operand: number, size: number, extension: Extension): void {
    this.c.get(this.#op).load('i32_16u', OP_FIELD.REGISTER[operand]!).load(loadOp(size, extension));
  }

  protected override putRegister(operand: number, size: number, value: Local): void {
    this.c.get(this.#op).load('i32_16u', OP_FIELD.REGISTER[operand]!);
    this.#put(size, value, 0);
  }

  protected override pushImmediate(): void {
    this.c.get(this.#op).load('i64', OP_FIELD.IMMEDIATE);
  }

  override pushVectorAddress(operand: number): void {
    this.c.get(this.#op).load('i32_16u', OP_FIELD.REGISTER[operand]!);
  }

  protected override pushAddress(operand: number): void {
    const { c } = this;
    const shape = this.shape.operands[operand]!;
    if (shape.kind !== 'memory') throw new Error('not a memory operand');
    const { form } = shape;
    c.get(this.#op).load('i32_16u', OP_FIELD.ADDRESS_BASE).load('i64').get(this.#op).load('i64', OP_FIELD.DISPLACEMENT).op('i64_add');
    if (form === 'b') return;
    c.get(this.#op).load('i32_16u', OP_FIELD.ADDRESS_INDEX).load('i64').get(this.#op).load('i64_8u', OP_FIELD.SCALE).op('i64_shl').op('i64_add');
    if (form === 'x') return;
    if (form === 'a') this.zeroExtend(4);
    c.get(this.#op).load('i32_16u', OP_FIELD.SEGMENT).load('i64').op('i64_add');
  }

  protected override pushFixed(register: number, size: number, extension: Extension): void {
    this.c.i32(0).load(loadOp(size, extension), STATE.GENERAL + 8 * register);
  }

  protected override putFixed(register: number, size: number, value: Local): void {
    this.c.i32(0);
    this.#put(size, value, STATE.GENERAL + 8 * register);
  }

  protected override pushFlag(slot: FlagSlot): void {
    if (this.#hot !== undefined) this.c.get(this.#hot.flags[slot]);
    else this.c.i32(0).load(isNarrow(slot) ? 'i32' : 'i64', FLAG_STATE[slot]);
  }

  override setFlag(slot: FlagSlot, value: Local): void {
    if (this.#hot !== undefined) this.c.get(value).set(this.#hot.flags[slot]);
    else this.c.i32(0).get(value).store(isNarrow(slot) ? 'i32' : 'i64', FLAG_STATE[slot]);
  }

  override get knownKind(): undefined {
    return undefined;
  }

  override setKind(kind: number): void {
    if (this.#hot !== undefined) this.c.i32(kind).set(this.#hot.flags.kind);
    else this.c.i32(0).i32(kind).store('i32', STATE.FLAG_KIND);
  }

  override forgetKind(): void {
    // Never known.
  }

  override pushNextIp(): void {
    this.c.get(this.#op).load('i64', OP_FIELD.IP).get(this.#op).load('i64_8u', OP_FIELD.LENGTH).op('i64_add');
  }

  override jump(): void {
    this.c.get(this.#op).load('i32', OP_FIELD.LINK);
    this.#goOn();
  }

  override jumpTo(target: Local): void {
    this.c.get(target).call(HELPER_INDEX.lookup);
    this.#goOn();
  }

  override repeat(): void {
    this.c.get(this.#op);
    this.#goOn();
  }

  override next(): void {
    this.c.get(this.#op).i32(OP_SIZE).op('i32_add');
    this.#goOn();
  }

  override fail(): void {
    if (this.#hot !== undefined) this.c.br(this.#hot.fault);
    else this.c.i32(0).return();
  }

  override stop(status: number): void {
    this.c.i32(0).i32(status).store('i32', EXIT.STATUS);
    if (this.#hot === undefined) {
      this.next();
      return;
    }
    this.c.get(this.#op).i32(OP_SIZE).op('i32_add').set(this.#op).br(this.#hot.stop);
  }

  override pushBudget(): void {
    if (this.#hot !== undefined) this.c.get(this.#hot.budget);
    else this.c.i32(0).load('i32', EXIT.REMAINING);
  }

  override spend(count: Local): void {
    if (this.#hot !== undefined) this.c.get(this.#hot.budget).get(count).op('i32_sub').set(this.#hot.budget);
    else this.c.i32(0).i32(0).load('i32', EXIT.REMAINING).get(count).op('i32_sub').store('i32', EXIT.REMAINING);
  }

  override call(helper: Helper): void {
    this.c.call(HELPER_INDEX[helper]);
  }

  protected override window(ea: Local, size: number, kind: number): Local {
    const { c } = this;
    const table = kind === ACCESS.READ ? WINDOWS.READ : WINDOWS.WRITE;
    const wanted = kind === ACCESS.READ ? ACCESS.READ : ACCESS.WRITE;
    const entry = this.i32(), offset = this.i64(), host = this.i32();
    c.get(ea).op('i32_wrap_i64').i32(8).op('i32_shr_u').i32(0xff0).op('i32_and').tee(entry);
    c.load('i64', table).set(offset).get(ea).get(offset).op('i64_sub').tee(offset);
    c.i64(4096 - size).op('i64_gt_u').if('i32');
    c.get(ea).i32(size | (wanted << 8) | (kind << 16)).call(HELPER_INDEX.slow).tee(host);
    if (this.#hot !== undefined) c.op('i32_eqz').brIf(this.#hot.fault);
    else {
      c.op('i32_eqz').if();
      c.i32(0).return();
      c.end();
    }
    c.get(host);
    c.else();
    c.get(offset).op('i32_wrap_i64').get(entry).load('i32', table + 8).op('i32_add');
    c.end().set(host);
    return host;
  }

  /** Continues at the micro-op on the stack. */
  #goOn(): void {
    if (this.#hot !== undefined) this.c.set(this.#op).br(this.#hot.next);
    else this.c.return();
  }

  /** With an address on the stack: the value, a 4-byte one zero-extended to 8. */
  #put(size: number, value: Local, offset: number): void {
    this.c.get(value);
    if (size === 4) {
      this.c.i64(0xffff_ffffn).op('i64_and').store('i64', offset);
    } else this.c.store(storeOp(size), offset);
  }
}
