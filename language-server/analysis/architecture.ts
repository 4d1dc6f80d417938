/**
 * Tells assembly for other machines, which is left alone.
 */
import type { GasUnit } from '../../assembly/gas/statement.ts';
import type { Problem } from '../../assembly/source.ts';

/** Share of unknown instructions, and number of different ones, from which a file is for another machine. */
const UNKNOWN_SHARE = 0.25;
const UNKNOWN_NAMES = 4;

/** What the file is for, if that is not x86-64: by its place in a kernel tree, else by its instructions. */
export function foreignArchitecture({ file, statements }: Pick<GasUnit, 'file' | 'statements'>, problems: readonly Problem[]): string | undefined {
  const folder = /(?:^|[\\/])arch[\\/]([\w-]+)[\\/]/.exec(file)?.[1];
  if (folder !== undefined && folder !== 'x86' && folder !== 'um') return folder;
  if (/(?:^|[\\/])arch[\\/]x86[\\/].*[_-](?:32|i[3-6]86)(?:[_-]\w+)?\.S$/.test(file)) return 'i386';
  const instructions = statements.filter(({ kind }) => kind === 'instruction').length;
  const unknown = problems.filter(({ code }) => code === 'unknown-mnemonic');
  const names = new Set(unknown.map(({ message }) => message));
  return names.size >= UNKNOWN_NAMES && unknown.length >= instructions * UNKNOWN_SHARE ? 'another machine' : undefined;
}
