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

/** The profile called `name`; `default` is the first. Features may be added to it and taken from it: `intel-server-erms+la57`. */
export function cpuProfile(name: string): CpuProfile | undefined {
  const known = name === 'default' ? DEFAULT_CPU_PROFILE : CPU_PROFILES.find((profile) => profile.name === name);
  if (known !== undefined) return known;
  const change = /^(.+)([+-])([a-z0-9_]+)$/.exec(name);
  const base = change === null ? undefined : cpuProfile(change[1]!);
  if (base === undefined) return undefined;
  const [, , sign, feature = ''] = change!;
  const others = base.features.filter((one) => one !== feature);
  return { ...base, name, features: sign === '+' ? [...others, feature] : others };
}
