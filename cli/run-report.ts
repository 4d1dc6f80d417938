/**
 * The story of a run: gathered from a debug session, told as text or given as data.
 */
import { relative } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import pc from 'picocolors';
import { severityRowText } from '../debug-adapter/end-text.ts';
import type { EndReport } from '../debug-adapter/end-text.ts';
import type { FixupReport } from '../debug-adapter/fixup-report.ts';
import { textTable } from './text-table.ts';

export interface ShownRow {
  readonly name: string;
  readonly value: string;
  readonly rows: readonly ShownRow[];
}

export interface ShownScope {
  readonly name: string;
  readonly rows: readonly ShownRow[];
}

/** A stop as a debugger's client shows it. */
export interface ShownStop {
  readonly description: string;
  readonly text?: string;
  /** `copy_mc+0x10` */
  readonly at?: string;
  readonly instruction?: string;
  readonly path?: string;
  readonly line?: number;
  /** The exception's phases, if it is one. */
  readonly phases: readonly ShownScope[];
}

type Chapter = { readonly kind: 'stop'; readonly stop: ShownStop } | { readonly kind: 'fixup'; readonly fixup: FixupReport };

/** Fixups whose registers are listed. */
const TOLD = 10;

export class RunReport {
  readonly #console: DebugProtocol.OutputEvent['body'][] = [];
  readonly #story: Chapter[] = [];
  #end: EndReport | undefined;

  output(body: DebugProtocol.OutputEvent['body']): void {
    this.#console.push(body);
  }

  stop(stop: ShownStop): void {
    this.#story.push({ kind: 'stop', stop });
  }

  fixup(fixup: FixupReport): void {
    this.#story.push({ kind: 'fixup', fixup });
  }

  end(end: EndReport): void {
    this.#end = end;
  }

  /** What the adapter said about a program that could not be run. */
  errors(): readonly string[] {
    return this.#console.filter(({ category }) => category === 'stderr').map(({ output }) => output);
  }

  data(): unknown {
    return {
      console: this.#console.map(({ output }) => output.trimEnd()),
      stops: this.#story.flatMap((chapter) => (chapter.kind === 'stop' ? [chapter.stop] : [])),
      fixups: this.#story.flatMap((chapter) => (chapter.kind === 'fixup' ? [chapter.fixup] : [])),
      end: this.#end,
    };
  }

  text(): string {
    const fixups = this.#story.filter(({ kind }) => kind === 'fixup').length;
    let told = 0;
    const chapters = this.#story.flatMap((chapter) => {
      if (chapter.kind === 'stop') return stopLines(chapter.stop);
      return ++told > TOLD ? [] : fixupLines(chapter.fixup);
    });
    const more = fixups > TOLD ? [`… and ${String(fixups - TOLD)} more fixups`, ''] : [];
    return `${[...this.#preamble(), '', ...chapters, ...more, ...this.#endLines()].join('\n')}\n`;
  }

  /** What the adapter printed before the first instruction: what is run and what was assumed. */
  #preamble(): readonly string[] {
    const lines = this.#console.map(({ output }) => output.trimEnd());
    const first = lines.findIndex((line) => line.startsWith('fixup:') || line === this.#end?.text);
    return lines.slice(0, first < 0 ? undefined : first);
  }

  #endLines(): readonly string[] {
    if (this.#end === undefined) return [];
    const { reason, text, exceptions, severityRows } = this.#end;
    const counted = `${String(exceptions)} ${exceptions === 1 ? 'exception' : 'exceptions'}`;
    const rows = (severityRows ?? []).filter(({ hits }) => hits > 0).map((row) => pc.dim(`severity ${severityRowText(row)}`));
    return [reason === 'returned' ? pc.green(text) : pc.red(text), pc.dim(counted), ...rows];
  }
}

function stopLines(stop: ShownStop): readonly string[] {
  const place = stop.path === undefined ? '' : `  ${pc.dim(`${relative('', stop.path)}:${String(stop.line)}`)}`;
  const head = `${pc.bold(`Stopped: ${stop.description}`)} at ${stop.at ?? '?'}${place}`;
  return [
    head,
    ...(stop.instruction === undefined ? [] : [`    ${pc.cyan(stop.instruction)}`]),
    ...(stop.phases.length === 0 && stop.text !== undefined ? [`  ${stop.text}`] : []),
    ...stop.phases.flatMap(({ name, rows }) => [`  ${pc.bold(name)}`, ...rowLines(rows, 4)]),
    '',
  ];
}

function rowLines(rows: readonly ShownRow[], indent: number): readonly string[] {
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows.flatMap(({ name, value, rows: children }) => [
    `${' '.repeat(indent)}${name.padEnd(width)}  ${value}`,
    ...rowLines(children, indent + 4),
  ]);
}

function fixupLines(fixup: FixupReport): readonly string[] {
  const { entry } = fixup;
  return [
    pc.bold(`Fixup: ${fixup.mnemonic} at ${fixup.from.name} → ${fixup.landingPad}`),
    `  ${entry.text}, ${entry.typeName}: ${entry.effect}`,
    ...fixup.phases.filter(({ summary }) => summary.includes(' refused: ')).map(({ summary }) => `  before that ${summary}`),
    ...textTable([['register', 'old', 'new', 'changed by'], ...fixup.changes.map((change) => [change.register, change.old, change.new, change.changedBy])], '  '),
    '',
  ];
}
