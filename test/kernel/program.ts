/**
 * Small programs for the kernel model's tests: assembly text in, a machine out.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '../../assembly/elf/image.ts';
import { linkObjects } from '../../assembly/elf/link.ts';
import { readElf } from '../../assembly/elf/read.ts';
import { createMachine } from '../../machine/create.ts';
import type { DeliveryPhase } from '../../machine/kernel/delivery.ts';
import type { Machine } from '../../machine/machine.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';
import { standInFlags, writeStandIns } from '../linux-compat/standins.ts';

const HEADERS = ['linux/linkage.h', 'asm/asm.h', 'asm/alternative.h', 'asm/cpufeatures.h', 'asm/smap.h'];

export function imageOf(text: string, generation = '6.12'): Image {
  const folder = mkdtempSync(join(tmpdir(), 'mcsafe-kernel-'));
  writeFileSync(join(folder, 'p.S'), `${HEADERS.map((path) => `#include <${path}>`).join('\n')}\n\t.text\n${text}\n\t.globl __x86_return_thunk\n__x86_return_thunk: ret\n`);
  execFileSync('gcc', [...standInFlags(generation, writeStandIns(generation)), '-c', '-o', join(folder, 'p.o'), join(folder, 'p.S')]);
  return linkObjects([readElf('p.S', readFileSync(join(folder, 'p.o')))]).image;
}

/** A machine for the first routine of `text`, or for `config.entry`; 256 bytes of `src` and `dst`, nothing poisoned unless asked for. */
export function machineOf(text: string, config: Partial<LaunchConfig> = {}): Machine {
  const generation = config.kernelGeneration ?? '6.12';
  const result = createMachine({ config: { program: 'p.S', kernelGeneration: generation, poison: false, ...config }, image: imageOf(text, generation), directives: [], program: 'p.S' });
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.machine;
}

/** The names of the phases of the machine's `n`th delivery. */
export function phaseNames(machine: Machine, n = 0): readonly DeliveryPhase['phase'][] {
  return machine.deliveries[n]!.phases.map(({ phase }) => phase);
}

/** One phase of the machine's `n`th delivery. */
export function phaseOf<Name extends DeliveryPhase['phase']>(machine: Machine, name: Name, n = 0): Extract<DeliveryPhase, { phase: Name }> {
  const found = machine.deliveries[n]!.phases.find((phase): phase is Extract<DeliveryPhase, { phase: Name }> => phase.phase === name);
  if (found === undefined) throw new Error(`no phase ${name} among ${phaseNames(machine, n).join(', ')}`);
  return found;
}
