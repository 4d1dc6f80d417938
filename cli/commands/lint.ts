/**
 * `mcsafe lint`: the language server's checks from the command line.
 */
import type { Problem } from '../../assembly/source.ts';
import { nodeHost } from '../../host/node/host.ts';
import { formatProblem } from '../../host/problems.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { checkAll } from '../../language-server/checks/index.ts';
import { sarifLog } from '../../language-server/sarif.ts';
import { checkedConfig } from '../checked-config.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { sourceAttributes } from '../launch-options.ts';
import type { SourceOptions } from '../launch-options.ts';
import { VERSION } from '../version.ts';

export interface LintOptions extends SourceOptions {
  readonly format: 'text' | 'json' | 'sarif';
}

export function lint(files: readonly string[], options: LintOptions): Promise<number> {
  const host = nodeHost();
  const { includePaths, defines, kernelGeneration } = checkedConfig(sourceAttributes(files, options));
  const problems = files.flatMap((file): readonly Problem[] => {
    const bytes = host.files.read(host.resolve(host.workingFolder, file));
    if (bytes === undefined) throw new CommandError(`cannot read ${file}`);
    const path = host.resolve(host.workingFolder, file);
    const analysis = analyze(path, new TextDecoder().decode(bytes), projectOptions(path, host, {
      ...(includePaths === undefined ? {} : { includePaths: includePaths.map((include) => host.resolve(host.workingFolder, include)) }),
      ...(defines === undefined ? {} : { defines }), ...(kernelGeneration === undefined ? {} : { kernelGeneration }),
    }));
    return [...analysis.problems, ...checkAll(analysis)];
  });
  print(problems, options.format);
  return Promise.resolve(problems.some(({ severity }) => severity === 'error' || severity === 'warning') ? EXIT.FOUND : EXIT.OK);
}

function print(problems: readonly Problem[], format: LintOptions['format']): void {
  if (format === 'sarif') process.stdout.write(`${JSON.stringify(sarifLog(problems, VERSION), undefined, 2)}\n`);
  else if (format === 'json') process.stdout.write(`${JSON.stringify({ problems }, undefined, 2)}\n`);
  else for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`);
}
