/**
 * Instructions that the emulator will not model, with the reason: what they do lies outside a processor's fault behaviour as a kernel's
 * assembly shows it. Everything else that is missing is only "not yet".
 */

/** By iced-x86's CPUID feature name. */
const FEATURES: readonly (readonly [RegExp, string])[] = [
  [/^KNC$/, 'Knights Corner coprocessor only'],
  [/^(VMX|VMX\+.*|SVM|SKINIT_or_SVM|INVEPT|INVVPID|SEV_ES|SEV_SNP|RMPQUERY|TDX|INVLPGB)$/, 'virtualisation'],
  [/^(SGX1|PCONFIG|TSE|SMX|ENQCMD)$/, 'enclaves, measured launch and device queues'],
  [/^(AMX_.*)$/, 'matrix tiles'],
  [/^(PADLOCK_.*|GEODE.*|CYRIX.*)$/, 'another vendor\'s crypto unit'],
  [/^(RTM|HLE_or_RTM|TSXLDTRK)$/, 'transactional memory'],
  [/^(MPX)$/, 'bounds registers, removed from processors'],
  [/^(CET_SS|UINTR|FRED|LKGS|KL|AESKLE|AESKLE\+WIDE_KL|WIDE_KL)$/, 'shadow stacks, user interrupts, FRED and key locker'],
  [/^(XOP|FMA4|LWP|D3NOW|D3NOWEXT|SSE4A|TBM)$/, 'removed from current processors'],
  [/^(AVX512_4FMAPS|AVX512_4VNNIW|AVX512PF|AVX512ER|PREFETCHWT1)$/, 'Xeon Phi only'],
  [/^(UDBG|OSS|SMM|HRESET|MCOMMIT|PCOMMIT|PTWRITE|CLDEMOTE|MSRLIST|WRMSRNS)$/, 'platform management'],
];

/** Why the instruction will not be modelled; undefined for what is or will be. */
export function refusal(features: readonly string[]): string | undefined {
  for (const feature of features) {
    for (const [pattern, reason] of FEATURES) if (pattern.test(feature)) return reason;
  }
  return undefined;
}
