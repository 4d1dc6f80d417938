/**
 * `mcsafe table`: the exception tables of a source, an object or a linked file: explained, checked, fixed.
 */
import { bytesSource } from '../../assembly/elf/byte-source.ts';
import type { ByteSource } from '../../assembly/elf/byte-source.ts';
import { ElfError } from '../../assembly/elf/elf-error.ts';
import { openElf } from '../../assembly/elf/open.ts';
import { packedAs } from '../../assembly/elf/packed.ts';
import type { Packed } from '../../assembly/elf/packed.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import type { ExtableEntry, ExtableLayout } from '../../assembly/extable/entry.ts';
import { EX_TYPE_HANDLER } from '../../assembly/extable/entry.ts';
import { FixError, fixTables } from '../../assembly/extable/fix.ts';
import { reportTables } from '../../assembly/extable/report.ts';
import type { EntryMeaning, EntrySurroundings } from '../../assembly/extable/report.ts';
import type { TableReport } from '../../assembly/extable/report-schema.ts';
import { takesVector } from '../../assembly/extable/search.ts';
import { EX_TYPE } from '../../fault-model/ex-type.ts';
import { entryTypeText } from '../../fault-model/entry-type.ts';
import { recoverability } from '../../fault-model/error-context.ts';
import { registersWritten } from '../../fault-model/handler-types.ts';
import { DEFAULT_KERNEL_GENERATION, KERNEL_GENERATIONS, kernelGeneration } from '../../fault-model/kernel-generation.ts';
import type { KernelGeneration } from '../../fault-model/kernel-generation.ts';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import { opcodeOf } from '../../machine/kernel/kernel.ts';
import { CLASS_TYPE } from '../../machine/kernel/takers.ts';
import { openFile } from '../../host/node/file-source.ts';
import { nodeHost } from '../../host/node/host.ts';
import { writeFile } from '../../host/node/output.ts';
import { UnpackError, unpack } from '../../host/node/unpack.ts';
import { errorsOf, formatProblem } from '../../host/problems.ts';
import { loadObjects } from '../../host/program.ts';
import { checkedConfig } from '../checked-config.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { SourceOptions } from '../launch-options.ts';
import { sourceAttributes } from '../launch-options.ts';
import { tableText } from '../table-text.ts';

export interface TableOptions extends SourceOptions {
  readonly json?: boolean;
  readonly sort?: boolean;
  readonly check?: boolean;
  readonly fix?: boolean;
  readonly inPlace?: boolean;
  readonly output?: string;
  readonly layout?: string;
}

export async function table(file: string, options: TableOptions): Promise<number> {
  const layout = options.layout as ExtableLayout | undefined;
  if (options.fix === true) return fix(file, options, layout);
  const asked = options.kernel === undefined ? undefined : chosenGeneration(options.kernel);
  const object = await readFile(file, options);
  const report = inElfTerms(() => reportTables(object, {
    generation: (asked ?? DEFAULT_KERNEL_GENERATION).id, sorted: options.sort === true,
    meaning: (entry, surroundings) => meaningOf(entry, surroundings, asked ?? generationOf(surroundings.layout)),
    ...(layout === undefined ? {} : { layout }),
  }));
  const judge = asked ?? generationOf(report.layout ?? 'data');
  process.stdout.write(options.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : tableText(report, judge.id, options.check === true));
  return options.check === true && hasFindings(report) ? EXIT.FOUND : EXIT.OK;
}

function hasFindings({ findings }: TableReport): boolean {
  return findings.some(({ severity }) => severity === 'error' || severity === 'warning');
}

/** What an entry does and survives, in the fault model's words. */
function meaningOf(entry: ExtableEntry, { layout, instruction, descriptor }: EntrySurroundings, generation: KernelGeneration): EntryMeaning {
  if (entry.type === EX_TYPE_HANDLER || entry.class === 'handler') {
    const typeName = 'handler descriptor', writes = ['whatever its handler writes'];
    if (descriptor === undefined) return { typeName, writes };
    const takes = takesVector(descriptor, VECTOR.MC);
    return { typeName, writes, recoverable: { answer: takes ? 'yes' : 'no', because: `the descriptor ${takes ? 'takes' : 'does not take'} machine checks` } };
  }
  // Entries of the second table are there for machine checks alone.
  const type = layout === 'mcex' ? EX_TYPE.DEFAULT_MCE_SAFE : entry.class === undefined ? entry.type : CLASS_TYPE[entry.class];
  const meant = { ...entry, type };
  const opcode = instruction === undefined ? undefined : opcodeOf(instruction.bytes);
  const { recoverable: answer, because } = recoverability(type, opcode, generation);
  return { typeName: entryTypeText(meant), writes: registersWritten(meant), recoverable: { answer, because } };
}

function fix(file: string, options: TableOptions, layout: ExtableLayout | undefined): number {
  if (options.inPlace === true && options.output !== undefined) throw new CommandError('--in-place and -o exclude each other');
  const source = openFile(file);
  if (source === undefined) throw new CommandError(`cannot read ${file}: no such file`);
  const bytes = source.read(0, source.size);
  const result = inElfTerms(() => fixTables(file, bytes, layout === undefined ? {} : { layout }));
  for (const change of result.changes) process.stdout.write(`${change}\n`);
  if (result.changes.length === 0) process.stdout.write(`${file}: nothing to fix\n`);
  const output = options.inPlace === true ? file : options.output ?? `${file}.fixed`;
  if (result.changes.length > 0 || options.output !== undefined) {
    writeFile(output, result.bytes);
    process.stdout.write(`wrote ${output}\n`);
  }
  return EXIT.OK;
}

/** The newest kernels whose tables have that layout; today's for those that no kernel has. */
const NEWEST: Readonly<Partial<Record<ExtableLayout, string>>> = { absolute: '4.4', relative: '4.4', mcex: '4.4', index: '4.6', handler: '5.10', type: '5.16' };

function generationOf(layout: ExtableLayout): KernelGeneration {
  return kernelGeneration(NEWEST[layout] ?? '') ?? DEFAULT_KERNEL_GENERATION;
}

function chosenGeneration(id: string): KernelGeneration {
  const found = kernelGeneration(id);
  if (found === undefined) throw new CommandError(`no kernel generation "${id}"; known are ${KERNEL_GENERATIONS.map((one) => one.id).join(', ')}`);
  return found;
}

/** ELF files are opened, so that of a large one only the sections needed are read; anything else is a source. */
async function readFile(file: string, options: TableOptions): Promise<ObjectFile> {
  const source = openFile(file);
  if (source === undefined) throw new CommandError(`cannot read ${file}: no such file`);
  const magic = source.read(0, Math.min(4, source.size));
  if (String.fromCharCode(...magic) === '\x7fELF') return inElfTerms(() => openElf(file, source));
  const packed = packedAs(source);
  if (packed !== undefined) return unpacked(file, source, packed);
  const loaded = await loadObjects(checkedConfig(sourceAttributes([file], options)), nodeHost());
  const wrong = errorsOf(loaded.problems);
  const [object] = loaded.objects;
  if (wrong.length > 0 || object === undefined) throw new CommandError([...wrong.map(formatProblem), ...loaded.configProblems.map(({ message }) => message)].join('\n'));
  return object;
}

/** A module such as kvm.ko.xz, or the kernel in a vmlinuz. */
async function unpacked(file: string, source: ByteSource, packed: Packed): Promise<ObjectFile> {
  try {
    const bytes = await unpack(file, source, packed, nodeHost().processes);
    return inElfTerms(() => openElf(file, bytesSource(bytes)));
  } catch (error) {
    if (error instanceof UnpackError) throw new CommandError(error.message);
    throw error;
  }
}

/** What is wrong with a file is an answer, not a failure of the program. */
function inElfTerms<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof ElfError || error instanceof FixError) throw new CommandError(error.message);
    throw error;
  }
}
