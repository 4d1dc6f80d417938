/**
 * Every error the adapter answers a request with, by name.
 */
import type { ConfigProblem } from '../machine/scenario/schema.ts';
import { errorsOf, formatProblem } from '../host/problems.ts';
import type { ProgramFailure } from '../host/program.ts';

/** An error for the client. `id` is stable; `showUser` asks the client to show it at once. */
export class AdapterError extends Error {
  readonly id: number;
  readonly showUser: boolean;

  constructor(id: number, message: string, showUser = false) {
    super(message);
    this.name = 'AdapterError';
    this.id = id;
    this.showUser = showUser;
  }
}

export const errors = {
  unknownRequest: (command: string) => new AdapterError(1000, `unknown request "${command}"`),
  malformedArguments: (command: string, problems: readonly ConfigProblem[]) => new AdapterError(1001, `${command}: ${problems.map(({ path, message }) => `${path === '' ? 'arguments' : path}: ${message}`).join('; ')}`),
  internal: (command: string, what: string) => new AdapterError(1002, `${command}: internal error: ${what}`, true),
  notLaunched: (command: string) => new AdapterError(1003, `${command}: nothing has been launched yet`),
  alreadyLaunched: () => new AdapterError(1004, 'launch: this session has launched its program already'),
  running: (command: string) => new AdapterError(1005, `${command}: the program is running; pause it first`),
  notInitialized: (command: string) => new AdapterError(1007, `${command}: the first request must be initialize`),
  alreadyInitialized: () => new AdapterError(1008, 'initialize: this session is initialized already'),
  terminated: (command: string) => new AdapterError(1009, `${command}: the program was terminated; a new session can launch it again`),
  ended: (command: string) => new AdapterError(1006, `${command}: the run is over; restart it`),

  badConfiguration: (problems: readonly ConfigProblem[]) => new AdapterError(2000, launchProblems(problems), true),
  programFailed: (failure: ProgramFailure) => new AdapterError(2001, programFailure(failure), true),

  unknownThread: (id: number) => new AdapterError(3000, `there is no thread ${String(id)}; the program runs in thread 1`),
  unknownFrame: (id: number) => new AdapterError(3001, `there is no stack frame ${String(id)}; frames last until the program runs on`),
  unknownVariables: (reference: number) => new AdapterError(3002, `there are no variables ${String(reference)}; they last until the program runs on`),
  unknownSource: (reference: number) => new AdapterError(3003, `there is no source ${String(reference)}`),
  unknownVariable: (name: string) => new AdapterError(3004, `there is no variable "${name}" here`),
  readOnlyVariable: (name: string) => new AdapterError(3005, `${name} cannot be changed`),
  noException: () => new AdapterError(3006, 'the program is not stopped at an exception'),

  badExpression: (message: string) => new AdapterError(4000, message),
  badMemoryReference: (text: string) => new AdapterError(4001, `"${text}" is no address; memory references are numbers such as 0xffff888000100000`),
  badDataId: (text: string) => new AdapterError(4006, `"${text}" is no data id that dataBreakpointInfo gives`),
  tooMuchMemory: (count: number, limit: number) => new AdapterError(4002, `${String(count)} are more than the ${String(limit)} that can be asked for at once`),
  badBase64: () => new AdapterError(4003, 'data is not valid base64'),
  notMapped: (address: string) => new AdapterError(4004, `nothing is mapped at ${address}`),
  noStepBack: () => new AdapterError(4005, 'the run cannot go back any further'),
} as const;

/** All problems of a configuration, by property path. */
function launchProblems(problems: readonly ConfigProblem[]): string {
  const list = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return list.length === 1 ? `launch configuration: ${list[0]!}` : `launch configuration, ${String(list.length)} problems:\n${list.map((line) => `  ${line}`).join('\n')}`;
}

/** The first error in full, how many more there are, and what can be done. */
function programFailure({ configProblems, problems, advice }: ProgramFailure): string {
  if (configProblems.length > 0) return launchProblems(configProblems);
  const [first, ...more] = errorsOf(problems);
  const lines = [first === undefined ? 'the program could not be loaded' : formatProblem(first)];
  if (more.length > 0) lines.push(`and ${String(more.length)} more ${more.length === 1 ? 'error' : 'errors'} (see the debug console)`);
  if (advice !== undefined) lines.push(advice);
  return lines.join('\n');
}
