import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Image } from '../../assembly/elf/image.ts';
import { writtenPosition } from '../../assembly/source.ts';
import { browserHost } from '../../host/browser/host.ts';
import { nodeHost } from '../../host/node/host.ts';
import { errorsOf, formatProblem } from '../../host/problems.ts';
import { loadProgram } from '../../host/program.ts';
import type { Program, ProgramFailure } from '../../host/program.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';
import { has } from './tools.ts';

const SAMPLE = `${process.cwd()}/samples/copy_mc.S`;

describe('loading a program', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'mcsafe-test-')); });
  afterEach(() => { rmSync(folder, { recursive: true }); });

  function file(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  }

  async function loaded(config: LaunchConfig, host = nodeHost()): Promise<Program> {
    const result = await loadProgram(config, host, folder);
    if (!result.ok) throw new Error([...result.configProblems.map(({ message }) => message), ...result.problems.map(formatProblem), result.advice ?? ''].join('\n'));
    return result.program;
  }

  async function refused(config: LaunchConfig, host = nodeHost()): Promise<ProgramFailure> {
    const result = await loadProgram(config, host, folder);
    if (result.ok) throw new Error('it loaded');
    return result;
  }

  /** Bytes, lines and labels: what a debugger sees of a program. */
  function view(image: Image): unknown {
    const text = image.sections.find(({ name }) => name === '.text')!;
    return {
      text: Buffer.from(image.read(text.address, text.size)).toString('hex'),
      lines: image.lines.map(({ address, position }) => [address - text.address, writtenPosition(position).line, position.column, position.expansion?.length ?? 0]),
      labels: image.labels.map(({ name, address }) => [name, address - text.address]).sort(),
      symbols: image.symbols.map(({ name, size }) => [name, size]),
    };
  }

  it('gives the same image whoever encodes, down to columns, macros and labels', async () => {
    if (!has('as') || !has('gcc')) return;
    const program = file('macros.S', `#include <linux/linkage.h>
#include <asm/asm.h>
	.macro twice register
	add $1, \\register
	add $1, \\register
	.endm
SYM_FUNC_START(f)
	twice %rax
1:	movq (%rsi), %rax
	jmp 2f
	.skip 200
2:	RET
.Lfixup:
	RET
	_ASM_EXTABLE_UA(1b, .Lfixup)
SYM_FUNC_END(f)
`);
    const embedded = await loaded({ program });
    expect(view((await loaded({ program, encoder: 'as' })).image)).toEqual(view(embedded.image));
    const gcc = await loaded({ program, encoder: 'gcc' });
    expect((view(gcc.image) as { text: string }).text).toBe((view(embedded.image) as { text: string }).text);
  });

  it('starts nothing in an untrusted workspace, and says so', async () => {
    const host = nodeHost({ trusted: false });
    const { problems } = await refused({ program: SAMPLE, encoder: 'as' }, host);
    expect(problems.map(({ message }) => message)).toEqual(['as is not started because the workspace is not trusted; use the embedded encoder']);
    expect((await loaded({ program: SAMPLE }, host)).image.symbols.map(({ name }) => name)).toContain('copy_mc');
  });

  it('places what the toolchain says on the lines of the source', async () => {
    if (!has('as')) return;
    const program = file('bad.S', '#define OPERANDS %rax\n\nf:\n\tret\n\tfrobnicate OPERANDS\n');
    const { problems } = await refused({ program, encoder: 'as' });
    expect(errorsOf(problems).map(formatProblem)[0]).toMatch(/bad\.S:5:\d+: error: no such instruction: `frobnicate %rax' \[gnu-as\]$/);
  });

  it('links several programs, C among them', async () => {
    if (!has('gcc')) return;
    const asm = file('main.S', '\t.globl f\n\t.type f, @function\nf:\n\tjmp helper\n\t.size f, . - f\n');
    const c = file('helper.c', 'long table[2] = { 1, 2 };\nlong helper(long i)\n{\n\treturn table[i] + FACTOR;\n}\n');
    const { image } = await loaded({ program: [asm, c], defines: { FACTOR: '40' } });
    const helper = image.symbols.find(({ name }) => name === 'helper')!;
    // The line of the brace, or that of the statement the compiler put there.
    expect(image.lineAt(helper.address)).toMatchObject({ file: c, line: expect.toBeOneOf([3, 4]) as number });
    const broken = file('broken.c', 'int f(void)\n{\n\treturn nobody;\n}\n');
    expect(errorsOf((await refused({ program: [asm, broken] })).problems).map(formatProblem)[0]).toMatch(/broken\.c:3:16: error: .*nobody/);
  });

  it('takes the C source beside an assembler source that lacks what it defines, and says so', async () => {
    if (!has('gcc')) return;
    const text = '\t.globl f\n\t.type f, @function\nf:\n\tjmp helper\n\t.size f, . - f\n';
    const asm = file('main.S', text);
    const c = file('main.c', 'long helper(long i)\n{\n\treturn i + 1;\n}\n');
    const { image, companion, objects, config } = await loaded({ program: asm });
    expect(companion).toEqual({ path: c, names: ['helper'] });
    expect([image.externals.size, objects.length, config.program]).toEqual([0, 2, asm]);
    const untrusted = await loaded({ program: asm }, nodeHost({ trusted: false }));
    expect([untrusted.companion, untrusted.problems.map(({ severity, message }) => `${severity}: ${message}`)]).toEqual([
      undefined, [`warning: helper may be defined in ${c} beside it, but no compiler is started here: the workspace is not trusted`],
    ]);
    // Not if it was named, lacks nothing, or has another file beside it.
    expect((await loaded({ program: [asm, c] })).companion).toBeUndefined();
    expect((await loaded({ program: asm, stubs: { helper: 'ret' } })).companion).toBeUndefined();
    file('other.S', text.replace('helper', 'elsewhere'));
    file('other.c', 'long helper;\n');
    expect((await loaded({ program: 'other.S' })).companion).toBeUndefined();
    file('main.c', 'long helper(long i) { return nobody; }\n');
    expect((await refused({ program: asm })).problems.map(formatProblem).join()).toMatch(/main\.c:1:\d+: error: .*nobody/);
  });

  it('without a C compiler says what to install', async () => {
    const c = file('helper.c', 'int x;\n');
    const host = { ...nodeHost(), processes: { run: nodeHost().processes!.run } };
    const path = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      expect((await refused({ program: c }, host)).problems[0]!.message).toContain('apt-get install gcc');
    } finally {
      process.env['PATH'] = path;
    }
  });

  it('stands in for functions that are not defined, one inside another', async () => {
    const program = file('calls.S', '\t.globl f\nf:\tcall first\n\tcall absent\n\tret\n');
    const { stubs, image, virtualSources } = await loaded({ program, stubs: { first: 'call second; ret', second: 'ret', unused: 'ret' } });
    expect(stubs).toEqual(['first', 'second']);
    expect([...image.externals.values()]).toEqual(['absent']);
    expect(virtualSources.get('/mcsafe-stubs/first.S')).toContain('\tcall second\n');
  });

  it('in a browser fetches what it is asked for', async () => {
    const files = new Map([
      ['/project/lib/f.S', '#include "g.h"\n\t.globl f\nf:\tmov $VALUE, %eax\n\tret\n'],
      ['/project/lib/g.h', '#include "../h.h"\n'],
      ['/project/h.h', '#define VALUE 7\n'],
    ]);
    const fetched: string[] = [];
    const host = browserHost((path) => {
      fetched.push(path);
      const text = files.get(path);
      return Promise.resolve(text === undefined ? undefined : new TextEncoder().encode(text));
    }, '/project');
    const result = await loadProgram({ program: 'lib/f.S' }, host);
    expect(result.ok && Buffer.from(result.program.image.read(result.program.image.symbols[0]!.address, 6)).toString('hex')).toBe('b807000000c3');
    expect(fetched).toContain('/project/h.h');
    expect(new Set(fetched).size).toBe(fetched.length);
  });
});
