/**
 * Unique instruction texts of a program, as objdump disassembles it, made fit to be assembled again.
 */
import { execFileSync } from 'node:child_process';

/** Where Debian has them. */
export const LIBRARIES = { libc: '/usr/lib/x86_64-linux-gnu/libc.so.6', libcrypto: '/usr/lib/x86_64-linux-gnu/libcrypto.so.3' } as const;

/** Texts that objdump could not read, or that it annotates. */
const UNREADABLE = /\(bad\)|%\?|only\)/;
const BRANCH = /^((?:[\w.]+ )*(?:j\w+|call|loop\w*|xbegin)(?:,p[nt])?\s+)([0-9a-f]+)$/;

/** All different instruction texts of `path`, in the order of their first use. Targets of branches are numbers. */
export function instructionTexts(path: string): string[] {
  const listing = execFileSync('objdump', ['-d', '--no-show-raw-insn', path], { encoding: 'utf8', maxBuffer: 1 << 30, env: { ...process.env, LC_ALL: 'C' } });
  const texts = new Set<string>();
  for (const line of listing.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab < 0 || UNREADABLE.test(line)) continue;
    const text = line.slice(tab + 1).replace(/\s*#.*/, '').replace(/\s*<[^>]*>/, '').trim();
    const branch = BRANCH.exec(text);
    // One target does for all: what counts is the branch.
    if (text !== '') texts.add(branch === null ? text : `${branch[1]!}${/loop|[er]?cxz/.test(text) ? '.' : '0x1234'}`);
  }
  return [...texts];
}
