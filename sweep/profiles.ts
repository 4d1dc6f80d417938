/** The CPUs of a campaign: the named ones, and those on which a kernel would patch a routine differently. */
import type { Image } from '../assembly/elf/image.ts';
import { findImageTable } from '../assembly/extable/search.ts';
import { cpuFeatureName } from '../assembly/linux-compat/cpu-features.ts';
import type { CpuProfile } from '../machine/cpu/cpu.ts';
import { CPU_PROFILES, cpuProfile, DEFAULT_CPU_PROFILE } from '../machine/cpu/profiles.ts';
import { bootPatches, readAlternatives } from '../machine/kernel/alternatives.ts';
import type { Contract } from '../machine/scenario/scenario.ts';
import { reachableCode } from './reachable.ts';

/** Features whose alternatives are about something else than moving bytes and reaching user memory. */
const UNRELATED = /retpoline|rethunk|unret|srso|call_depth|ibpb|rsb|xenpv|tdx|always|pti|ibt/;
/** Of so many features at most, all combinations are swept: 2^6 CPUs. */
const MAX_FEATURES = 6;

/**
 * Names of profiles, each of which {@link cpuProfile} knows: every named one, and the default one with and without each feature that the
 * routine's alternatives ask for (and SMAP and LA57, if it is given user pointers), in all combinations. Of CPUs that run the same code by the same rules the first stands for all.
 */
export function allProfiles(image: Image, entry: bigint, contract: Contract, generation: string): readonly string[] {
  const code = reachableCode(image, entry, findImageTable(image, { generation }), generation).bytes;
  const asked = readAlternatives(image, generation).records.filter(({ instruction }) => code.has(instruction)).map(({ feature }) => cpuFeatureName(feature, generation)).filter((name) => !UNRELATED.test(name));
  const features = [...new Set([...(contract.user.length > 0 ? ['smap', 'la57'] : []), ...asked])].filter((name) => /^[a-z0-9_]+$/.test(name)).slice(0, MAX_FEATURES);
  const combinations = Array.from({ length: 2 ** features.length }, (_, set) => features.map((name, i) => ({ name, on: (set & (1 << i)) === 0 })));
  const names = [
    ...CPU_PROFILES.map(({ name }) => name),
    ...combinations.map((combination) => {
      const changed = combination.filter(({ name, on }) => DEFAULT_CPU_PROFILE.features.includes(name) !== on);
      return `${DEFAULT_CPU_PROFILE.name}${changed.map(({ name, on }) => `${on ? '+' : '-'}${name}`).join('')}`;
    }),
  ];
  const seen = new Set<string>();
  return names.filter((name) => {
    const key = behaviour(image, cpuProfile(name)!, contract, generation, code);
    return !seen.has(key) && seen.add(key);
  });
}

/** What a run can tell of a CPU: the code it is given, and the rules it faults by. */
function behaviour(image: Image, profile: CpuProfile, contract: Contract, generation: string, code: ReadonlySet<bigint>): string {
  const { features, quirks = [], vendor, model } = profile;
  const patches = bootPatches(image, profile, generation).patches.filter(({ address }) => code.has(address)).map(({ address, bytes }) => `${address.toString(16)} ${bytes.join()}`);
  const rules = ['overflow_recov', 'succor', 'lmce', ...(contract.user.length > 0 ? ['smap', 'la57', 'lam'] : [])].filter((name) => features.includes(name));
  return JSON.stringify([patches, rules, quirks, vendor, model]);
}
