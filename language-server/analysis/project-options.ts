/**
 * How a file is read: settings of its project, the stand-ins for kernel headers, and where texts come from.
 */
import type { SourceProvider } from '../../assembly/gas/statement.ts';
import { linuxCompat } from '../../assembly/linux-compat/linux-compat.ts';
import { DEFAULT_KERNEL_GENERATION, kernelGeneration } from '../../fault-model/kernel-generation.ts';
import type { Host } from '../../host/host.ts';
import { kernelTree, searchedWith } from '../../host/kernel-tree.ts';
import { readSettings } from '../../host/settings.ts';
import type { DiagnosticSettings, Level } from '../../host/settings.ts';
import type { AnalysisOptions } from './analysis.ts';

/** What was said outside the project's settings; it wins over them. */
export interface ReadingOverrides {
  readonly includePaths?: readonly string[];
  readonly defines?: Readonly<Record<string, string>>;
  readonly kernelGeneration?: string;
  /** The editor's settings or the command line's. */
  readonly diagnostics?: DiagnosticSettings | undefined;
  /** Texts that differ from the files: the editor's buffers. */
  readonly buffer?: (path: string) => string | undefined;
}

/** Options for analysing the file at `path` (absolute). Buffers come before files, files before the stand-ins. */
export function projectOptions(path: string, host: Host, overrides: ReadingOverrides = {}): AnalysisOptions {
  const { settings } = readSettings(path, host);
  const tree = kernelTree(path, host);
  const generation = kernelGeneration(overrides.kernelGeneration ?? settings.kernelGeneration ?? tree?.generation ?? '') ?? DEFAULT_KERNEL_GENERATION;
  const compat = linuxCompat(generation.id);
  const provider: SourceProvider = {
    read: (file) => overrides.buffer?.(file) ?? textOf(host.files.read(file)) ?? compat.provider.read(file),
    readBytes: (file) => host.files.read(file),
  };
  return {
    generation, provider, checksWithoutEntries: settings.diagnostics?.filesWithoutEntries === true || overrides.diagnostics?.filesWithoutEntries === true,
    includePaths: [...overrides.includePaths ?? [], ...settings.includePaths, ...searchedWith(tree, compat.includePaths)],
    preincludes: [...(tree?.configured === true ? tree.preincludes : []), ...settings.preincludes],
    ...(tree?.configured === false ? { unconfigured: true } : {}),
    defines: { ...compat.defines, ...tree?.defines, ...settings.defines, ...overrides.defines },
    ...(/\.s$/.test(path) ? { preprocess: false } : {}),
  };
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** How findings in the file at `path` are shown: as its project says, else as the editor does. */
export function severities(path: string, host: Host, editor: DiagnosticSettings | undefined): Readonly<Record<string, Level>> {
  return { ...editor?.severity, ...readSettings(path, host).settings.diagnostics?.severity };
}
