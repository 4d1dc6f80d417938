import { describe, expect, it } from 'vitest';
import { kernelTree, searchedWith } from '../../host/kernel-tree.ts';
import type { Host } from '../../host/host.ts';
import { nodeHost } from '../../host/node/host.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { withoutConsequences } from '../../language-server/checks/incomplete.ts';

const SOURCE = `
#include <linux/linkage.h>
#include <asm/only-here.h>
SYM_FUNC_START(copy)
	COPY_WORD
	NOBODY_KNOWS
	movq (%rsi), %eax
	RET
SYM_FUNC_END(copy)
`;
const TREE: Readonly<Record<string, string>> = {
  'Makefile': '# SPDX-License-Identifier: GPL-2.0\nVERSION = 5\nPATCHLEVEL = 18\nSUBLEVEL = 3\n',
  'arch/x86/include/asm/asm.h': '#define FROM_THE_TREE 1\n',
  'arch/x86/include/asm/only-here.h': '#define COPY_WORD movq (%rsi), %rax\n',
  'include/linux/kconfig.h': '#include <generated/autoconf.h>\n',
  'include/linux/linkage.h': '#define SYM_FUNC_START(name) name:\n#define SYM_FUNC_END(name) .size name, . - name\n#define RET ret\n#ifdef CONFIG_LONG\n#define NOBODY_KNOWS nop\n#endif\n',
  'arch/x86/lib/copy.S': SOURCE,
};
const BUILT = { 'include/generated/autoconf.h': '#define CONFIG_LONG 1\n', 'include/generated/asm-offsets.h': '' };

function hostWith(files: Readonly<Record<string, string>>): Host {
  const bytes = new Map(Object.entries(files).map(([path, text]) => [`/linux/${path}`, new TextEncoder().encode(text)]));
  return { ...nodeHost(), files: { read: (path) => bytes.get(path) } };
}

/** What is reported of the tree's source. */
function reported(host: Host): readonly string[] {
  const path = '/linux/arch/x86/lib/copy.S';
  const analysis = analyze(path, SOURCE, projectOptions(path, host));
  return withoutConsequences(analysis, analysis.problems).map(({ code, range }) => `${code} ${String(range.start.line)}`);
}

describe('a kernel tree', () => {
  it('is found above a file, with the generation of its version', () => {
    expect(kernelTree('/linux/arch/x86/lib/copy.S', hostWith(TREE))).toMatchObject({ root: '/linux', generation: '6.1', configured: false });
    expect(kernelTree('/linux/lib/copy.S', hostWith({ ...TREE, ...BUILT }))).toMatchObject({ configured: true, preincludes: ['/linux/include/linux/kconfig.h'] });
    expect(kernelTree('/elsewhere/copy.S', hostWith(TREE))).toBeUndefined();
    expect(kernelTree('/linux/copy.S', hostWith({ ...TREE, Makefile: 'VERSION = 4\nPATCHLEVEL = 19\n' }))?.generation).toBe('4.6');
    expect(kernelTree('/linux/copy.S', hostWith({ ...TREE, Makefile: 'all:\n' }))).not.toHaveProperty('generation');
  });

  it('that is configured is read as its build reads it', () => {
    const host = hostWith({ ...TREE, ...BUILT });
    expect(searchedWith(kernelTree('/linux/copy.S', host), ['/stand-ins'])[0]).toBe('/linux/arch/x86/include');
    expect(reported(host)).toEqual(['operand-mismatch 7']);
  });

  it('that is not configured has what the stand-ins lack, and nothing is reported that the configuration may explain', () => {
    const host = hostWith(TREE);
    expect(searchedWith(kernelTree('/linux/copy.S', host), ['/stand-ins'])[0]).toBe('/stand-ins');
    expect(reported(host)).toEqual(['operand-mismatch 7']);
  });

  it('gives way to what is said in so many words', () => {
    const generation = (overrides: object): string => projectOptions('/linux/arch/x86/lib/copy.S', hostWith(TREE), overrides).generation!.id;
    expect(generation({})).toBe('6.1');
    expect(generation({ kernelGeneration: '6.12' })).toBe('6.12');
  });
});
