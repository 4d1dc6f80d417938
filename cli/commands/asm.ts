/**
 * `mcsafe asm`: assembles, reports, and writes the object if asked to.
 */
import { writeElf } from '../../assembly/elf/write.ts';
import { nodeHost } from '../../host/node/host.ts';
import { writeFile } from '../../host/node/output.ts';
import { errorsOf, formatProblem } from '../../host/problems.ts';
import { loadObjects } from '../../host/program.ts';
import { EXIT } from '../exit-codes.ts';
import { checkedConfig } from '../checked-config.ts';
import type { SourceOptions } from '../launch-options.ts';
import { sourceAttributes } from '../launch-options.ts';

export interface AsmOptions extends SourceOptions {
  readonly output?: string;
}

export async function asm(file: string, options: AsmOptions): Promise<number> {
  const loaded = await loadObjects(checkedConfig(sourceAttributes([file], options)), nodeHost());
  for (const { path, message } of loaded.configProblems) process.stderr.write(`mcsafe: ${path}: ${message}\n`);
  for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`);
  const [object] = loaded.objects;
  if (loaded.configProblems.length > 0 || errorsOf(loaded.problems).length > 0 || object === undefined) {
    if (loaded.advice !== undefined) process.stderr.write(`mcsafe: ${loaded.advice}\n`);
    return EXIT.FAILED;
  }
  if (options.output !== undefined) {
    writeFile(options.output, writeElf(object));
    return EXIT.OK;
  }
  for (const { name, size } of object.sections) {
    if (name !== '' && size > 0) process.stdout.write(`${name.padEnd(24)} ${String(size)} bytes\n`);
  }
  return EXIT.OK;
}
