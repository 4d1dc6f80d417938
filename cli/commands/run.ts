/**
 * `mcsafe run`: a debug session like any client's, driven to its end and told as a story.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { EndReport } from '../../debug-adapter/end-text.ts';
import type { FixupReport } from '../../debug-adapter/fixup-report.ts';
import type { Host } from '../../host/host.ts';
import { nodeHost } from '../../host/node/host.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { InlineClient, RequestFailed } from '../inline-client.ts';
import { launchAttributes } from '../launch-options.ts';
import type { RunOptions } from '../launch-options.ts';
import { RunReport } from '../run-report.ts';
import type { ShownScope, ShownStop } from '../run-report.ts';

const THREAD = { threadId: 1 };
/** Exceptions told in full; a routine that faults at every byte has thousands. */
const TOLD = 10;
const ALL_FILTERS = ['machineCheck', 'unhandled', 'fixup', 'pageFault'];

export async function run(files: readonly string[], options: RunOptions & { readonly json?: boolean }): Promise<number> {
  const { report, end } = await runToEnd(files, options, nodeHost());
  process.stdout.write(options.json === true ? `${JSON.stringify(report.data(), undefined, 2)}\n` : report.text());
  return end.reason === 'returned' ? EXIT.OK : EXIT.FOUND;
}

/** Runs a routine in a debug session to its end. Rejects with CommandError if it cannot be run. */
export async function runToEnd(files: readonly string[], options: RunOptions, host: Host): Promise<{ readonly report: RunReport; readonly end: EndReport }> {
  const report = new RunReport();
  const client = new InlineClient(host, (event) => {
    if (event.event === 'output') report.output((event as DebugProtocol.OutputEvent).body);
    if (event.event === 'mcsafe/fixup') report.fixup((event as { body: FixupReport } & DebugProtocol.Event).body);
  });
  try {
    await client.request('initialize', { adapterID: 'mcsafe', clientID: 'mcsafe run' });
    await client.request('launch', launchAttributes(files, options));
    await client.request('setExceptionBreakpoints', { filters: ALL_FILTERS });
    await client.request('configurationDone');
    const end = await follow(client, report);
    report.end(end);
    return { report, end };
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    throw new CommandError([error.message, ...report.errors().map((line) => line.trimEnd())].join('\n'));
  } finally {
    client.dispose();
  }
}

/** Goes from stop to stop until the run is over. */
async function follow(client: InlineClient, report: RunReport): Promise<EndReport> {
  for (let stops = 0; ; stops++) {
    const event = await client.event('stopped', 'mcsafe/ended');
    if (event.event === 'mcsafe/ended') return (event as { body: EndReport } & DebugProtocol.Event).body;
    const { body } = event as DebugProtocol.StoppedEvent;
    report.stop(await look(client, body));
    if (stops === TOLD * 2) await client.request('setExceptionBreakpoints', { filters: ['unhandled'] });
    // From a delivery the step ends at the landing pad; from anywhere else the routine goes on.
    await client.request(body.description?.endsWith('delivered') === true ? 'next' : 'continue', THREAD);
  }
}

/** What a client shows at a stop: the line, and of an exception its phases. */
async function look(client: InlineClient, { reason, description = reason, text }: DebugProtocol.StoppedEvent['body']): Promise<ShownStop> {
  const { stackFrames } = await client.request<DebugProtocol.StackTraceResponse>('stackTrace', THREAD);
  const exception = stackFrames.find(({ source }) => source?.presentationHint === 'deemphasize');
  const code = stackFrames.find((frame) => frame !== exception);
  return {
    description,
    ...(text === undefined ? {} : { text }),
    ...(code === undefined ? {} : { at: code.name, instruction: await instructionAt(client, code) }),
    ...(code?.source?.path === undefined ? {} : { path: code.source.path, line: code.line }),
    phases: exception === undefined ? [] : await scopesOf(client, exception.id),
  };
}

async function instructionAt(client: InlineClient, frame: DebugProtocol.StackFrame): Promise<string> {
  const body = await client.request<DebugProtocol.DisassembleResponse>('disassemble', { memoryReference: frame.instructionPointerReference, instructionCount: 1 });
  return body?.instructions[0]?.instruction ?? '';
}

async function scopesOf(client: InlineClient, frameId: number): Promise<readonly ShownScope[]> {
  const { scopes } = await client.request<DebugProtocol.ScopesResponse>('scopes', { frameId });
  return Promise.all(scopes.map(async ({ name, variablesReference }) => ({ name, rows: await rowsOf(client, variablesReference, 1) })));
}

/** Variables with one level of children, as an unfolded tree. */
async function rowsOf(client: InlineClient, variablesReference: number, depth: number): Promise<ShownScope['rows']> {
  const { variables } = await client.request<DebugProtocol.VariablesResponse>('variables', { variablesReference });
  return Promise.all(variables.map(async (variable) => ({
    name: variable.name,
    value: variable.value,
    rows: variable.variablesReference > 0 && depth > 0 ? await rowsOf(client, variable.variablesReference, depth - 1) : [],
  })));
}
