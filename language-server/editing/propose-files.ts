/**
 * Proposals for the paths of includes, and for comments that speak to mcsafe.
 */
import { COMPAT_FOLDER, linuxCompat } from '../../assembly/linux-compat/linux-compat.ts';
import type { Host } from '../../host/host.ts';
import { CODES } from '../checks/report.ts';
import type { Cursor } from './cursor.ts';
import type { Proposal } from './proposals.ts';

/** Files that are included. `.incbin` takes any. */
const INCLUDED = /\.(h|S|s|inc|macros|asm|def)$/;
const MOST = 500;

/** What stands below the folder written so far, in each place where the include would be looked for. */
export function proposeIncludes({ text, head }: Cursor, file: string, includePaths: readonly string[], generation: string, host: Host): readonly Proposal[] {
  const written = text.slice(1);
  const folder = written.slice(0, written.lastIndexOf('/') + 1);
  const roots = [...(text.startsWith('"') ? [host.folder(file)] : []), ...includePaths.filter((path) => path !== COMPAT_FOLDER)];
  const found = new Map<string, Proposal>();
  const add = (name: string, isFolder: boolean, rank: number): void => {
    if (!found.has(name) && found.size < MOST) found.set(name, { label: name, kind: isFolder ? 'folder' : 'file', rank, ...(isFolder ? { insert: `${name}/` } : {}) });
  };
  roots.forEach((root, index) => {
    for (const entry of host.files.list?.(host.resolve(root, folder === '' ? '.' : folder)) ?? []) {
      if (entry.isFolder ? !entry.name.startsWith('.') : head === '.incbin' || INCLUDED.test(entry.name)) add(entry.name, entry.isFolder, index);
    }
  });
  for (const path of linuxCompat(generation).files) {
    const inside = path.slice(COMPAT_FOLDER.length + 1);
    if (!inside.startsWith(folder)) continue;
    const [name = '', ...deeper] = inside.slice(folder.length).split('/');
    add(name, deeper.length > 0, roots.length);
  }
  return [...found.values()];
}

const VERBS: Readonly<Record<string, string>> = {
  contract: 'what the routine promises', promise: 'one more promise, as an expression', run: 'defaults of a run', error: 'what machine checks report', sweep: 'defaults of a sweep', ignore: 'findings not to report',
};
const KINDS = ['copy', 'copy-partial', 'clear', 'get', 'put', 'csum', 'probe', 'custom', 'none'];

export function proposeComment({ text }: Cursor): readonly Proposal[] {
  const [verb = '', ...rest] = text.split(/\s+/);
  if (rest.length === 0) return Object.entries(VERBS).map(([label, detail]) => ({ label, kind: 'keyword', rank: 1, detail }));
  if (verb === 'ignore') return [...CODES.keys()].map((label) => ({ label, kind: 'keyword', rank: 1 }));
  if (verb === 'contract' && rest.length === 1) return KINDS.map((label) => ({ label, kind: 'keyword', rank: 1 }));
  if (verb === 'contract') return ['dst=', 'src=', 'n=', 'ptr=', 'value=', 'zero=', 'returns=', 'user=', 'answer=', 'trap=', 'mcbit=', 'clobbers='].map((label) => ({ label, kind: 'keyword', rank: 1 }));
  if (verb === 'run') return ['n=', 'poison='].map((label) => ({ label, kind: 'keyword', rank: 1 }));
  if (verb === 'sweep') return ['n=', 'faults=', 'progress=', 'exceptions=', 'helper='].map((label) => ({ label, kind: 'keyword', rank: 1 }));
  return [];
}
