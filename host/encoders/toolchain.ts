/**
 * What the encoders that are real programs have in common: starting them, reading what they say and what they leave.
 */
import { ElfError, readElf } from '../../assembly/elf/read.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import type { Problem } from '../../assembly/source.ts';
import { ProcessError } from '../host.ts';
import type { Host, ProcessRequest, ProcessResult } from '../host.ts';
import { fileProblem } from '../problems.ts';

export const OBJECT_NAME = 'mcsafe-out.o';

export interface ToolOutcome {
  readonly object?: ObjectFile;
  readonly result?: ProcessResult;
  /** What kept the tool from running, or from leaving an object that can be read. */
  readonly problem?: Problem;
}

/** Runs a tool that leaves {@link OBJECT_NAME} and reads that object. `file` is what messages name. */
export async function runTool(file: string, host: Host, request: Omit<ProcessRequest, 'results'>, advice: string): Promise<ToolOutcome> {
  if (host.processes === undefined) {
    return { problem: fileProblem(file, 'toolchain-not-allowed', `${request.command} is not started because ${host.noProcesses ?? 'this host cannot start programs'}; use the embedded encoder`) };
  }
  try {
    const result = await host.processes.run({ ...request, results: [OBJECT_NAME] });
    const bytes = result.files.get(OBJECT_NAME);
    if (result.status !== 0 || bytes === undefined) return { result };
    return { result, object: readElf(file, bytes) };
  } catch (error) {
    if (error instanceof ProcessError) return { problem: fileProblem(file, 'toolchain-failed', `${error.message}; ${advice}`) };
    if (error instanceof ElfError) return { problem: fileProblem(file, 'toolchain-failed', `${request.command} left an object that cannot be read: ${error.message}`) };
    throw error;
  }
}

const DIAGNOSTIC = /^(.*?):(\d+):(?:(\d+):)? *(?:(fatal error|error|warning|note|Error|Warning|Info|Fatal error): *)?(.*)$/;

export interface ToolMessage {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning' | 'information';
  readonly message: string;
}

/** Lines of the form `file:line[:column]: severity: message`, as gcc and gas print them. */
export function readToolMessages(stderr: string): readonly ToolMessage[] {
  return stderr.split('\n').flatMap((line) => {
    const match = DIAGNOSTIC.exec(line);
    if (match?.[4] === undefined) return [];
    const [, file, lineNumber, column, kind, message] = match;
    const severity = /error/i.test(kind!) ? 'error' : /warning/i.test(kind!) ? 'warning' : 'information';
    return [{ file: file!, line: Number(lineNumber), column: Number(column ?? 1), severity, message: message! }];
  });
}

/** The messages as problems; if a failed tool said nothing readable, one problem with what it did say. */
export function toolProblems(file: string, result: ProcessResult, code: string, place: (message: ToolMessage) => Problem['range']): readonly Problem[] {
  const problems: Problem[] = readToolMessages(result.stderr).map((message) => (
    { severity: message.severity, code, message: message.message, range: place(message) }));
  if (result.status === 0 || problems.some(({ severity }) => severity === 'error')) return problems;
  const said = result.stderr.trim().split('\n').at(-1) ?? '';
  return [...problems, fileProblem(file, code, said === '' ? `the tool ended with status ${String(result.status ?? 'unknown')}` : said)];
}
