/**
 * The C samples under the debugger: each stop, and every source line that stepping through the C shows, as a story beside its golden file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { has } from '../host/tools.ts';
import { EDITOR, TestClient, THREAD } from './client.ts';

const FOLDER = `${process.cwd()}/samples/handlers`;
/** A handler that did not come to an end by then is endless. */
const MOST_STEPS = 60;

interface Stopped {
  readonly reason: string;
  readonly description?: string;
}

/** One session: into each handler, through it line by line, and on. */
class Story {
  readonly lines: string[] = [];
  readonly #client = new TestClient();
  #steps = 0;

  async tell(name: string, entry: string | undefined): Promise<readonly string[]> {
    const program = ['S', 'c'].map((kind) => `${FOLDER}/${name}.${kind}`).filter((file) => existsSync(file));
    const client = this.#client;
    await client.ask('initialize', EDITOR);
    await client.ask('launch', { program, ...(entry === undefined ? {} : { entry }) });
    const source = readFileSync(`${FOLDER}/${name}.c`, 'utf8').split('\n');
    const handlers = source.flatMap((text, index) => (text.startsWith('static bool') ? [{ line: index + 1 }] : []));
    await client.ask('setBreakpoints', { source: { path: `${FOLDER}/${name}.c` }, breakpoints: handlers });
    await client.ask('configurationDone');
    for (let event = await this.#next(); event.event === 'stopped'; event = await this.#next()) await this.#stopped(event.body as Stopped);
    const ended = this.#client.events.find(({ event }) => event === 'mcsafe/ended')!.body as { readonly text: string };
    return [...this.lines, ended.text];
  }

  #next(): ReturnType<TestClient['eventOf']> {
    return this.#client.eventOf('stopped', 'terminated');
  }

  async #stopped({ reason, description }: Stopped): Promise<void> {
    const place = await this.#place();
    this.lines.push(`${description ?? reason}: ${place}`);
    if (description === 'Fixup executed') {
      const changed = await this.#client.scope('Changed by fixup');
      // Values that are addresses depend on the compiler.
      for (const [register, value] of Object.entries(changed)) this.lines.push(`    ${register} by ${/\(([^()]*(?:\.c:\d+)?)\)$/.exec(value)?.[1] ?? value}`);
    }
    await this.#client.ask(await this.#inC() || description?.endsWith('delivered') === true ? 'stepIn' : 'continue', THREAD);
    if (++this.#steps > MOST_STEPS) throw new Error(`no end:\n${this.lines.join('\n')}`);
  }

  /** Whether the innermost frame is in C. */
  async #inC(): Promise<boolean> {
    return / \w+\.c:\d+$/.test((await this.#client.stack())[0] ?? '');
  }

  /** Function, file and line, and what is written there. */
  async #place(): Promise<string> {
    const stack = await this.#client.stack();
    const written = stack.map((frame) => /^(\w+)(?:\+0x[0-9a-f]+)? (\w+\.[cS]):(\d+)$/.exec(frame)).find((match) => match !== null);
    if (written === undefined) return stack[0] ?? '';
    const [, routine, file, line] = written as unknown as readonly [string, string, string, string];
    return `${routine} ${file}:${line}  ${readFileSync(`${FOLDER}/${file}`, 'utf8').split('\n')[Number(line) - 1]!.trim()}`;
  }
}

describe('the samples in C, step by step', () => {
  const samples: readonly (readonly [name: string, entry?: string])[] = [
    ['return_directly'], ['byte_by_byte'], ['whole_routine'], ['ranges'], ['inline_load'], ['entry'], ['entry', 'return_to'],
  ];
  it.for(samples)('%s', async ([name, entry]) => {
    if (!has('gcc')) return;
    const told = await new Story().tell(name, entry);
    await expect(`${told.join('\n')}\n`).toMatchFileSnapshot(`golden/samples/${entry ?? name}.txt`);
  });
});
