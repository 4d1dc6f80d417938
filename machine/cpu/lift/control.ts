/** Jumps, calls, returns, loops, traps, and the flags that are not arithmetic. */
import { ACCESS, EXIT, STATUS } from '../../memory/layout.ts';
import { REG } from './access.ts';
import type { Access } from './access.ts';
import { ARITHMETIC_FLAGS, CONDITIONS, explicitFlags, pushCondition, pushFlags } from './flags.ts';
import type { Lift } from './lift.ts';

const UD = 6, NM = 7, GP = 13, MF = 16, BP = 3;
const IF = 0x200, DF = 0x400, IOPL = 0x3000, AC = 0x4_0000, TF = 0x100;

function jmp(a: Access): void {
  if (a.shape.operands[0]!.kind === 'target') {
    a.jump();
    return;
  }
  const target = a.read(0, 'zero');
  a.canonical(target);
  a.jumpTo(target);
}

/** Near branches have 8 bytes, or 2 with an operand-size prefix on AMD's processors; Intel's ignore the prefix, and the decoder with them. */
function call(a: Access): void {
  const direct = a.shape.operands[0]!.kind === 'target';
  const size = a.size(0);
  const target = direct ? undefined : a.read(0, 'zero');
  a.pushNextIp();
  const returnAddress = a.take();
  if (target === undefined) {
    a.push(returnAddress, size);
    a.jump();
    return;
  }
  // A stack that cannot be written is found before a target that is not canonical.
  a.c.get(a.register(REG.RSP)).i64(size).op('i64_sub');
  const top = a.take();
  const host = a.translate(top, size, ACCESS.WRITE);
  a.canonical(target);
  a.store(host, size, returnAddress);
  a.setRegister(REG.RSP, top);
  a.jumpTo(target);
}

function ret(a: Access): void {
  const size = a.shape.variant === '16' ? 2 : 8;
  const target = a.top(size);
  if (size === 2) {
    a.c.get(target);
    a.zeroExtend(2);
    a.c.set(target);
  }
  a.canonical(target);
  if (a.shape.operands.length === 0) a.drop(size);
  else {
    a.c.get(a.register(REG.RSP)).i64(size).op('i64_add').get(a.read(0)).op('i64_add');
    a.setRegister(REG.RSP, a.take());
  }
  a.jumpTo(target);
}

/** loop, loope, loopne. */
function loop(zero?: boolean): Lift {
  return (a) => {
    const { c } = a;
    const size = a.shape.addressSize;
    c.get(a.register(REG.RCX, size, 'zero')).i64(1).op('i64_sub');
    if (size < 8) a.zeroExtend(size);
    const count = a.take();
    a.setRegister(REG.RCX, count, size);
    c.get(count).i64(0).op('i64_ne');
    if (zero !== undefined) {
      pushCondition(a, zero ? 'e' : 'ne');
      c.op('i32_and');
    }
    c.if();
    a.jump();
    c.end();
  };
}

function jumpIfCountIsZero(size: number): Lift {
  return (a) => {
    a.c.get(a.register(REG.RCX, size, 'zero')).op('i64_eqz').if();
    a.jump();
    a.c.end();
  };
}

/** Raises unless the privilege level is zero. */
function supervisorOnly(a: Access, vector: number, errorCode: number): void {
  a.privilege();
  a.raiseIf(vector, errorCode);
}

function systemFlag(bit: number, on: boolean): Lift {
  return (a) => {
    a.systemFlags();
    if (on) a.c.i32(bit).op('i32_or');
    else a.c.i32(~bit).op('i32_and');
    a.setSystemFlags(a.take32());
  };
}

/** cli, sti: allowed up to the I/O privilege level. */
function interruptFlag(on: boolean): Lift {
  return (a) => {
    a.privilege();
    a.systemFlags();
    a.c.i32(12).op('i32_shr_u').i32(3).op('i32_and').op('i32_gt_u');
    a.raiseIf(GP, 0);
    systemFlag(IF, on)(a);
  };
}

function stac(a: Access): void {
  supervisorOnly(a, UD, -1);
  systemFlag(AC, true)(a);
}

function clac(a: Access): void {
  supervisorOnly(a, UD, -1);
  systemFlag(AC, false)(a);
  a.call('closeUserWindows');
}

function pushf(a: Access): void {
  const { c } = a;
  pushFlags(a);
  a.systemFlags();
  c.op('i32_or').i32(2).op('i32_or').op('i64_extend_i32_u');
  a.push(a.take(), a.shape.size);
}

/** Bits of RFLAGS that popf may always change. */
const POPF_ALWAYS = ARITHMETIC_FLAGS | TF | DF | 0x4000 | AC | 0x20_0000;

function popf(a: Access): void {
  const { c } = a;
  const size = a.shape.size;
  const value = a.top(size);
  a.drop(size);
  c.get(value).op('i32_wrap_i64');
  const image = a.take32();
  explicitFlags(a, image);
  // IF up to the I/O privilege level, IOPL only for the kernel.
  c.i32(POPF_ALWAYS).i32(0).i32(IF);
  a.privilege();
  a.systemFlags();
  c.i32(12).op('i32_shr_u').i32(3).op('i32_and').op('i32_gt_u').op('select').op('i32_or');
  c.i32(0).i32(IOPL);
  a.privilege();
  c.op('select').op('i32_or').i32(size === 2 ? 0xffff : -1).op('i32_and').i32(~ARITHMETIC_FLAGS).op('i32_and');
  const mask = a.take32();
  a.systemFlags();
  c.get(mask).i32(-1).op('i32_xor').op('i32_and').get(image).get(mask).op('i32_and').op('i32_or').i32(~0x1_0000).op('i32_and');
  const flags = a.take32();
  a.setSystemFlags(flags);
  c.get(flags).i32(AC).op('i32_and').op('i32_eqz').if();
  a.call('closeUserWindows');
  c.end();
  // Single steps, and in ring 3 alignment checks, begin.
  c.get(flags).i32(TF | AC).i32(TF);
  a.privilege();
  c.op('select').op('i32_and').if();
  a.stop(STATUS.CHECK);
  c.end();
}

function lahf(a: Access): void {
  const { c } = a;
  pushFlags(a);
  c.i32(0xd5).op('i32_and').i32(2).op('i32_or').i32(8).op('i32_shl').op('i64_extend_i32_u');
  c.get(a.register(REG.RAX, 1, 'zero')).op('i64_or');
  a.setRegister(REG.RAX, a.take(), 2);
}

function sahf(a: Access): void {
  const { c } = a;
  pushFlags(a);
  c.i32(0x800).op('i32_and').get(a.register(REG.RAX, 2, 'zero')).op('i32_wrap_i64').i32(8).op('i32_shr_u').i32(0xd5).op('i32_and').op('i32_or');
  explicitFlags(a, a.take32());
}

function hlt(a: Access): void {
  supervisorOnly(a, GP, 0);
  a.stop(STATUS.HALT);
}

export const control: Record<string, Lift> = {
  jmp, call, ret,
  loop: loop(), loope: loop(true), loopne: loop(false),
  jrcxz: jumpIfCountIsZero(8), jecxz: jumpIfCountIsZero(4),
  cld: systemFlag(DF, false), std: systemFlag(DF, true), cli: interruptFlag(false), sti: interruptFlag(true),
  stac, clac, pushf, popf, lahf, sahf, hlt,
  ud2: (a) => { a.raise(UD, -1); },
  // What instructions that are too long, of units that are switched off, or that find an exception waiting, are decoded to.
  gp: (a) => { a.raise(GP, 0); },
  nm: (a) => { a.raise(NM, -1); },
  mf: (a) => { a.raise(MF, -1); },
  int3: (a) => {
    a.c.i32(0).i32(BP).store('i32', EXIT.SIZE);
    a.c.i32(0).i32(-1).store('i32', EXIT.KIND);
    a.stop(STATUS.TRAP);
  },
};

for (const condition of CONDITIONS) {
  control[`j${condition}`] = (a) => {
    pushCondition(a, condition);
    a.c.if();
    a.jump();
    a.c.end();
  };
}
