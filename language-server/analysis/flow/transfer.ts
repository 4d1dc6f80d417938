/**
 * What one instruction does to what is known. Where it is not certain, less is known afterwards.
 */
import type { Instruction } from '../../../assembly/x86/instruction.ts';
import { fullRegister } from '../../registers.ts';
import { operandsOf } from './operands.ts';
import type { TextOperand } from './operands.ts';
import { CALLER_SAVED, isCalleeSaved } from './state.ts';
import type { Flag, State } from './state.ts';
import { constant, DERIVED, exactConstant, exactName, join, linear, lowHalf, OPAQUE, result, sum, symbol } from './value.ts';
import type { Value } from './value.ts';

/** What a call does that its caller sees, as far as it is known. */
export interface CalleeEffects {
  readonly mayChangeAc: boolean;
}

export interface TransferContext {
  /** The instruction has a field that a relocation fills in: its immediate or displacement as decoded means nothing. */
  readonly relocated: boolean;
  /** Tells this instruction from others, for results that are its own. */
  readonly place: string;
  readonly callee?: CalleeEffects;
  /** The instruction has an exception-table entry: what it loads is data of others, not a register kept in memory. */
  readonly covered: boolean;
}

type MutableState = { -readonly [K in keyof State]: State[K] extends ReadonlyMap<infer A, infer B> ? Map<A, B> : State[K] };

const NON_TEMPORAL = /^v?(movnti|movntq|movntdq|movntps|movntpd|movntss|movntsd|maskmovq|maskmovdqu)$/;
const ORDERS_STORES = /^(sfence|mfence|cpuid|serialize|iretq?|wrmsr|invlpg|wbinvd|in|out)$/;
/** Operations that give back their first operand when done twice. */
const MAY_UNDO = /^(xor|not|bswap|rol|ror|rcl|rcr|neg|pxor)$/;
/** Operations on registers whose result is computed, never fetched whole from where a value may have been kept. */
const COMPUTES = /^(and|or|shr|sar|shld|shrd|sbb|adc|imul|mul|div|idiv|movs?x.*|movzx|movsxd|set.*|bts|btr|btc|bsf|bsr|tzcnt|lzcnt|popcnt|andn|bextr|bzhi|pdep|pext|cbw|cwde|cdqe|cwd|cdq|cqo|rdtsc|rdtscp|cpuid|rdmsr|rdpmc|lahf|crc32|sar?x|shlx|shrx|rorx|mulx|blsi|blsr|blsmsk|lar|lsl|xadd|cmpxchg)$/;
const KEEPS_REGISTERS = /^(cmp|test|nop|bt|prefetch.*|[lms]fence|pause|endbr64|verw|cli|sti|clc|stc|cmc|swapgs|j.*|ud2|int3|hlt|lgdt|lidt|invlpg|wbinvd|clflush(opt)?|clwb)$/;

/** The state behind `instruction`, which stands in `state`. */
export function transfer(state: State, instruction: Instruction, context: TransferContext): State {
  const next: MutableState = { ...state, registers: new Map(state.registers), stack: new Map(state.stack) };
  const machine = new Machine(next, instruction, context);
  flags(next, instruction);
  machine.run();
  return next;
}

function flags(next: MutableState, instruction: Instruction): void {
  const { mnemonic, lock } = instruction;
  if (mnemonic === 'stac') next.ac = 'set';
  else if (mnemonic === 'clac') next.ac = 'clear';
  else if (mnemonic === 'std') next.df = 'set';
  else if (mnemonic === 'cld') next.df = 'clear';
  else if (/^popf|^iret/.test(mnemonic)) {
    next.ac = 'unknown';
    next.df = 'unknown';
  }
  if (NON_TEMPORAL.test(mnemonic)) next.pending = 'set';
  else if (ORDERS_STORES.test(mnemonic) || lock || (mnemonic === 'xchg' && instruction.accesses.length > 0)) next.pending = 'clear';
}

class Machine {
  readonly #state: MutableState;
  readonly #instruction: Instruction;
  readonly #context: TransferContext;
  readonly #operands: readonly TextOperand[];

  constructor(state: MutableState, instruction: Instruction, context: TransferContext) {
    this.#state = state;
    this.#instruction = instruction;
    this.#context = context;
    this.#operands = operandsOf(instruction);
  }

  run(): void {
    const { mnemonic } = this.#instruction;
    const [first, second, third] = this.#operands;
    const last = this.#operands.at(-1);
    if (KEEPS_REGISTERS.test(mnemonic)) return;
    if (mnemonic === 'call') this.#call();
    else if (mnemonic === 'ret') this.#set('rsp', sum(this.#get('rsp'), constant(8n)));
    else if (mnemonic === 'push') this.#push(first === undefined ? OPAQUE : this.#read(first));
    else if (mnemonic === 'pushf' || mnemonic === 'pushfq') this.#push(DERIVED);
    else if (mnemonic === 'pop') this.#pop(first);
    else if (mnemonic === 'popf' || mnemonic === 'popfq') this.#set('rsp', sum(this.#get('rsp'), constant(8n)));
    else if (mnemonic === 'leave') {
      this.#set('rsp', this.#get('rbp'));
      this.#pop({ kind: 'register', name: 'rbp', full: 'rbp', bits: 64 });
    } else if (this.#instruction.repeat !== 'none' || /^(movs|stos|lods|scas|cmps)[bwdq]$/.test(mnemonic) && this.#isString()) this.#string();
    else if (mnemonic === 'mov' || mnemonic === 'movabs') this.#write(last, first === undefined ? OPAQUE : this.#read(first));
    else if (mnemonic === 'lea' && first?.kind === 'memory') this.#write(last, this.#address(first));
    else if (mnemonic === 'xchg' && first !== undefined && second !== undefined) this.#exchange(first, second);
    else if (mnemonic === 'inc' || mnemonic === 'dec') this.#update(first, (value) => sum(value, constant(mnemonic === 'inc' ? 1n : -1n)));
    else if ((mnemonic === 'add' || mnemonic === 'sub') && first !== undefined) {
      const amount = this.#read(first);
      this.#update(second, (value) => sum(value, amount, mnemonic === 'add' ? 1n : -1n));
    } else if ((mnemonic === 'shl' || mnemonic === 'sal') && this.#operands.length > 0) {
      const count = this.#operands.length === 1 ? 1n : first?.kind === 'immediate' ? first.value : undefined;
      this.#update(last, (value) => (count === undefined || count > 63n ? DERIVED : sum(constant(0n), value, 1n << count)));
    } else if (mnemonic === 'xor' && first?.kind === 'register' && second?.kind === 'register' && first.name === second.name) this.#write(second, constant(0n));
    else if (mnemonic.startsWith('cmov') && first !== undefined && last?.kind === 'register') {
      this.#write(last, last.bits === 64 ? join(this.#get(last.full), this.#read(first), isCalleeSaved) : DERIVED);
    } else if (MAY_UNDO.test(mnemonic) && last?.kind === 'register') {
      const before = this.#get(last.full);
      const kept = exactName(before);
      this.#write(last, before.kind === 'opaque' || (kept !== undefined && isCalleeSaved(kept)) ? OPAQUE : this.#compute(mnemonic, third));
    } else if (COMPUTES.test(mnemonic)) this.#others(() => this.#compute(mnemonic, undefined));
    else this.#others(() => OPAQUE);
  }

  #isString(): boolean {
    return this.#operands.length === 0 || this.#operands.some((operand) => operand.kind === 'memory' && operand.segment !== undefined);
  }

  #get(register: string): Value {
    return this.#state.registers.get(register) ?? OPAQUE;
  }

  #set(register: string, value: Value): void {
    if (this.#state.registers.has(register)) this.#state.registers.set(register, value);
  }

  #address(memory: Extract<TextOperand, { kind: 'memory' }>): Value {
    if (this.#context.relocated || memory.base === 'rip' || memory.segment !== undefined) return symbol(`address@${this.#context.place}`);
    let value: Value = constant(memory.displacement);
    if (memory.base !== undefined) value = sum(value, this.#part(memory.base));
    if (memory.index !== undefined) value = sum(value, this.#part(memory.index), memory.scale);
    return value;
  }

  /** The value of a register by any of its names, as part of an address. */
  #part(name: string): Value {
    const known = fullRegister(name);
    if (known === undefined) return OPAQUE;
    return known.bits === 64 ? this.#get(known.full) : lowHalf(this.#get(known.full));
  }

  /** The stack slot an address means; undefined if it is none. */
  #slot(memory: Extract<TextOperand, { kind: 'memory' }>): bigint | undefined {
    return stackSlot(this.#address(memory));
  }

  #read(operand: TextOperand): Value {
    switch (operand.kind) {
      case 'immediate': return this.#context.relocated ? symbol(`address@${this.#context.place}`) : constant(operand.value);
      case 'register': return operand.bits === 64 ? this.#get(operand.full) : operand.bits === 32 ? lowHalf(this.#get(operand.full)) : DERIVED;
      case 'memory': {
        const slot = this.#slot(operand);
        if (slot === undefined) return this.#context.covered ? DERIVED : OPAQUE;
        return this.#state.stack.get(slot) ?? OPAQUE;
      }
      case 'other': return OPAQUE;
    }
  }

  #write(operand: TextOperand | undefined, value: Value): void {
    if (operand === undefined || operand.kind === 'immediate') return;
    if (operand.kind === 'register') {
      this.#set(operand.full, operand.bits === 64 ? value : operand.bits === 32 ? lowHalf(value) : DERIVED);
    } else if (operand.kind === 'memory') this.#store(operand, value);
    else this.#others(() => OPAQUE);
  }

  #store(memory: Extract<TextOperand, { kind: 'memory' }>, value: Value): void {
    const address = this.#address(memory);
    const slot = stackSlot(address);
    const access = this.#instruction.accesses.find(({ implicit, kind }) => !implicit && kind !== 'read');
    if (slot !== undefined) {
      for (const [other] of this.#state.stack) if (other > slot - 8n && other < slot + BigInt(Math.max(access?.size ?? 64, 8))) this.#state.stack.delete(other);
      if (access?.size === 8) this.#state.stack.set(slot, value);
    } else if (address.kind !== 'linear' || address.terms.has('rsp')) this.#forgetStackUnlessFar(memory);
  }

  /** A store through a pointer that came from the stack pointer may hit any slot. */
  #forgetStackUnlessFar(memory: Extract<TextOperand, { kind: 'memory' }>): void {
    if (memory.base === 'rsp' || memory.base === 'rbp' || this.#address(memory).kind === 'linear') this.#state.stack.clear();
  }

  #update(operand: TextOperand | undefined, change: (value: Value) => Value): void {
    if (operand === undefined) return;
    if (operand.kind === 'register') {
      const before = operand.bits === 64 ? this.#get(operand.full) : operand.bits === 32 ? lowHalf(this.#get(operand.full)) : DERIVED;
      const after = change(before);
      this.#write(operand, before.kind === 'opaque' ? OPAQUE : after);
    } else if (operand.kind === 'memory') this.#store(operand, OPAQUE);
  }

  #push(value: Value): void {
    const rsp = sum(this.#get('rsp'), constant(-8n));
    this.#set('rsp', rsp);
    const slot = stackSlot(rsp);
    if (slot !== undefined) this.#state.stack.set(slot, value);
  }

  #pop(operand: TextOperand | undefined): void {
    const rsp = this.#get('rsp');
    const slot = stackSlot(rsp);
    const value = slot === undefined ? OPAQUE : this.#state.stack.get(slot) ?? OPAQUE;
    this.#set('rsp', sum(rsp, constant(8n)));
    if (operand?.kind === 'register' && operand.bits === 64) this.#set(operand.full, value);
    else if (operand?.kind === 'register') this.#set(operand.full, DERIVED);
  }

  #exchange(first: TextOperand, second: TextOperand): void {
    const a = this.#read(first);
    const b = this.#read(second);
    this.#write(first, b);
    this.#write(second, a);
  }

  #string(): void {
    const { place } = this.#context;
    for (const register of this.#instruction.registersWritten) this.#set(register, register === 'rax' ? OPAQUE : symbol(`${register}@${place}`));
    const { mnemonic, repeat } = this.#instruction;
    if (repeat !== 'none' && /^(movs|stos|lods)/.test(mnemonic)) this.#set('rcx', constant(0n));
  }

  #call(): void {
    for (const register of CALLER_SAVED) this.#set(register, OPAQUE);
    const forgotten = (flag: Flag): Flag => (flag === 'clear' ? 'clear' : 'unknown');
    this.#state.pending = forgotten(this.#state.pending);
    if (this.#context.callee?.mayChangeAc === true) this.#state.ac = 'unknown';
  }

  /** The result of an operation on registers and constants; one that reads memory or flags is this instruction's own. */
  #compute(mnemonic: string, extra: TextOperand | undefined): Value {
    const values = [...this.#operands, ...(extra === undefined ? [] : [extra])].map((operand) => (operand.kind === 'memory' ? OPAQUE : this.#read(operand)));
    if (this.#instruction.flagsRead !== '' || values.some(({ kind }) => kind === 'opaque')) return symbol(`${mnemonic}@${this.#context.place}`);
    return result(`${mnemonic} ${String(this.#width())}`, values);
  }

  #width(): number {
    const last = this.#operands.at(-1);
    return last?.kind === 'register' ? last.bits : 64;
  }

  #others(value: () => Value): void {
    const made = value();
    for (const register of this.#instruction.registersWritten) {
      if (register === 'rsp' && made.kind !== 'opaque' && exactConstant(made) === undefined) this.#set('rsp', made);
      else this.#set(register, made);
    }
    for (const operand of this.#operands) if (operand.kind === 'memory' && this.#instruction.accesses.some(({ kind }) => kind !== 'read')) this.#store(operand, OPAQUE);
  }
}

/** The distance from the stack pointer at the start; undefined if `address` is not made of it alone. */
export function stackSlot(address: Value): bigint | undefined {
  if (address.kind !== 'linear' || address.narrow || address.terms.size !== 1 || address.terms.get('rsp') !== 1n) return undefined;
  return address.constant;
}

/** The address of an instruction's explicit access, in the terms of `state`. */
export function addressOf(state: State, access: { readonly base?: string; readonly index?: string; readonly scale: number; readonly displacement: bigint; readonly segment: string }): Value {
  if (access.base === 'rip' || access.segment === 'fs' || access.segment === 'gs') return OPAQUE;
  let value: Value = linear(new Map(), BigInt.asIntN(64, access.displacement));
  if (access.base !== undefined) value = sum(value, state.registers.get(access.base) ?? OPAQUE);
  if (access.index !== undefined) value = sum(value, state.registers.get(access.index) ?? OPAQUE, BigInt(access.scale));
  return value;
}
