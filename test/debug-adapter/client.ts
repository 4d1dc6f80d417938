/**
 * A debugger's client for tests: requests by promise, events in order, and a transcript of both.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { McsafeDebugSession } from '../../debug-adapter/session.ts';
import type { Host } from '../../host/host.ts';
import { nodeHost } from '../../host/node/host.ts';

export const THREAD = { threadId: 1 };
/** What an editor says of itself, beside what a test is about. */
export const EDITOR = { adapterID: 'mcsafe', supportsVariableType: true, supportsVariablePaging: true, supportsMemoryReferences: true };
export const SAMPLE = `${process.cwd()}/samples/copy_mc.S`;

export class TestClient {
  readonly session: McsafeDebugSession;
  readonly events: DebugProtocol.Event[] = [];
  /** All messages in the order they were sent, both ways. */
  readonly messages: DebugProtocol.ProtocolMessage[] = [];
  readonly #answers = new Map<number, (response: DebugProtocol.Response) => void>();
  #next = 1;
  #seen = 0;
  #wake: (() => void) | undefined;

  constructor(host: Host = nodeHost()) {
    this.session = new McsafeDebugSession(host);
    this.session.onDidSendMessage((sent) => {
      const message = sent as DebugProtocol.ProtocolMessage;
      this.messages.push(message);
      if (message.type === 'response') {
        const response = message as DebugProtocol.Response;
        this.#answers.get(response.request_seq)?.(response);
      } else {
        this.events.push(message as DebugProtocol.Event);
        this.#wake?.();
      }
    });
  }

  send(command: string, args?: unknown): Promise<DebugProtocol.Response> {
    const request = { seq: this.#next++, type: 'request', command, ...(args === undefined ? {} : { arguments: args }) };
    this.messages.push(request);
    return new Promise((resolve) => {
      this.#answers.set(request.seq, resolve);
      this.session.handleMessage(request);
    });
  }

  /** The body of a response that must succeed. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into bodies as a client does
  async ask(command: string, args?: unknown): Promise<any> {
    const response = await this.send(command, args);
    if (!response.success) throw new Error(`${command}: ${response.message ?? 'failed'}`);
    return response.body as unknown;
  }

  /** The message of a response that must fail. */
  async refusal(command: string, args?: unknown): Promise<string> {
    const response = await this.send(command, args);
    if (response.success) throw new Error(`${command} succeeded`);
    return response.message ?? '';
  }

  /** The body of the next event called `name`, from where the last wait ended. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  async event(name: string): Promise<any> {
    return (await this.eventOf(name)).body as unknown;
  }

  /** The next event with one of these names. */
  async eventOf(...names: readonly string[]): Promise<DebugProtocol.Event> {
    for (;;) {
      while (this.#seen < this.events.length) {
        const event = this.events[this.#seen++]!;
        if (names.includes(event.event)) return event;
      }
      await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }

  /** initialize, launch, filters, configurationDone; the first `stopped` is yet to come. */
  async start(config: object, filters?: readonly string[], client: object = {}): Promise<void> {
    await this.ask('initialize', { ...EDITOR, ...client });
    await this.ask('launch', config);
    if (filters !== undefined) await this.ask('setExceptionBreakpoints', { filters });
    await this.ask('configurationDone');
  }

  /** Sends a stepping request and waits for the `stopped` it leads to. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  async go(command: string, args: object = {}): Promise<any> {
    await this.ask(command, { ...THREAD, ...args });
    return this.event('stopped');
  }

  async evaluate(expression: string, context = 'watch'): Promise<string> {
    return (await this.ask('evaluate', { expression, context })).result as string;
  }

  /** Names and lines of the stack, innermost first. */
  async stack(): Promise<readonly string[]> {
    const { stackFrames } = await this.ask('stackTrace', THREAD);
    return (stackFrames as DebugProtocol.StackFrame[]).map(({ name, line, source }) => `${name} ${source?.name ?? '?'}:${String(line)}`);
  }

  /** The rows of one scope of one frame, by name. */
  async scope(name: string, frameIndex?: number): Promise<Readonly<Record<string, string>>> {
    const frames = (await this.ask('stackTrace', THREAD)).stackFrames as DebugProtocol.StackFrame[];
    const index = frameIndex ?? frames.findIndex(({ source }) => source?.presentationHint !== 'deemphasize');
    const scopes = (await this.ask('scopes', { frameId: frames[index]!.id })).scopes as DebugProtocol.Scope[];
    const scope = scopes.find((one) => one.name === name);
    if (scope === undefined) throw new Error(`no scope "${name}" among ${scopes.map((one) => one.name).join(', ')}`);
    const { variables } = await this.ask('variables', { variablesReference: scope.variablesReference });
    return Object.fromEntries((variables as DebugProtocol.Variable[]).map((variable) => [variable.name, variable.value]));
  }
}
