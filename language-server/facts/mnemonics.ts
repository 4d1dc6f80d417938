/**
 * What instructions do, in a few words, by iced's mnemonic. The common ones of system code; others go without.
 */

const CONDITIONS: Readonly<Record<string, string>> = {
  a: 'above (unsigned)', ae: 'above or equal, no carry', b: 'below (unsigned), carry', be: 'below or equal (unsigned)', e: 'equal, zero', ne: 'not equal, not zero', g: 'greater (signed)', ge: 'greater or equal (signed)',
  l: 'less (signed)', le: 'less or equal (signed)', s: 'negative', ns: 'not negative', o: 'overflow', no: 'no overflow', p: 'even parity', np: 'odd parity',
};

const SUMMARIES: Readonly<Record<string, string>> = {
  mov: 'copies', movzx: 'copies, filling up with zeros', movsx: 'copies, filling up with the sign', movsxd: 'copies, filling up with the sign', movbe: 'copies with the bytes reversed', lea: 'computes an address without accessing it',
  xchg: 'exchanges; atomic with memory', cmpxchg: 'compares with rax, and writes if equal', cmpxchg8b: 'compares 8 bytes with edx:eax, and writes ecx:ebx if equal', cmpxchg16b: 'compares 16 bytes with rdx:rax, and writes rcx:rbx if equal', xadd: 'exchanges and adds', bswap: 'reverses the bytes',
  push: 'puts on the stack', pop: 'takes from the stack', pushfq: 'puts the flags on the stack', popfq: 'takes the flags from the stack', enter: 'makes a stack frame', leave: 'leaves a stack frame',
  add: 'adds', adc: 'adds with carry', sub: 'subtracts', sbb: 'subtracts with borrow', inc: 'adds 1, keeping the carry', dec: 'subtracts 1, keeping the carry', neg: 'negates', cmp: 'compares: sets the flags of a subtraction', mul: 'multiplies, unsigned', imul: 'multiplies, signed',
  div: 'divides rdx:rax, unsigned; #DE if the quotient does not fit', idiv: 'divides rdx:rax, signed; #DE if the quotient does not fit', and: 'ANDs', or: 'ORs', xor: 'exclusive-ORs', not: 'inverts', test: 'sets the flags of an AND',
  shl: 'shifts left', shr: 'shifts right, unsigned', sar: 'shifts right, signed', shld: 'shifts left, filling from another register', shrd: 'shifts right, filling from another register', rol: 'rotates left', ror: 'rotates right', rcl: 'rotates left through the carry', rcr: 'rotates right through the carry',
  bt: 'puts a bit into the carry', bts: 'tests and sets a bit', btr: 'tests and clears a bit', btc: 'tests and inverts a bit', bsf: 'finds the lowest set bit', bsr: 'finds the highest set bit', tzcnt: 'counts zeros below', lzcnt: 'counts zeros above', popcnt: 'counts set bits',
  jmp: 'jumps', call: 'calls', ret: 'returns', retf: 'returns to another segment', iretq: 'returns from an interrupt', loop: 'decrements rcx and jumps while it is not 0', jrcxz: 'jumps if rcx is 0', nop: 'does nothing', ud2: 'raises #UD', ud1: 'raises #UD', ud0: 'raises #UD', int3: 'breakpoint: raises #BP', int: 'raises a software interrupt', hlt: 'waits for an interrupt', pause: 'waits a little, in a spin loop',
  movsb: 'copies a byte from (%rsi) to (%rdi); with rep, rcx of them', movsw: 'copies 2 bytes from (%rsi) to (%rdi); with rep, rcx times', movsd: 'copies 4 bytes from (%rsi) to (%rdi); with rep, rcx times', movsq: 'copies 8 bytes from (%rsi) to (%rdi); with rep, rcx times',
  stosb: 'writes al to (%rdi); with rep, rcx times', stosw: 'writes ax to (%rdi); with rep, rcx times', stosd: 'writes eax to (%rdi); with rep, rcx times', stosq: 'writes rax to (%rdi); with rep, rcx times',
  lodsb: 'reads al from (%rsi)', lodsw: 'reads ax from (%rsi)', lodsd: 'reads eax from (%rsi)', lodsq: 'reads rax from (%rsi)', scasb: 'compares al with (%rdi)', cmpsb: 'compares (%rsi) with (%rdi)',
  cld: 'string instructions go upwards', std: 'string instructions go downwards', clc: 'clears the carry', stc: 'sets the carry', cmc: 'inverts the carry', cli: 'disables interrupts', sti: 'enables interrupts', stac: 'sets AC: the kernel may access user memory', clac: 'clears AC: the kernel may not access user memory',
  lfence: 'waits for loads before it', sfence: 'orders stores, non-temporal ones too', mfence: 'orders loads and stores', movnti: 'stores past the cache; sfence orders it', movntdq: 'stores past the cache; sfence orders it', prefetcht0: 'fetches a cache line; never faults', prefetchnta: 'fetches a cache line; never faults', prefetchw: 'fetches a cache line to write it; never faults', clflush: 'flushes a cache line', clflushopt: 'flushes a cache line', clwb: 'writes a cache line back',
  rdmsr: 'reads model-specific register ecx into edx:eax', wrmsr: 'writes edx:eax to model-specific register ecx', rdtsc: 'reads the time-stamp counter into edx:eax', rdtscp: 'reads the time-stamp counter and the processor number', rdpmc: 'reads a performance counter', cpuid: 'asks the CPU what it is and has', xgetbv: 'reads an extended control register', xsetbv: 'writes an extended control register',
  swapgs: 'exchanges the base of gs with the kernel\'s', syscall: 'calls the kernel', sysretq: 'returns from the kernel', sysenter: 'calls the kernel', invlpg: 'forgets the translation of an address', wbinvd: 'writes back and empties the caches', lgdt: 'loads the table of segments', lidt: 'loads the table of interrupts', ltr: 'loads the task register', endbr64: 'marks a place that indirect branches may go to', rdrand: 'reads a random number', rdseed: 'reads a random seed', verw: 'checks a segment for writing; clears CPU buffers on some CPUs',
  fxsave: 'saves the FPU\'s state', fxrstor: 'loads the FPU\'s state', xsave: 'saves the extended state', xrstor: 'loads the extended state', ldmxcsr: 'loads the SSE control register', stmxcsr: 'stores the SSE control register', fninit: 'resets the FPU', emms: 'ends the use of MMX registers', vzeroupper: 'clears the upper halves of the vector registers',
  cbw: 'fills ax with the sign of al', cwde: 'fills eax with the sign of ax', cdqe: 'fills rax with the sign of eax', cwd: 'fills dx with the sign of ax', cdq: 'fills edx with the sign of eax', cqo: 'fills rdx with the sign of rax',
  movaps: 'copies 16 aligned bytes', movups: 'copies 16 bytes', movdqa: 'copies 16 aligned bytes', movdqu: 'copies 16 bytes', vmovdqa: 'copies 16 or 32 aligned bytes', vmovdqu: 'copies 16 or 32 bytes', movd: 'copies 4 bytes between general and vector registers', movq: 'copies 8 bytes between general and vector registers', crc32: 'adds to a CRC-32C',
};

/** What an instruction does, by iced's mnemonic (lower case); undefined if the table does not have it. */
export function mnemonicSummary(mnemonic: string): string | undefined {
  if (Object.hasOwn(SUMMARIES, mnemonic)) return SUMMARIES[mnemonic];
  const conditional = /^(j|set|cmov)([a-z]{1,2})$/.exec(mnemonic);
  const condition = conditional === null ? undefined : CONDITIONS[conditional[2]!];
  if (condition === undefined) return undefined;
  return `${conditional![1] === 'j' ? 'jumps' : conditional![1] === 'set' ? 'sets a byte to 1, else 0,' : 'copies'} if ${condition}`;
}
