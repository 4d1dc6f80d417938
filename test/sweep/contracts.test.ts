/** Contracts in words of one's own, and the conventions by which routines answer. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { prepare } from '../../cli/commands/sweep.ts';
import type { SweepOptions } from '../../cli/commands/sweep.ts';
import { nodeHost } from '../../host/node/host.ts';
import { Campaign } from '../../sweep/campaign.ts';
import type { CampaignRequest } from '../../sweep/campaign.ts';
import { campaignReport } from '../../sweep/report.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-contracts-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

function saved(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A routine of its own in a file of its own; `above` are comments. */
function routine(name: string, body: string, above = ''): string {
  return saved(`${name}.S`, `#include <linux/linkage.h>\n#include <asm/asm.h>\n\t.text\n${above}\nSYM_FUNC_START(${name})\n${body}\nSYM_FUNC_END(${name})\n`);
}

async function swept(file: string, options: SweepOptions = {}): Promise<Campaign> {
  return sweptValue(file, { n: '0..9', ...options });
}

/** Of a routine that takes no length. */
async function sweptValue(file: string, options: SweepOptions = {}): Promise<Campaign> {
  const campaign = await prepare(file, { srcOffsets: '0,1', dstOffsets: '0', ...options }, nodeHost());
  campaign.run(campaign.total);
  return campaign;
}

/** The same campaign by the driver and by the ordinary machine alone; what they report must be equal. */
function bothWays(request: CampaignRequest): { readonly fast: Campaign; readonly slow: Campaign } {
  const [fast, slow] = [new Campaign({ ...request, driver: true }), new Campaign({ ...request, driver: false })];
  for (const campaign of [fast, slow]) campaign.run(campaign.total);
  expect(campaignReport(fast).failures).toEqual(campaignReport(slow).failures);
  return { fast, slow };
}

function broken(campaign: Campaign): readonly string[] {
  return [...new Set(campaignReport(campaign).failures.map(({ clause, promise, message }) => `${clause}: ${clause === 'promise' ? promise : message}`))];
}

/** Copies bytes; `pad` is the landing pad, with the bytes left in rcx. */
const COPY = (pad: string, done = 'xorl %eax, %eax'): string => `
	movq %rdx, %rcx
1:	rep movsb
	${done}
	ret
2:	${pad}
	ret
	_ASM_EXTABLE(1b, 2b)`;

describe('promises in words of one\'s own', () => {
  const PROMISES = `
# mcsafe: contract custom dst=rdi src=rsi n=rdx
# mcsafe: promise in-range: rax <= n
# mcsafe: promise prefix: copied(dst, src, n - rax)
# mcsafe: promise rest: unchanged(dst + n - rax, rax)
# mcsafe: promise whole: exceptions == 0 => rax == 0
# mcsafe: promise vector: vector == 0 || vector == 14`;

  test('are kept by a routine that is right', async () => {
    expect(broken(await swept(routine('right', COPY('movq %rcx, %rax'), PROMISES)))).toEqual([]);
  });

  test('are told by name where they are not', async () => {
    const campaign = await swept(routine('wrong', COPY('leaq -1(%rcx), %rax'), PROMISES), { faults: 'none,pf-read' });
    expect(broken(campaign)).toEqual(['promise: prefix: copied(dst, src, n - rax)']);
    const [failure] = campaignReport(campaign).failures;
    expect(failure).toMatchObject({ smallest: { n: 1, position: 0 }, instruction: { text: 'rep movsb %ds:(%rsi),%es:(%rdi)' } });
    expect(failure!.launch.contract).toMatchObject({ kind: 'custom', promises: { prefix: 'copied(dst, src, n - rax)' } });
  });

  test('can be added to a contract that is known', async () => {
    const file = routine('clobbers', COPY('movq %rcx, %rax').replace('movq %rdx, %rcx', 'movq %rdx, %rcx\n\tmovl $1, %r11d'), '# mcsafe: contract copy dst=rdi src=rsi n=rdx\n# mcsafe: promise scratch: r11 == old.r11 && r10d == low(old.r10, 32)');
    expect(broken(await swept(file, { n: '0..2', faults: 'none,pf-read' }))).toEqual(['promise: scratch: r11 == old.r11 && r10d == low(old.r10, 32)']);
  });

  test('may see numbers in memory, their sums and signs', async () => {
    const file = routine('numbers', COPY('movq $-14, %rax', 'movq %rdx, %rax'), `
# mcsafe: contract custom dst=rdi src=rsi n=rdx
# mcsafe: promise answer: vector == 0 ? returned == n : signed(rax, 64) == -14
# mcsafe: promise first: vector == 0 && n >= 2 => load(dst, 2) == old.load(src, 2) && load(src, 2) == load(src, 1) + 256 * load(src + 1, 1)
# mcsafe: promise sum: vector == 0 => sum(dst, n) == old.sum(src, n)
# mcsafe: promise source: filled(dst, position > 0 ? 0 : n, 0) || vector == 0`);
    expect(broken(await swept(file, { faults: 'none,pf-read' }))).toEqual([]);
  });

  test('may come from a file, with all that a sweep wants to know', async () => {
    const file = routine('from_file', COPY('movq %rcx, %rax'));
    const contract = saved('promises.json', '{\n  // as in schemas/contract.schema.json\n  "kind": "custom", "arguments": { "dst": "rdi", "src": "rsi", "n": "rdx" },\n  "promises": { "none-left": "rax == 0" }, "exceptions": 1\n}\n');
    const campaign = await swept(file, { contract });
    expect(campaign.request.promises.maxExceptions).toBe(1);
    expect(broken(campaign)).toEqual(['promise: none-left: rax == 0']);
  });
});

describe('how a routine answers', () => {
  test.each([
    ['bytes done', 'answer=done', COPY('subq %rcx, %rdx\n\tmovq %rdx, %rax', 'movq %rdx, %rax'), COPY('movq %rdx, %rax', 'movq %rdx, %rax')],
    ['the end of what is done', 'answer=end', COPY('movq %rdi, %rax', 'movq %rdi, %rax'), COPY('leaq 1(%rdi), %rax', 'movq %rdi, %rax')],
    ['an error', 'answer=error', COPY('movl $-14, %eax'), COPY('xorl %eax, %eax')],
    ['the number of the exception', 'returns=rcx trap=rax', COPY('movl $14, %eax'), COPY('movl $13, %eax')],
    ['a bit for machine checks', 'mcbit=63', COPY('movq %rcx, %rax'), COPY('movq %rcx, %rax\n\tbtsq $63, %rax')],
  ])('%s', async (title, settings, right, wrong) => {
    const name = title.replaceAll(' ', '_');
    const above = `# mcsafe: contract copy dst=rdi src=rsi n=rdx ${settings}`;
    for (const [file, wanted] of [[routine(`${name}_right`, right, above), 0], [routine(`${name}_wrong`, wrong, above), 1]] as const) {
      const { request } = await prepare(file, { n: '0..5', srcOffsets: '0', dstOffsets: '0', faults: 'none,pf-read,pf-write' }, nodeHost());
      const { fast, slow } = bothWays(request);
      expect(Math.min(1, broken(slow).length)).toBe(wanted);
      expect(fast.violating).toBe(slow.violating);
    }
  });

  test('an error says nothing of progress, so what was done is measured: in the driver as on the ordinary machine', async () => {
    const body = `
	movq %rdx, %rcx
	shrq $3, %rcx
	jz 3f
1:	movq (%rsi), %rax
2:	movq %rax, (%rdi)
	addq $8, %rsi
	addq $8, %rdi
	decq %rcx
	jnz 1b
3:	xorl %eax, %eax
	ret
4:	movl $-14, %eax
	ret
	_ASM_EXTABLE(1b, 4b)
	_ASM_EXTABLE(2b, 4b)`;
    const file = routine('by_eights', body, '# mcsafe: contract copy dst=rdi src=rsi n=rdx answer=error');
    // A register that is always changed makes every run one that the driver doubts: it still has to tell which of them broke the other promise too.
    const clobbering = routine('by_eights_clobbering', body.replace('movq %rdx, %rcx', 'movq %rdx, %rcx\n\tincq %rbx'), '# mcsafe: contract copy dst=rdi src=rsi n=rdx answer=error');
    for (const [source, progress, told] of [
      [file, 7, []], [file, 6, ['progress: did 0 bytes; the fault is at byte 7, 7 bytes on']],
      [clobbering, 3, ['progress: did 0 bytes; the fault is at byte 4, 4 bytes on', 'registers: rbx changed']],
    ] as const) {
      const { request } = await prepare(source, { n: '0..128/8', srcOffsets: '0', dstOffsets: '0', faults: 'none,pf-read', progress }, nodeHost());
      const { slow } = bothWays(request);
      expect([...broken(slow)].sort()).toEqual(told);
    }
  });

  test('a fault in one execution of an instruction is at a byte too, and what is given up in front of it counts', async () => {
    const body = (left: string): string => `
	movq %rdx, %rcx
	testq %rcx, %rcx
	jz 3f
1:	movb (%rsi), %al
2:	movb %al, (%rdi)
	incq %rsi
	incq %rdi
	decq %rcx
	jnz 1b
3:	movq %rcx, %rax
	ret
4:	${left}
	ret
	_ASM_EXTABLE(1b, 4b)
	_ASM_EXTABLE(2b, 4b)`;
    const above = '# mcsafe: contract copy-partial dst=rdi src=rsi n=rdx\n# mcsafe: sweep faults=nth-pf progress=0';
    expect(broken(await swept(routine('by_bytes', body('movq %rcx, %rax'), above)))).toEqual([]);
    expect(broken(await swept(routine('gives_all_up', body('movq %rdx, %rax'), above)))).toEqual(['progress: says 0 bytes are done; the fault is at byte 1, 1 bytes on']);
  });

  test('is checked in the driver as on the ordinary machine', async () => {
    const above = '# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rdx trap=rax';
    const body = `
	xorl %eax, %eax
1:	testq %rdx, %rdx
	jz 3f
2:	movb (%rsi), %cl
	movb %cl, (%rdi)
	incq %rsi
	incq %rdi
	decq %rdx
	jmp 1b
3:	ret
4:	cmpq $3, %rdx
	jne 3b
	movl $6, %eax
	ret
	_ASM_EXTABLE_TYPE(2b, 4b, EX_TYPE_FAULT_MCE_SAFE)`;
    const { request } = await prepare(routine('trap_in_driver', body, above), { n: '0..8', srcOffsets: '0', dstOffsets: '0', faults: 'none,mc-byte,pf-read' }, nodeHost());
    const { fast } = bothWays(request);
    expect(broken(fast)).toEqual(['result: rax is 6; the last exception was number 18']);
  });
});

describe('registers that a routine may change', () => {
  const body = COPY('movq %rcx, %rax').replace('movq %rdx, %rcx', 'movq %rdx, %rcx\n\tmovq %rdx, %rbx\n\tmovq %rdx, %r12');
  const contract = '# mcsafe: contract copy dst=rdi src=rsi n=rdx';

  test.each([
    ['none', contract, ['registers: rbx, r12 changed']],
    ['one', `${contract} clobbers=r12`, ['registers: rbx changed']],
    ['both', `${contract} clobbers=rbx,r12`, []],
  ])('are those that its contract says: %s', async (name, above, told) => {
    const { request } = await prepare(routine(`clobbers_${name}`, body, above), { n: '0..9', srcOffsets: '0', dstOffsets: '0' }, nodeHost());
    expect(broken(bothWays(request).slow)).toEqual(told);
  });

  // In the kernel's own, the limit of user addresses is compared in it, and its callers know.
  test('are rbx in one that has the name of the kernel\'s put_user', async () => {
    const put = '\tmovabsq $0x7fffffffeff8, %rbx\n\tcmpq %rbx, %rcx\n\tja 2f\n\tstac\n1:\tmovq %rax, (%rcx)\n\txorl %ecx, %ecx\n\tclac\n\tret\n2:\tmovl $-14, %ecx\n\tclac\n\tret\n\t_ASM_EXTABLE_UA(1b, 2b)';
    expect(broken(await sweptValue(routine('__put_user_8', put)))).toEqual([]);
    expect(broken(await sweptValue(routine('__put_user_nocheck_8', put.replace('stac', 'stac\n\tmovq %rax, %r12'))))).toEqual(['registers: r12 changed']);
  });
});

test('a contract of a read that names no register for the value says that nobody looks at it', async () => {
  const body = (load: string): string => `\tstac\n1:\t${load}\n\txorl %eax, %eax\n\tclac\n\tret\n2:\tclac\n\txorl %edx, %edx\n\tmovq $-14, %rax\n\tret\n\t_ASM_EXTABLE_UA(1b, 2b)`;
  const notes = async (file: string): Promise<string | undefined> => campaignReport(await sweptValue(file)).space.axes.find((text) => text.includes('is not looked at'));
  const bare = routine('reads_unnamed', body('movl (%rdi), %edx'), '# mcsafe: contract get ptr=rdi returns=rax user=ptr');
  expect(await notes(bare)).toBe('the value that is read is not looked at: the contract names no register for it (value=rdx)');
  const named = '# mcsafe: contract get ptr=rdi value=rdx returns=rax user=ptr';
  expect(await notes(routine('reads_named', body('movl (%rdi), %edx'), named))).toBeUndefined();
  expect(broken(await sweptValue(routine('reads_nothing', body('cmpl $0, (%rdi)'), named)))).toEqual(['result: rdx is 0x5a5a5a5a5a5a5a5a, which is not what the pointer points to']);
});

// The lower halves of registers that nobody set were 0.
test.each(['addb %cl, %al\n\tmovzbl %al, %eax', 'addw %cx, %ax\n\tmovzwl %ax, %eax', 'addl %ecx, %eax', 'addq %rcx, %rax'])('a routine that takes its answer to be 0 when it is called is found, whatever the width: %s', async (add) => {
  const file = routine(`unset_${add.slice(0, 4)}`, COPY(add, add), '# mcsafe: contract copy dst=rdi src=rsi n=rdx');
  expect(broken(await swept(file)).length).toBeGreaterThan(0);
});

// CF was always clear in the beginning.
test('a checksum that begins with the carry its caller left is found', async () => {
  const sum = (clear: string): string => `
	movl %edx, %ecx
	movl $-1, %eax
	${clear}
	jrcxz 3f
1:	movzbl (%rdi), %r8d
2:	movb %r8b, (%rsi)
	adcl %r8d, %eax
	adcl $0, %eax
3:	adcl $0, %eax
	ret
4:	xorl %eax, %eax
	ret
	_ASM_EXTABLE(1b, 4b)
	_ASM_EXTABLE(2b, 4b)`;
  const above = '# mcsafe: contract csum src=rdi dst=rsi n=edx returns=rax';
  expect(broken(await swept(routine('sum_cleared', sum('clc'), above), { n: '0..1' }))).toEqual([]);
  expect(broken(await swept(routine('sum_carried', sum(''), above), { n: '0..1' }))).toEqual([expect.stringMatching(/^result: the checksum folds to/)]);
});

describe('a contract that names what does not exist is refused, with the place', () => {
  const file = routine('plain', COPY('movq %rcx, %rax'));
  const inComment = (text: string): string => routine(`refused_${String(text.length)}`, COPY('movq %rcx, %rax'), `# mcsafe: contract copy dst=rdi src=rsi n=rdx\n# mcsafe: ${text}`);
  const inFile = (text: string): SweepOptions => ({ contract: saved(`refused-${String(text.length)}.json`, text) });
  test.each<readonly [string, () => string, () => SweepOptions, RegExp]>([
    ['a name', () => inComment('promise p: copied(dts, src, n)'), () => ({}), /S:5:29: .*promise p: nothing is called "dts"; there are dst, src, n/],
    ['a function', () => inComment('promise p: copy(dst, src, n)'), () => ({}), /there is no function "copy"; there are load\(address, size\)/],
    ['an operand', () => inComment('promise p: copied(dst, n)'), () => ({}), /copied takes to, from, size/],
    ['half an expression', () => inComment('promise p: rax <='), () => ({}), /ends where a value is expected/],
    ['a role', () => routine('role', COPY('ret'), '# mcsafe: contract copy dts=rdi src=rsi n=rdx'), () => ({}), /S:4:\d+: .*no role "dts"; there are dst, src/],
    ['a register', () => routine('register', COPY('ret'), '# mcsafe: contract copy dst=rdi src=rsi n=rdx trap=rxx'), () => ({}), /trap=rxx: not a 64-bit general register/],
    ['a role that is needed', () => routine('needed', COPY('ret'), '# mcsafe: contract copy dst=rdi n=rdx'), () => ({}), /contract copy needs src: say in which register/],
    ['a helper', () => file, () => ({ helper: ['copy_tail'] }), /no helper "copy_tail" in the program; there are plain/],
    ['a file', () => file, () => ({ contract: './nothing.json' }), /cannot read the contract \.\/nothing\.json/],
    ['JSON', () => file, () => inFile('{ "kind": copy }'), /json:1:11: not JSON/],
    ['a property', () => file, () => inFile('{ "kind": "copy",\n  "argument": {} }'), /json:1:1: .*argument/],
    ['a kind', () => file, () => inFile('{\n  "kind": "cpoy" }'), /json:2:11: kind: .*expected one of/],
    ['a name in a promise', () => file, () => inFile('{ "kind": "custom", "arguments": {},\n  "promises": { "p": "rax <= length" } }'), /json:2:30: promise p: nothing is called "length"/],
  ])('%s', async (_, source, options, message) => {
    await expect(swept(source(), options())).rejects.toThrow(message);
  });
});
