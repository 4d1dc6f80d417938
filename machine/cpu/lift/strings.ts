/**
 * String instructions, one element a time. A repeated one counts an instruction for each element and runs itself again until rcx is
 * zero, so a fault or the end of a slice always finds whole elements done and the registers behind them.
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

/** Writes `element`, repeated as the prefix says. `compares`: repetition also ends by ZF. */
function repeated(element: (a: Access) => void, compares: boolean): Lift {
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
  movs: repeated(movs, false), stos: repeated(stos, false), lods: repeated(lods, false), scas: repeated(scas, true), cmps: repeated(cmps, true),
};
