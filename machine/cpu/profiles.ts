/**
 * CPU profiles by name: which features the kernel would find, and so which alternatives it patches in.
 */
import type { CpuProfile } from './cpu.ts';

/** See {@link CpuProfile.quirks}. */
export const CPU_QUIRKS = ['rep-movs-no-ripv', 'rep-movs-overread', 'broadcast'] as const;

export const CPU_PROFILES: readonly CpuProfile[] = [
  { name: 'intel-server', vendor: 'intel', features: ['rep_good', 'erms', 'fsrm', 'smap', 'smep', 'lfence_rdtsc', 'lmce'] },
  { name: 'intel-old', vendor: 'intel', features: ['rep_good', 'lfence_rdtsc'] },
  { name: 'amd-server', vendor: 'amd', features: ['rep_good', 'erms', 'fsrm', 'smap', 'smep', 'lfence_rdtsc', 'overflow_recov', 'succor'] },
  {
    name: 'skylake-server', vendor: 'intel', features: ['rep_good', 'erms', 'smap', 'smep', 'lfence_rdtsc', 'lmce'],
    quirks: ['rep-movs-overread'], model: { name: 'skylake-x', stepping: 4 },
  },
];

export const DEFAULT_CPU_PROFILE = CPU_PROFILES[0]!;

/** The profile called `name`; `default` is the first. */
export function cpuProfile(name: string): CpuProfile | undefined {
  return name === 'default' ? DEFAULT_CPU_PROFILE : CPU_PROFILES.find((profile) => profile.name === name);
}
