/**
 * Sources that say themselves what is to be found in them: `!code` in a comment at the end of a line.
 */
import { nodeHost } from '../../host/node/host.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { checkAll } from '../../language-server/checks/index.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Problem } from '../../assembly/source.ts';

const HEAD = '#include <linux/linkage.h>\n#include <asm/asm.h>\n#include <asm/smap.h>\n';
const FILE = '/work/routine.S';

/** Everything reported of `source`, which gets the usual includes. */
export function problemsOf(source: string, kernelGeneration = '6.12'): readonly Problem[] {
  const analysis = analyze(FILE, HEAD + source, projectOptions(FILE, nodeHost(), { kernelGeneration }));
  return [...analysis.problems, ...checkAll(analysis)];
}

/** `line code` of each problem, and of each mark in the source, both sorted. */
export function foundAndExpected(source: string): { readonly found: readonly string[]; readonly expected: readonly string[] } {
  const found = problemsOf(source).map(({ code, range }) => `${String(writtenPosition(range.start).line)} ${code}`);
  const expected = (HEAD + source).split('\n').flatMap((line, index) => [...line.matchAll(/!([a-z-]+)/g)].map((match) => `${String(index + 1)} ${match[1]!}`));
  return { found: found.sort(), expected: expected.sort() };
}
