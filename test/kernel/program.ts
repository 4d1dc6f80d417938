/**
 * Small programs for the kernel model's tests: assembly text in, a machine out.
 */
import { assemble } from '../../assembly/assembler/assemble.ts';
import type { Image } from '../../assembly/elf/image.ts';
import { linkObjects } from '../../assembly/elf/link/link.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { readGas } from '../../assembly/gas/read.ts';
import type { CommentDirective } from '../../assembly/gas/statement.ts';
import { linuxCompat } from '../../assembly/linux-compat/linux-compat.ts';
import { stubSource } from '../../assembly/linux-compat/stubs.ts';
import { formatPosition } from '../../assembly/source.ts';
import { createMachine } from '../../machine/create.ts';
import type { DeliveryPhase } from '../../machine/kernel/delivery.ts';
import type { Machine } from '../../machine/machine.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';

const HEADERS = ['linux/linkage.h', 'asm/asm.h', 'asm/alternative.h', 'asm/cpufeatures.h', 'asm/smap.h'];

/** Reads, assembles and links sources by the product's own front end, with stubs for what they call. */
export function link(sources: readonly { readonly file: string; readonly text: string }[], generation = '6.12', more: readonly ObjectFile[] = []): { readonly image: Image; readonly directives: readonly CommentDirective[] } {
  const { provider, includePaths, defines } = linuxCompat(generation);
  const directives: CommentDirective[] = [];
  const errors: string[] = [];
  const build = ({ file, text }: { readonly file: string; readonly text: string }): ObjectFile => {
    const unit = readGas(file, text, { provider, includePaths, defines });
    const { object, problems } = assemble(unit);
    directives.push(...unit.directives);
    errors.push(...[...unit.problems, ...problems].filter(({ severity }) => severity === 'error').map(({ message, range }) => `${formatPosition(range.start)}: ${message}`));
    return object;
  };
  const objects = [...sources.map(build), ...more];
  const defined = new Set(objects.flatMap(({ symbols }) => symbols.filter(({ section }) => section !== 'undefined').map(({ name }) => name)));
  const wanted = new Set(objects.flatMap(({ symbols }) => symbols.filter(({ section, name }) => section === 'undefined' && name !== '' && !defined.has(name)).map(({ name }) => name)));
  for (const name of wanted) {
    const text = stubSource(name, generation);
    if (text !== undefined) objects.push(build({ file: `stubs/${name}.S`, text }));
  }
  const { image, problems } = linkObjects(objects);
  errors.push(...problems.filter(({ severity }) => severity === 'error').map(({ message }) => message));
  if (errors.length > 0) throw new Error(errors.join('\n'));
  return { image, directives };
}

export function imageOf(text: string, generation = '6.12'): Image {
  return link([{ file: 'p.S', text: `${HEADERS.map((path) => `#include <${path}>`).join('\n')}\n\t.text\n${text}\n` }], generation).image;
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
