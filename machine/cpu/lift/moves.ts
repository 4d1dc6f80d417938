/** Moves between registers and memory, exchanges, extensions, the stack. */
import { ACCESS, STATE } from '../../memory/layout.ts';
import { REG } from './access.ts';
import type { Access } from './access.ts';
import { CONDITIONS, pushCondition, subFlags, addFlags, replaceFlags } from './flags.ts';
import type { Lift } from './lift.ts';

function mov(a: Access): void {
  a.write(0, a.read(1));
}

/** Destination wider than source: `read` has extended already. */
function movzx(a: Access): void {
  a.write(0, a.read(1, 'zero'));
}

function lea(a: Access): void {
  a.write(0, a.address(1));
}

function xchg(a: Access): void {
  const x = a.modify(0);
  const y = a.modify(1);
  a.write(0, y);
  a.write(1, x);
}

function xadd(a: Access): void {
  const { c } = a;
  const x = a.modify(0);
  const y = a.read(1);
  c.get(x).get(y).op('i64_add');
  a.signExtend(a.size(0));
  const sum = a.take();
  // The register first: `xadd %eax,%eax` leaves the sum.
  a.write(1, x);
  a.write(0, sum);
  addFlags(a, x, y, sum);
}

function cmpxchg(a: Access): void {
  const { c } = a;
  const size = a.size(0);
  const destination = a.modify(0);
  const source = a.read(1);
  const accumulator = a.register(REG.RAX, size);
  c.get(accumulator).get(destination).op('i64_sub');
  a.signExtend(size);
  const difference = a.take();
  c.get(difference).op('i64_eqz').if();
  a.write(0, source);
  c.else();
  // Memory gets its own value back, as the bus cycle does.
  if (a.isMemory(0)) a.write(0, destination);
  a.setRegister(REG.RAX, destination, size);
  c.end();
  subFlags(a, accumulator, destination, difference);
}

/** cmpxchg8b and cmpxchg16b: the pair d:a against memory, c:b into it. Only ZF changes. */
function cmpxchgPair(half: number): Lift {
  return (a) => {
    const { c } = a;
    const ea = a.address(0);
    if (half === 8) {
      c.get(ea).i64(15).op('i64_and').i64(0).op('i64_ne');
      a.raiseIf(13, 0);
    }
    const host = a.translate(ea, 2 * half, ACCESS.READ_WRITE);
    c.get(host).i32(half).op('i32_add');
    const upper = a.take32();
    a.load(host, half);
    const low = a.take();
    a.load(upper, half);
    const high = a.take();
    c.get(low).get(a.register(REG.RAX, half)).op('i64_eq').get(high).get(a.register(REG.RDX, half)).op('i64_eq').op('i32_and');
    const equal = a.take32();
    c.get(equal).if();
    a.store(host, half, a.register(REG.RBX, half));
    a.store(upper, half, a.register(REG.RCX, half));
    c.else();
    a.setRegister(REG.RAX, low, half);
    a.setRegister(REG.RDX, high, half);
    c.end();
    c.get(equal).i32(6).op('i32_shl');
    replaceFlags(a, a.take32(), 0x40);
  };
}

function bswap(a: Access): void {
  const { c } = a;
  const size = a.size(0);
  const x = a.read(0, 'zero');
  if (size === 2) {
    // Undefined by the manual; processors clear the register's low half.
    a.write(0, a.constant(0));
    return;
  }
  // Swap neighbours: bytes, then pairs, then (8 bytes) halves.
  c.get(x).i64(8).op('i64_shr_u').i64(0x00ff00ff00ff00ffn).op('i64_and');
  c.get(x).i64(0x00ff00ff00ff00ffn).op('i64_and').i64(8).op('i64_shl').op('i64_or').set(x);
  c.get(x).i64(16).op('i64_shr_u').i64(0x0000ffff0000ffffn).op('i64_and');
  c.get(x).i64(0x0000ffff0000ffffn).op('i64_and').i64(16).op('i64_shl').op('i64_or').set(x);
  if (size === 8) c.get(x).i64(32).op('i64_rotl').set(x);
  a.write(0, x);
}

/** cbw, cwde, cdqe: the accumulator's lower half sign-extended. */
function extendAccumulator(to: number): Lift {
  return (a) => { a.setRegister(REG.RAX, a.register(REG.RAX, to / 2), to); };
}

/** cwd, cdq, cqo: the accumulator's sign into d. */
function signToD(size: number): Lift {
  return (a) => {
    a.c.get(a.register(REG.RAX, size)).i64(63).op('i64_shr_s');
    a.setRegister(REG.RDX, a.take(), size);
  };
}

function push(a: Access): void {
  const size = a.shape.size;
  a.push(a.read(0), size);
}

function pop(a: Access): void {
  const size = a.shape.size;
  const value = a.top(size);
  a.prepare(0);
  a.drop(size);
  // After rsp moved: `pop %rsp` keeps the value popped.
  a.write(0, value);
}

/** movnti: a plain store that waits for a fence. */
function movnti(a: Access): void {
  a.write(0, a.read(1));
  a.c.i32(0).i32(1).store('i32', STATE.PENDING_NT);
}

function drain(a: Access): void {
  a.c.i32(0).i32(0).store('i32', STATE.PENDING_NT);
}

function leave(a: Access): void {
  const size = a.shape.size;
  const { c } = a;
  const frame = a.register(REG.RBP);
  const host = a.translate(frame, size, ACCESS.READ);
  a.load(host, size);
  const value = a.take();
  c.get(frame).i64(size).op('i64_add');
  a.setRegister(REG.RSP, a.take());
  a.setRegister(REG.RBP, value, size);
}

export const moves: Record<string, Lift> = {
  mov, movabs: mov, movsx: mov, movsxd: mov, movzx, lea, xchg, xadd, cmpxchg, cmpxchg8b: cmpxchgPair(4), cmpxchg16b: cmpxchgPair(8), bswap,
  cbw: extendAccumulator(2), cwde: extendAccumulator(4), cdqe: extendAccumulator(8),
  cwd: signToD(2), cdq: signToD(4), cqo: signToD(8),
  push, pop, leave, movnti,
  nop: () => undefined,
  sfence: drain, mfence: drain, lfence: () => undefined,
};

for (const condition of CONDITIONS) {
  moves[`set${condition}`] = (a) => {
    pushCondition(a, condition);
    a.c.op('i64_extend_i32_u');
    a.write(0, a.take());
  };
  moves[`cmov${condition}`] = (a) => {
    // The source is read, and faults, whatever the condition; a 4-byte destination is zero-extended even if nothing moves.
    const source = a.read(1);
    const old = a.read(0);
    a.c.get(source).get(old);
    pushCondition(a, condition);
    a.c.op('select');
    a.write(0, a.take());
  };
}
