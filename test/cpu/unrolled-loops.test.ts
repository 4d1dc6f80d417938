import { describe, expect, it } from 'vitest';
import { DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { comparable } from './comparable.ts';
import { assembled, load } from './assembled.ts';
import type { Assembled } from './assembled.ts';
import { Random } from './random-program.ts';

const DATA = 0xffff_8880_0010_0000n, PAGES = 4;
const RW = { read: true, write: true, execute: false, user: false };
const RCX = 1, RDX = 2, RSI = 6, RDI = 7;

/** Loops of the kinds that are unrolled, and of kinds that must not be: what steps, by how much, and what is accessed. */
const LOOPS: readonly string[] = [
  '1: movq (%rsi,%rax), %r8\n movq %r8, (%rdi,%rax)\n addq $8, %rax\n cmpq %rdx, %rax\n jb 1b',
  '1: movzbl (%rsi,%rax), %r9d\n testb $1, %r9b\n jz 2f\n addq %r9, %r10\n rolq $3, %r10\n2: xorq %r9, %r10\n incq %rax\n cmpq %rdx, %rax\n jb 1b',
  '1: movb (%rsi), %al\n movb %al, (%rdi)\n incq %rsi\n incq %rdi\n decq %rcx\n jnz 1b',
  '1: movl -4(%rsi,%rcx,4), %eax\n addl %eax, -4(%rdi,%rcx,4)\n decq %rcx\n jnz 1b',
  '1: movq (%rsi), %r8\n movq 8(%rsi), %r9\n movq %r8, (%rdi)\n movq %r9, 8(%rdi)\n leaq 16(%rsi), %rsi\n subq $-16, %rdi\n subq $16, %rdx\n ja 1b',
  // One arm steps the pointer further: what is known at the meeting point is nothing.
  '1: movzwl (%rsi), %eax\n testb $3, %al\n jnz 2f\n addq $2, %rsi\n2: addq $2, %rsi\n adcw %ax, (%rdi)\n decq %rcx\n jnz 1b',
  // The loaded value is the next address.
  '1: movzbl (%rsi,%rax), %eax\n incb 7(%rdi,%rax)\n decq %rcx\n jnz 1b',
  // Narrow writes to an index are no constant step.
  '1: movb (%rsi,%rax), %r8b\n addb %r8b, (%rdi,%rax)\n addb $8, %al\n decq %rcx\n jnz 1b',
  '1: movdqu (%rsi), %xmm0\n movups %xmm0, (%rdi)\n addq $16, %rsi\n addq $16, %rdi\n decq %rcx\n jnz 1b',
  '1: xaddq %r8, (%rdi)\n cmpxchgq %r9, 8(%rsi)\n addq $8, %rdi\n pushq %r8\n popq %r9\n loop 1b',
  '1: movq (%rsi), %r8\n movq %rdi, %r10\n addq $8, %rdi\n movq %r8, (%r10)\n xchgq %rsi, %r10\n movq (%rsi), %r9\n xchgq %rsi, %r10\n addq $8, %rsi\n decq %rcx\n jnz 1b',
  // An outer loop with the same head, which unrolls nothing but the inner one.
  '1: movq (%rsi,%rax), %r8\n movq %r8, (%rdi,%rax)\n addq $8, %rax\n cmpq %rdx, %rax\n jb 1b\n decq %rcx\n jz 2f\n xorl %eax, %eax\n jmp 1b\n2:',
  '1: lodsq\n stosq\n movsb\n decq %rcx\n jnz 1b',
];

function cpuWith(program: Assembled, seed: number): WasmCpu {
  const random = new Random(seed);
  const cpu = createCpu({ profile: DEFAULT_CPU_PROFILE, granule: 'byte' });
  load(cpu.memory, program.image);
  cpu.memory.map(DATA, PAGES * 4096, RW);
  cpu.memory.write(DATA, Uint8Array.from({ length: PAGES * 4096 }, () => random.below(256)));
  if (random.below(3) === 0) cpu.memory.protect(DATA + 8192n, 4096, { ...RW, write: false });
  for (let left = random.below(3); left > 0; left--) cpu.memory.poison(DATA + BigInt(random.below(PAGES * 4096 - 64)), 1 + random.below(40));
  for (let i = 0; i < 16; i++) if (i !== 4) cpu.registers.set(i, random.u64());
  // Around where pages end, most of the time.
  const near = (): bigint => DATA + BigInt(4096 * random.below(PAGES) + (random.below(2) === 0 ? 4096 - random.below(300) : random.below(4096)));
  cpu.registers.set(4, DATA + 4096n);
  cpu.registers.set(RSI, near());
  cpu.registers.set(RDI, random.below(4) === 0 ? cpu.registers.get(RSI) + BigInt(random.below(48)) : near());
  cpu.registers.set(RCX, BigInt(1 + random.below(400)));
  cpu.registers.set(RDX, BigInt(8 * random.below(300)));
  cpu.registers.set(0, BigInt(8 * random.below(4)));
  cpu.registers.setControl(0, 0x8005_0033n);
  cpu.registers.setControl(4, 0x600n);
  cpu.registers.rip = program.at('start');
  return cpu;
}

describe('an unrolled loop', () => {
  const ROUNDS = Number(process.env['MCSAFE_LOOP_ROUNDS'] ?? 4);
  const first = Number(process.env['MCSAFE_SEED'] ?? Date.now() % 100_000);

  for (const [number, text] of LOOPS.entries()) {
    it(`does what the interpreter does: ${text.replaceAll('\n', ';')}`, () => {
      const program = assembled(`\t.text\nstart:\n${text}\nend: hlt\n`);
      let faults = 0, ends = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const seed = first * 1000 + number * 100 + round;
        const plain = cpuWith(program, seed), compiled = cpuWith(program, seed);
        plain.regions.enabled = false;
        compiled.regions.enabled = false;
        expect(compiled.regions.compile(program.at('start'))).toBe(true);
        const random = new Random(seed);
        for (let slice = 0; slice < 8; slice++) {
          const limit = 1 + random.below(slice % 2 === 0 ? 60 : 900);
          const a = plain.run(limit), b = compiled.run(limit);
          expect(comparable(compiled, b, [DATA, PAGES * 4096]), `MCSAFE_SEED=${String(first)}: seed ${String(seed)}, slice ${String(slice)}`).toEqual(comparable(plain, a, [DATA, PAGES * 4096]));
          if (a.kind === 'exception') faults++;
          else if (a.kind === 'halt') ends++;
          if (a.kind !== 'limit') break;
        }
      }
      // With many rounds some loops are seen to fault, or to end.
      if (ROUNDS >= 12) expect(faults + ends).toBeGreaterThan(0);
    });
  }
});
