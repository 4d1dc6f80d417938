/** Bit tests and bit counts. */
import { ACCESS } from '../../memory/layout.ts';
import type { Access } from './access.ts';
import { ARITHMETIC_FLAGS, explicitFlags, replaceFlags } from './flags.ts';
import type { Lift } from './lift.ts';
import type { Local } from '../wasm/code.ts';
import type { BinaryOp } from '../wasm/opcodes.ts';

/** bt, bts, btr, btc: CF = the bit, then it is changed. A register offset into memory reaches beyond the operand. */
function bitTest(change: 'none' | 'set' | 'reset' | 'complement'): Lift {
  return (a) => {
    const { c } = a;
    const size = a.size(0);
    const width = 8 * size;
    const offset = a.read(1);
    let value: Local;
    let host: Local | undefined;
    const destination = a.shape.operands[0]!;
    if (destination.kind === 'memory' && a.shape.operands[1]!.kind === 'register') {
      c.get(a.address(0)).get(offset).i64(Math.log2(width)).op('i64_shr_s').i64(size).op('i64_mul').op('i64_add');
      if (destination.kind === 'memory' && destination.form === 'a') a.zeroExtend(4);
      host = a.translate(a.take(), size, change === 'none' ? ACCESS.READ : ACCESS.READ_WRITE);
      a.load(host, size);
      value = a.take();
    } else value = change === 'none' ? a.read(0) : a.modify(0);
    c.get(offset).i64(width - 1).op('i64_and');
    const bit = a.take();
    c.get(value).get(bit).op('i64_shr_u').op('i32_wrap_i64').i32(1).op('i32_and');
    const carry = a.take32();
    if (change !== 'none') {
      c.get(value).i64(1).get(bit).op('i64_shl');
      if (change === 'reset') c.i64(-1).op('i64_xor').op('i64_and');
      else c.op(change === 'set' ? 'i64_or' : 'i64_xor');
      const result = a.take();
      if (host !== undefined) a.store(host, size, result);
      else a.write(0, result);
    }
    a.setFlag('carry', carry);
  };
}

const OF = 0x800;

/** bsf, bsr: the destination stays as it is if the source is zero, as on all current processors. */
function scan(forward: boolean): Lift {
  return (a) => {
    const { c } = a;
    const source = a.read(1, 'zero');
    c.get(source).op('i64_eqz').op('i32_eqz').if();
    if (forward) c.get(source).op('i64_ctz');
    else c.i64(63).get(source).op('i64_clz').op('i64_sub');
    a.write(0, a.take());
    c.end();
    c.get(source).op('i64_eqz').i32(6).op('i32_shl');
    const zero = a.take32();
    // The flags the manual leaves undefined, as AMD's processors do: PF by the index found (0 if none), the others clear.
    const destination = a.read(0);
    c.get(zero).get(destination).i64(0).get(zero).op('i32_eqz').op('select').op('i32_wrap_i64').i32(0xff).op('i32_and').op('i32_popcnt').i32(1).op('i32_and').op('i32_eqz').i32(2).op('i32_shl').op('i32_or');
    explicitFlags(a, a.take32());
  };
}

/** tzcnt, lzcnt: CF = source is zero, ZF = result is zero; of the undefined flags OF stays and the others are clear, as AMD's processors do. */
function count(trailing: boolean): Lift {
  return (a) => {
    const { c } = a;
    const width = 8 * a.size(0);
    const source = a.read(1, 'zero');
    if (trailing) {
      // A bit just behind the operand ends the count.
      c.get(source);
      if (width < 64) c.i64(1n << BigInt(width)).op('i64_or');
      c.op('i64_ctz');
    } else c.get(source).op('i64_clz').i64(64 - width).op('i64_sub');
    const result = a.take();
    a.write(0, result);
    c.get(source).op('i64_eqz').get(result).op('i64_eqz').i32(6).op('i32_shl').op('i32_or');
    replaceFlags(a, a.take32(), ARITHMETIC_FLAGS & ~OF);
  };
}

function popcnt(a: Access): void {
  const { c } = a;
  const source = a.read(1, 'zero');
  c.get(source).op('i64_popcnt' satisfies BinaryOp);
  a.write(0, a.take());
  c.get(source).op('i64_eqz').i32(6).op('i32_shl');
  explicitFlags(a, a.take32());
}

export const bits: Record<string, Lift> = {
  bt: bitTest('none'), bts: bitTest('set'), btr: bitTest('reset'), btc: bitTest('complement'),
  bsf: scan(true), bsr: scan(false), tzcnt: count(true), lzcnt: count(false), popcnt,
};
