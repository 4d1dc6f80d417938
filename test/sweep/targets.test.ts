/** The CPUs and kernels of a campaign. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepare } from '../../cli/commands/sweep.ts';
import type { SweepOptions } from '../../cli/commands/sweep.ts';
import { nodeHost } from '../../host/node/host.ts';
import { cpuProfile } from '../../machine/cpu/profiles.ts';
import { campaignReport } from '../../sweep/report.ts';
import type { Campaign } from '../../sweep/campaign.ts';

/** Without ERMS by words and then bytes, whose fixup reads poison again; user access is opened only under SMAP. */
const ROUTINE = `#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/alternative.h>
#include <asm/cpufeatures.h>
#include <asm/smap.h>
	.text
SYM_FUNC_START(copy_user_by_feature)
	ASM_STAC
	movq %rdx, %rcx
	ALTERNATIVE "jmp .Lwords", "", X86_FEATURE_ERMS
1:	rep movsb
2:	movq %rcx, %rax
	ASM_CLAC
	RET
.Lwords:
	shrq $3, %rcx
	andl $7, %edx
3:	rep movsq
	movl %edx, %ecx
	jmp 1b
4:	leaq (%rdx,%rcx,8), %rcx
	jmp 1b
	_ASM_EXTABLE_UA(1b, 2b)
	_ASM_EXTABLE_UA(3b, 4b)
SYM_FUNC_END(copy_user_by_feature)
`;

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-targets-'));
const file = join(folder, 'by_feature.S');
beforeAll(() => { writeFileSync(file, ROUTINE); });
afterAll(() => { rmSync(folder, { recursive: true }); });

function campaign(options: SweepOptions): Promise<Campaign> {
  return prepare(file, { n: '8..8', srcOffsets: '0', dstOffsets: '0', faults: 'mc-line', ...options }, nodeHost());
}

describe('all CPUs', () => {
  test('are those on which the kernel patches the routine differently, and the named ones', async () => {
    const { request } = await campaign({ profile: ['all'] });
    const names = request.targets.map(({ name }) => name);
    expect(names.slice(0, 4)).toEqual(['intel-server', 'intel-old', 'amd-server', 'skylake-server'].map((name) => `${name}, kernel 6.12`));
    for (const features of ['-erms', '-smap', '-smap-erms', '+la57']) expect(names).toContain(`intel-server${features}, kernel 6.12`);
    // fsrm is nothing that this routine asks for.
    expect(names.join()).not.toContain('fsrm');
  });

  test('show what is wrong on some of them only, with the alternatives of each', async () => {
    const all = await campaign({ profile: ['all'] });
    all.run(all.total);
    const [only, ...others] = campaignReport(all).failures;
    expect(others).toEqual([]);
    expect(only!.clause).toBe('poison-reread');
    for (const target of only!.targets) expect(all.request.targets[target]!.name).toMatch(/intel-old|-erms/);
    expect(only!.launch.cpuProfile).toBe('intel-old');
  });
});

test('features may be added to a profile and taken from it', () => {
  expect(cpuProfile('amd-server+la57-erms')).toMatchObject({ vendor: 'amd', features: expect.arrayContaining(['la57', 'smap']) as unknown });
  expect(cpuProfile('amd-server+la57-erms')!.features).not.toContain('erms');
  expect(cpuProfile('pdp-11+mmu')).toBeUndefined();
});

test('all kernels are those that the source assembles for; the others are named with the reason', async () => {
  const { request } = await campaign({ kernel: ['all'] });
  expect(request.targets.map(({ name }) => name)).toEqual(['6.12', '6.1', '5.16', '5.10', '4.6'].map((kernel) => `intel-server, kernel ${kernel}`));
  expect(request.notes).toEqual([expect.stringMatching(/^not for kernel 4\.4: .*_ASM_EXTABLE_UA/)]);
});
