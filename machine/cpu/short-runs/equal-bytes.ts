/** A function of the driver's module that compares memory, 128 bytes at a time. */
import { Code } from '../wasm/code.ts';

/** (a, b, size) -> how many bytes from the start are equal. */
export function equalBytes(): Code {
  const c = new Code(3);
  const at = c.local('i32'), a = c.local('i32'), b = c.local('i32');
  const out = c.block();
  // As long as there are so many bytes and they are equal.
  for (const vectors of [8, 1]) {
    const words = c.loop();
    const fewer = c.block();
    c.get(at).i32(16 * vectors).op('i32_add').get(2).op('i32_gt_u').brIf(fewer);
    c.get(0).get(at).op('i32_add').set(a).get(1).get(at).op('i32_add').set(b);
    for (let i = 0; i < vectors; i++) {
      c.get(a).load('v128', 16 * i).get(b).load('v128', 16 * i).simd('v128_xor');
      if (i > 0) c.simd('v128_or');
    }
    c.simd('v128_any_true').brIf(fewer);
    c.get(at).i32(16 * vectors).op('i32_add').set(at).br(words);
    c.end();
    c.end();
  }
  const single = c.loop();
  c.get(at).get(2).op('i32_ge_u').brIf(out);
  c.get(0).get(at).op('i32_add').load('i32_8u').get(1).get(at).op('i32_add').load('i32_8u').op('i32_ne').brIf(out);
  c.get(at).i32(1).op('i32_add').set(at).br(single).end();
  c.end();
  return c.get(at);
}
