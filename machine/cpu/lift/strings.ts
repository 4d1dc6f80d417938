/**
 * String instructions. A repeated one counts an instruction for each element and runs itself again until rcx is
 * zero (copies and fills do many elements at once where nothing can fault between them), so a fault or the end of a slice always finds whole elements done and the registers behind them.
 * Operand 0, where there is one, is the source at rsi (with its segment); the destination at rdi has no override.
 */
import { ACCESS } from '../../memory/layout.ts';
import { REG } from './access.ts';
import type { Access } from './access.ts';
import { pushCondition, subFlags } from './flags.ts';
import type { Lift } from './lift.ts';
import type { Local } from '../wasm/code.ts';

const DF = 0x400;

/** Address of the destination: rdi, cut to the address size. */
function destination(a: Access): Local {
  return a.register(REG.RDI, a.shape.addressSize, 'zero');
}

/** Moves a pointer by one element in the direction DF says. */
function advance(a: Access, register: number): void {
  const { c } = a;
  const { addressSize, size } = a.shape;
  c.get(a.register(register, addressSize, 'zero')).i64(size).i64(-size);
  a.systemFlags();
  c.i32(DF).op('i32_and').op('i32_eqz').op('select').op('i64_add');
  a.setRegister(register, a.take(), addressSize);
}

/** As many elements as both windows, the count and the budget allow, in one step: forwards, at host addresses already checked for one element. */
interface Bulk {
  /** Whether elements come from rsi. */
  readonly reads: boolean;
  /** Writes the code for `bytes` (i32), `count` (i32) elements. */
  readonly run: (a: Access, to: Local, from: Local, bytes: Local, count: Local) => void;
}

/**
 * Tries the bulk path and leaves the instruction if it was taken. Not taken for one element, backwards, or where the destination begins
 * inside the source still to be read: there each element must see the ones before.
 */
function tryBulk(a: Access, { reads, run }: Bulk, count: Local): void {
  const { c } = a;
  const { size } = a.shape;
  a.systemFlags();
  c.i32(DF).op('i32_and').op('i32_eqz').if();
  const source = reads ? a.address(0) : undefined;
  const from = source === undefined ? a.i32() : a.translate(source, size, ACCESS.READ);
  const target = destination(a);
  const to = a.translate(target, size, ACCESS.WRITE);
  a.pushWindowRest(target, ACCESS.WRITE);
  const bytes = a.take32();
  if (source !== undefined) {
    a.pushWindowRest(source, ACCESS.READ);
    const rest = a.take32();
    c.get(rest).get(bytes).get(rest).get(bytes).op('i32_lt_u').op('select').set(bytes);
  }
  // Elements: windows, budget (this instruction is already counted once), rcx.
  c.get(bytes).i32(Math.log2(size)).op('i32_shr_u');
  const elements = a.take32();
  a.pushBudget();
  c.i32(1).op('i32_add');
  const budget = a.take32();
  c.get(budget).get(elements).get(budget).get(elements).op('i32_lt_u').op('select').set(elements);
  c.get(count).get(elements).op('i64_extend_i32_u').op('i64_lt_u').if();
  c.get(count).op('i32_wrap_i64').set(elements);
  c.end();
  c.get(elements).i32(Math.log2(size)).op('i32_shl').set(bytes);
  c.get(elements).i32(1).op('i32_gt_u');
  if (reads) c.get(to).get(from).op('i32_sub').get(bytes).op('i32_ge_u').get(to).get(from).op('i32_eq').op('i32_or').op('i32_and');
  c.if();
  run(a, to, from, bytes, elements);
  c.get(target).get(bytes).op('i64_extend_i32_u').op('i64_add');
  a.setRegister(REG.RDI, a.take());
  if (reads) {
    c.get(a.register(REG.RSI)).get(bytes).op('i64_extend_i32_u').op('i64_add');
    a.setRegister(REG.RSI, a.take());
  }
  c.get(count).get(elements).op('i64_extend_i32_u').op('i64_sub');
  const left = a.take();
  a.setRegister(REG.RCX, left);
  c.get(elements).i32(1).op('i32_sub');
  a.spend(a.take32());
  c.get(left).i64(0).op('i64_ne').if();
  a.repeat();
  c.end();
  a.next();
  c.end().end();
}

const COPY: Bulk = { reads: true, run: (a, to, from, bytes) => { a.c.get(to).get(from).get(bytes).memoryCopy(); } };

const FILL: Bulk = {
  reads: false,
  run: (a, to, _from, bytes, count) => {
    const { c } = a;
    const { size } = a.shape;
    const value = a.register(REG.RAX, size);
    if (size === 1) {
      c.get(to).get(value).op('i32_wrap_i64').get(bytes).memoryFill();
      return;
    }
    const left = a.i32(), at = a.i32();
    c.get(count).set(left).get(to).set(at);
    const again = c.loop();
    a.store(at, size, value);
    c.get(at).i32(size).op('i32_add').set(at).get(left).i32(1).op('i32_sub').tee(left).brIf(again).end();
  },
};

/** Writes `element`, repeated as the prefix says. `compares`: repetition also ends by ZF. */
function repeated(element: (a: Access) => void, compares: boolean, bulk?: Bulk): Lift {
  return (a) => {
    const { c } = a;
    const { repeat, addressSize } = a.shape;
    if (repeat === 'none') {
      element(a);
      return;
    }
    const count = a.register(REG.RCX, addressSize, 'zero');
    c.get(count).op('i64_eqz').if();
    a.next();
    c.end();
    if (bulk !== undefined && addressSize === 8) tryBulk(a, bulk, count);
    element(a);
    c.get(count).i64(1).op('i64_sub');
    const left = a.take();
    a.setRegister(REG.RCX, left, addressSize);
    c.get(left).i64(0).op('i64_ne');
    if (compares) {
      pushCondition(a, repeat === 'rep' ? 'e' : 'ne');
      c.op('i32_and');
    }
    c.if();
    a.repeat();
    c.end();
  };
}

function movs(a: Access): void {
  const { size } = a.shape;
  const from = a.translate(a.address(0), size, ACCESS.READ);
  const to = a.translate(destination(a), size, ACCESS.WRITE);
  a.load(from, size);
  a.store(to, size, a.take());
  advance(a, REG.RSI);
  advance(a, REG.RDI);
}

function stos(a: Access): void {
  const { size } = a.shape;
  const to = a.translate(destination(a), size, ACCESS.WRITE);
  a.store(to, size, a.register(REG.RAX, size));
  advance(a, REG.RDI);
}

function lods(a: Access): void {
  const { size } = a.shape;
  const from = a.translate(a.address(0), size, ACCESS.READ);
  a.load(from, size);
  a.setRegister(REG.RAX, a.take(), size);
  advance(a, REG.RSI);
}

function compare(a: Access, x: Local, y: Local): void {
  a.c.get(x).get(y).op('i64_sub');
  a.signExtend(a.shape.size);
  subFlags(a, x, y, a.take());
}

function scas(a: Access): void {
  const { size } = a.shape;
  const from = a.translate(destination(a), size, ACCESS.READ);
  a.load(from, size);
  compare(a, a.register(REG.RAX, size), a.take());
  advance(a, REG.RDI);
}

function cmps(a: Access): void {
  const { size } = a.shape;
  const first = a.translate(a.address(0), size, ACCESS.READ);
  const second = a.translate(destination(a), size, ACCESS.READ);
  a.load(first, size);
  const x = a.take();
  a.load(second, size);
  compare(a, x, a.take());
  advance(a, REG.RSI);
  advance(a, REG.RDI);
}

export const strings: Record<string, Lift> = {
  movs: repeated(movs, false, COPY), stos: repeated(stos, false, FILL), lods: repeated(lods, false), scas: repeated(scas, true), cmps: repeated(cmps, true),
};
