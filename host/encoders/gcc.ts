/**
 * The oracle and the explicit setting: `gcc -c` on the file as it stands on disk. Positions come from its DWARF lines.
 */
import type { Encoded, EncodeRequest } from './encoding.ts';
import { OBJECT_NAME, runTool, toolProblems } from './toolchain.ts';

/** Stand-ins are laid out below this folder for gcc to find. */
const STAND_INS = 'stand-ins';

export async function encodeWithGcc({ unit, host, includePaths, preincludes = [], defines, virtual }: EncodeRequest): Promise<Encoded> {
  const { file } = unit;
  const files = new Map([...virtual].map(([path, text]) => [`${STAND_INS}/${path.replace(/^\/+/, '')}`, text] as const));
  const isVirtual = (folder: string): boolean => [...virtual.keys()].some((path) => path.startsWith(`${folder.replace(/\/$/, '')}/`));
  const outcome = await runTool(file, host, {
    command: 'gcc',
    arguments: [
      '-c', '-m64', '-g1', '-x', /\.s$/.test(file) ? 'assembler' : 'assembler-with-cpp', '-D__ASSEMBLY__',
      ...Object.entries(defines).map(([name, value]) => `-D${name}=${value}`),
      ...includePaths.map((folder) => `-I${isVirtual(folder) ? `${STAND_INS}/${folder.replace(/^\/+/, '')}` : folder}`),
      ...preincludes.flatMap((header) => ['-include', header]),
      '-o', OBJECT_NAME, file,
    ],
    files,
  }, 'install gcc or set "encoder" to "embedded"');
  if (outcome.problem !== undefined) return { problems: [outcome.problem] };
  const problems = outcome.result === undefined ? [] : toolProblems(file, outcome.result, 'gcc', (message) => {
    const start = { file: message.file, line: message.line, column: message.column };
    return { start, endColumn: message.column + 1 };
  });
  return { problems, ...(outcome.object === undefined ? {} : { object: outcome.object }) };
}
