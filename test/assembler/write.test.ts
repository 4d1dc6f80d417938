/**
 * The ELF files we write are such that binutils finds nothing wrong with them, and the linker links them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import { writeElf } from '../../assembly/elf/write.ts';
import { missing } from '../corpus/corpus.ts';
import { read } from './reader.ts';

const skip = missing('ELF files against binutils', { commands: ['readelf', 'objdump', 'ld'] });
const folder = mkdtempSync(join(tmpdir(), 'mcsafe-write-'));
const layouts = fileURLToPath(new URL('layout/', import.meta.url));

function write(name: string, source: string): string {
  const path = join(folder, `${name}.o`);
  writeFileSync(path, writeElf(assemble(read(source)).object));
  return path;
}

/** Everything `command` complains of. */
function complaints(command: string, ...args: readonly string[]): string {
  const { stderr, status } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30, env: { ...process.env, LC_ALL: 'C' } });
  return status === 0 ? stderr : `${stderr} (exit ${String(status)})`;
}

describe.skipIf(skip !== undefined)('an object of ours', () => {
  // This one has a note section that holds no note.
  const files = readdirSync(layouts).filter((name) => name.endsWith('.s') && name !== 'section-types.s');

  it.each(files)('%s: readelf and objdump are content', (name) => {
    const path = write(name, readFileSync(join(layouts, name), 'utf8'));
    expect(complaints('readelf', '-aW', path)).toBe('');
    expect(complaints('objdump', '-dr', path)).toBe('');
  });

  it('links, and runs', () => {
    const path = write('exit', '.globl _start\n_start: mov $60, %eax\nmov code(%rip), %edi\nsyscall\n.data\ncode: .long 7\n');
    const program = join(folder, 'exit');
    expect(complaints('ld', '-o', program, path)).toBe('');
    expect(spawnSync(program).status).toBe(7);
  });

  it('of another kind than relocatable is refused', () => {
    const { object } = assemble(read('nop'));
    expect(() => writeElf({ ...object, kind: 'executable' })).toThrow(/only relocatable/);
  });
});
