/**
 * The compiled region's binding: operands are known when the code is written, general registers and flags live in locals. Whatever goes
 * wrong inside an instruction leaves the region before it; the interpreter then runs it and finds out what it was.
 */
import { ACCESS, EXIT, STATE, WINDOWS } from '../../memory/layout.ts';
import type { Decoded } from '../decode.ts';
import { HELPER_INDEX } from '../interpreter/helpers.ts';
import { Access, loadOp, storeOp } from '../lift/access.ts';
import type { Extension, FlagSlot, Helper, TemporaryPool } from '../lift/access.ts';
import type { AddressForm } from '../lift/shape.ts';
import type { Code, Local } from '../wasm/code.ts';

/** What the address of a memory operand is made of. */
export interface OperandAddress {
  /** Addresses in the state; `STATE.ZERO`: none. */
  readonly base: number;
  readonly index: number;
  readonly segment: number;
  /** Binary logarithm of the index's factor. */
  readonly scale: number;
  readonly displacement: bigint;
  readonly form: AddressForm;
}

/** Memory that was checked before: a host address in a local, and the distance from there. */
export interface CheckedHost {
  readonly host: Local;
  readonly offset: number;
}

/** What the instructions of a region share. */
export interface RegionContext {
  readonly code: Code;
  readonly pool: TemporaryPool;
  readonly registers: readonly Local[];
  readonly flags: Readonly<Record<FlagSlot, Local>>;
  /** General registers that some instruction names; only they are loaded and stored. */
  readonly used: Set<number>;
  /** The flag kind where all that runs before is known. */
  knownKind: number | undefined;
  /** 64 less the width of a linear address. */
  readonly canonicalShift: number;
  /** A general register is written. */
  wrote(register: number): void;
  /** Memory is accessed through a table of windows, at an operand's address or (undefined) another; where it was checked already, if it was. */
  access(address: OperandAddress | undefined, size: number, table: number): CheckedHost | undefined;
  /** Windows may be closed from here on. */
  closeWindows(): void;
  /** Leaves before the instruction at `ip`, of which `back` instructions of its block, itself included, do not count. */
  exitBefore(ip: bigint, back: number): void;
  /** Goes to a direct target, inside or outside. */
  branch(target: bigint): void;
  /** Goes to an address in a local. */
  branchTo(target: Local, returns: boolean): void;
  /** Leaves for the address `ip`; `back` instructions of the block do not count. */
  exitTo(ip: bigint, back?: number): void;
}

export class RegionAccess extends Access {
  readonly #region: RegionContext;
  readonly #decoded: Decoded;
  /** Instructions of the block from this one to its end. */
  readonly #left: number;
  /** By the local that holds it. */
  readonly #addresses = new Map<Local, OperandAddress>();
  readonly #checked = new Map<Local, CheckedHost>();

  constructor(region: RegionContext, decoded: Decoded, left: number) {
    super(region.code, decoded.shape, region.pool);
    this.#region = region;
    this.#decoded = decoded;
    this.#left = left;
  }

  protected override pushRegister(operand: number, size: number, extension: Extension): void {
    this.#pushAt(this.#decoded.fields.registers[operand]!, size, extension);
  }

  protected override putRegister(operand: number, size: number, value: Local): void {
    this.#putAt(this.#decoded.fields.registers[operand]!, size, value);
  }

  protected override pushImmediate(): void {
    this.c.i64(this.#decoded.fields.immediate);
  }

  override pushVectorAddress(operand: number): void {
    this.c.i32(this.#decoded.fields.registers[operand]!);
  }

  protected override pushAddress(operand: number): void {
    const { c } = this;
    const shape = this.shape.operands[operand]!;
    if (shape.kind !== 'memory') throw new Error('not a memory operand');
    const { base, index, scale, segment, displacement } = this.#decoded.fields;
    let parts = 0;
    const plus = (): void => { if (parts++ > 0) c.op('i64_add'); };
    if (base !== STATE.ZERO) {
      this.#pushAt(base, 8, 'sign');
      plus();
    }
    if (index !== STATE.ZERO) {
      this.#pushAt(index, 8, 'sign');
      if (scale !== 0) c.i64(scale).op('i64_shl');
      plus();
    }
    if (displacement !== 0n || parts === 0) {
      c.i64(displacement);
      plus();
    }
    if (shape.form === 'a') this.zeroExtend(4);
    if (segment !== STATE.ZERO) c.i32(0).load('i64', segment).op('i64_add');
  }

  protected override pushFixed(register: number, size: number, extension: Extension): void {
    this.#pushAt(STATE.GENERAL + 8 * register, size, extension);
  }

  protected override putFixed(register: number, size: number, value: Local): void {
    this.#putAt(STATE.GENERAL + 8 * register, size, value);
  }

  protected override pushFlag(slot: FlagSlot): void {
    const { knownKind } = this.#region;
    if (slot === 'kind' && knownKind !== undefined) this.c.i32(knownKind);
    else this.c.get(this.#region.flags[slot]);
  }

  override setFlag(slot: FlagSlot, value: Local): void {
    this.c.get(value).set(this.#region.flags[slot]);
    if (slot === 'kind') this.#region.knownKind = undefined;
  }

  override get knownKind(): number | undefined {
    return this.#region.knownKind;
  }

  override setKind(kind: number): void {
    this.c.i32(kind).set(this.#region.flags.kind);
    this.#region.knownKind = kind;
  }

  override forgetKind(): void {
    this.#region.knownKind = undefined;
  }

  override pushNextIp(): void {
    this.c.i64(this.#nextIp());
  }

  override jump(): void {
    const { knownKind } = this.#region;
    this.#region.branch(this.#decoded.target!);
    this.#region.knownKind = knownKind;
  }

  override jumpTo(target: Local): void {
    const { knownKind } = this.#region;
    this.#region.branchTo(target, this.shape.mnemonic === 'ret');
    this.#region.knownKind = knownKind;
  }

  override repeat(): void {
    throw new Error('repeated strings are left to the interpreter');
  }

  override next(): void {
    this.#region.branch(this.#nextIp());
  }

  override fail(): void {
    this.#region.exitBefore(this.#decoded.ip, this.#left);
  }

  /** The interpreter meets the same fault and records it. */
  override raise(): void {
    this.fail();
  }

  /** The address width is fixed here: code is forgotten when it changes. */
  override canonical(target: Local): void {
    const { c } = this;
    const { canonicalShift } = this.#region;
    c.get(target).i64(canonicalShift).op('i64_shl').i64(canonicalShift).op('i64_shr_s').get(target).op('i64_ne').if();
    this.fail();
    c.end();
  }

  override stop(status: number): void {
    this.c.i32(0).i32(status).store('i32', EXIT.STATUS);
    this.#region.exitTo(this.#nextIp(), this.#left - 1);
  }

  override pushBudget(): void {
    throw new Error('repeated strings are left to the interpreter');
  }

  override spend(): void {
    throw new Error('repeated strings are left to the interpreter');
  }

  override call(helper: Helper): void {
    this.c.call(HELPER_INDEX[helper]);
    if (helper === 'closeUserWindows') this.#region.closeWindows();
  }

  override address(k: number): Local {
    const out = super.address(k);
    const shape = this.shape.operands[k];
    if (shape?.kind === 'memory') this.#addresses.set(out, { ...this.#decoded.fields, form: shape.form });
    return out;
  }

  override load(host: Local, size: number, extension: Extension = 'sign'): void {
    const checked = this.#checked.get(host);
    if (checked === undefined) super.load(host, size, extension);
    else this.c.get(checked.host).load(loadOp(size, extension), checked.offset);
  }

  override store(host: Local, size: number, value: Local): void {
    const checked = this.#checked.get(host);
    if (checked === undefined) super.store(host, size, value);
    else this.c.get(checked.host).get(value).store(storeOp(size), checked.offset);
  }

  /** Keeping copies of windows in locals costs more, in register pressure, than the two loads it would save. */
  protected override window(ea: Local, size: number, kind: number): Local {
    const { c } = this;
    const table = kind === ACCESS.READ ? WINDOWS.READ : WINDOWS.WRITE;
    const host = this.i32();
    const checked = this.#region.access(this.#addresses.get(ea), size, table);
    if (checked !== undefined) {
      this.#checked.set(host, checked);
      // For lifts that compute with it.
      c.get(checked.host).i32(checked.offset).op('i32_add').set(host);
      return host;
    }
    const entry = this.i32(), offset = this.i64();
    c.get(ea).op('i32_wrap_i64').i32(8).op('i32_shr_u').i32(0xff0).op('i32_and').tee(entry);
    c.load('i64', table).set(offset).get(ea).get(offset).op('i64_sub').tee(offset);
    c.i64(4096 - size).op('i64_gt_u').if();
    this.fail();
    c.end();
    c.get(offset).op('i32_wrap_i64').get(entry).load('i32', table + 8).op('i32_add').set(host);
    return host;
  }

  #nextIp(): bigint {
    return BigInt.asUintN(64, this.#decoded.ip + BigInt(this.#decoded.length));
  }

  /** Pushes the register at a state address; odd addresses are the second bytes of the first four. */
  #pushAt(address: number, size: number, extension: Extension): void {
    const { c } = this;
    const number = (address - STATE.GENERAL) >> 3;
    this.#region.used.add(number);
    c.get(this.#region.registers[number]!);
    if ((address & 7) !== 0) c.i64(8).op('i64_shr_u');
    if (size === 8) return;
    if (extension === 'sign') this.signExtend(size);
    else this.zeroExtend(size);
  }

  #putAt(address: number, size: number, value: Local): void {
    const { c } = this;
    const number = (address - STATE.GENERAL) >> 3;
    this.#region.used.add(number);
    this.#region.wrote(number);
    const register = this.#region.registers[number]!;
    c.get(value);
    if (size === 4) this.zeroExtend(4);
    else if (size < 4) {
      const shift = (address & 7) * 8;
      const mask = ((1n << BigInt(8 * size)) - 1n) << BigInt(shift);
      if (shift > 0) c.i64(shift).op('i64_shl');
      c.i64(mask).op('i64_and').get(register).i64(~mask).op('i64_and').op('i64_or');
    }
    c.set(register);
  }
}
