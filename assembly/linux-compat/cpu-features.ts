/**
 * The kernel's numbers for CPU features (word * 32 + bit), as far as assembly sources and our CPU profiles name them.
 * Observed by preprocessing the names with Debian's 6.1 and 6.12 headers; test/linux-compat compares them with the real ones.
 */

/** Lower-case kernel name to [number in 6.1, number in 6.12]; undefined where that kernel does not know the feature. */
const FEATURES: Readonly<Record<string, readonly [number | undefined, number | undefined]>> = {
  tsc: both(0, 4), mce: both(0, 7), sep: both(0, 11), mca: both(0, 14), clflush: both(0, 19), fxsr: both(0, 24), xmm: both(0, 25), xmm2: both(0, 26),
  nx: both(1, 20), rdtscp: both(1, 27),
  constant_tsc: both(3, 8), syscall32: both(3, 14), sysenter32: both(3, 15), rep_good: both(3, 16), nopl: both(3, 20), always: both(3, 21),
  lfence_rdtsc: [feature(3, 18), feature(20, 2)],
  cx16: both(4, 13), pcid: both(4, 17), xsave: both(4, 26), avx: both(4, 28), hypervisor: both(4, 31),
  pti: both(7, 11), rsb_vmexit: both(7, 13), rsb_ctxsw: both(7, 19),
  xenpv: both(8, 16), tdx_guest: both(8, 22),
  fsgsbase: both(9, 0), avx2: both(9, 5), smep: both(9, 7), erms: both(9, 9), invpcid: both(9, 10), smap: both(9, 20), clflushopt: both(9, 23), clwb: both(9, 24),
  xsaveopt: both(10, 0), xsaves: both(10, 3),
  entry_ibpb: both(11, 10), retpoline: both(11, 12), retpoline_lfence: both(11, 13), rethunk: both(11, 14), unret: both(11, 15), srso: both(11, 24), srso_alias: both(11, 25),
  call_depth: only612(11, 19), fzrm: only612(12, 10), fsrs: only612(12, 11), fsrc: only612(12, 12), fred: only612(12, 17), lam: only612(12, 26),
  la57: both(16, 16), movdiri: both(16, 27), movdir64b: both(16, 28), shstk: only612(16, 7),
  overflow_recov: both(17, 0), succor: both(17, 1),
  fsrm: both(18, 4), ibt: both(18, 20),
};

function feature(word: number, bit: number): number {
  return word * 32 + bit;
}

function both(word: number, bit: number): readonly [number, number] {
  return [feature(word, bit), feature(word, bit)];
}

function only612(word: number, bit: number): readonly [undefined, number] {
  return [undefined, feature(word, bit)];
}

/** Which column a generation reads: kernels before 6.1 have the same numbers for all features named here. */
function column(generation: string): 0 | 1 {
  return generation === '6.12' ? 1 : 0;
}

/** Feature name (lower case) to number, for the kernel of `generation`. */
export function cpuFeatureNumbers(generation: string): ReadonlyMap<string, number> {
  const index = column(generation);
  return new Map(Object.entries(FEATURES).flatMap(([name, numbers]) => {
    const number = numbers[index];
    return number === undefined ? [] : [[name, number] as const];
  }));
}

/** The name of a feature number, `feature 9*32+20` if we have none for it. */
export function cpuFeatureName(number: number, generation: string): string {
  for (const [name, value] of cpuFeatureNumbers(generation)) if (value === number) return name;
  return `feature ${String(Math.floor(number / 32))}*32+${String(number % 32)}`;
}
