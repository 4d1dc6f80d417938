/**
 * glibc's x86-64 assembly as an editor opens it: from the package, without a build, whose headers and command line make half of its macros.
 * Nothing in it is wrong, so nothing may be called an error; what cannot be known is told as a hint.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReadCache } from '../../assembly/gas/read.ts';
import { nodeHost } from '../../host/node/host.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { diagnosticsOf } from '../../language-server/providers/diagnostics.ts';
import { glibcSource, missing } from './corpus.ts';

/** Files of which an error is true, each with the reason. */
const EXPLAINED: Readonly<Record<string, string>> = { 'sysdeps/x86_64/____longjmp_chk.S': 'all of it is one #error: ports of operating systems replace it' };
/** Files of the port, at least. */
const FILES = 800;

const skip = missing('reading glibc\'s assembly', { glibc: true });

describe.skipIf(skip !== undefined)('glibc for x86-64', () => {
  it('is read without a false error', { timeout: 120_000 }, () => {
    const source = glibcSource()!;
    const host = nodeHost({ trusted: false });
    const cache = createReadCache();
    const files = sources(join(source, 'sysdeps', 'x86_64'));
    const errors: string[] = [];
    const incomplete = new Set<string>();
    let instructions = 0;
    for (const path of files) {
      const analysis = analyze(path, readFileSync(path, 'utf8'), { ...projectOptions(path, host), cache });
      instructions += analysis.unit.statements.filter(({ kind }) => kind === 'instruction').length;
      for (const { severity, code, message, range } of diagnosticsOf(analysis)) {
        const name = relative(source, path);
        if (code === 'include-not-found') incomplete.add(name);
        if (severity === 1 && !Object.hasOwn(EXPLAINED, name)) errors.push(`${name}:${String(range.start.line + 1)} ${String(code)}: ${message}`);
      }
    }
    expect(files.length).toBeGreaterThanOrEqual(FILES);
    expect(errors).toEqual([]);
    // That it is read at all: with its macros there would be ten times as many.
    expect(instructions).toBeGreaterThan(25_000);
    console.log(`glibc: ${String(files.length)} files, ${String(instructions)} instructions, ${String(incomplete.size)} files with a missing include, no error`);
  });
});

function sources(from: string): string[] {
  return readdirSync(from, { withFileTypes: true }).flatMap((entry) => {
    const path = join(from, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.S') ? [path] : [];
  }).sort();
}
