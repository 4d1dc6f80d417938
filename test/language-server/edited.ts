/**
 * Random edits of sources with exception-table entries: what is reported of each version, with what was kept from the versions before, is
 * compared with what is reported of the same text by an analysis that knows nothing else.
 */
import { expect } from 'vitest';
import { createReadCache } from '../../assembly/gas/read.ts';
import type { Problem } from '../../assembly/source.ts';
import { nodeHost } from '../../host/node/host.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import type { Analysis, AnalysisOptions } from '../../language-server/analysis/analysis.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { report } from '../../language-server/checks/report.ts';

const host = nodeHost();

/** The versions of one file, as an open document has them: each is read and checked with what is kept of the one before. */
export class Versions {
  readonly #file: string;
  readonly #options: AnalysisOptions;
  #before: Analysis | undefined;

  constructor(file: string, settings: Partial<AnalysisOptions> = {}) {
    this.#file = file;
    this.#options = { ...projectOptions(file, host), cache: createReadCache(), ...settings };
  }

  /** The next version of the file. */
  next(text: string): Analysis {
    return (this.#before = analyze(this.#file, text, {
      ...this.#options, incremental: true, ...(this.#before === undefined ? {} : { previous: this.#before.unit, history: this.#before.history }),
    }));
  }

  /** The same text in an editor that has just been opened. */
  fresh(text: string): Analysis {
    return analyze(this.#file, text, this.#options);
  }
}

const INSERTED = [
  '\n', '\tnop\n', '\tret\n', '\tstac\n', '\tclac\n', '\tstd\n', '\tpushq %rbx\n', '\tpopq %rbx\n', '\tmovq (%rsi), %rax\n', '\tmovq %rax, (%rdi)\n', '\taddq $8, %rdx\n', '\txorl %eax, %eax\n', '\tjmp 1f\n1:\n',
  '\tcall elsewhere\n', '\t.p2align 4\n', '\t.byte 0x0f\n', '\tbogus %rax\n', '.globl added\nadded:\n', '9:\tmovq 8(%rsi), %rcx\n', '\t_ASM_EXTABLE_UA(9b, 9b)\n', '\t.pushsection .fixup, "ax"\n', '\t.popsection\n', '.Ladded:\n', '# mcsafe: contract copy n=rdx returns=rax\n', ' + 1', 'q', '0',
];

/** One edit: lines go, are said twice, change places, or something is put in. */
function edited(text: string, next: () => number): string {
  const pick = (count: number): number => Math.floor(next() * count);
  const lines = text.split('\n');
  const at = pick(lines.length);
  switch (pick(6)) {
    case 0: lines.splice(at, 1 + pick(2)); break;
    case 1: lines.splice(pick(lines.length), 0, lines[at]!); break;
    case 2: lines.splice(pick(lines.length), 0, ...lines.splice(at, 1 + pick(3))); break;
    case 3: {
      const place = pick(text.length);
      return text.slice(0, place) + text.slice(place + 1 + pick(3));
    }
    case 4: {
      const place = pick(text.length);
      return text.slice(0, place) + INSERTED[pick(INSERTED.length)]! + text.slice(place);
    }
    default: lines.splice(at, 0, INSERTED[pick(INSERTED.length)]!.replace(/\n$/, ''));
  }
  return lines.join('\n');
}

/** As data: places are worked out when they are looked at. */
function plain(problems: readonly Problem[]): readonly unknown[] {
  return JSON.parse(JSON.stringify(problems)) as readonly unknown[];
}

/** Makes `count` edits of `text`, one after the other, and undoes about a third of them. Gives how many findings were compared. */
export function checkEditedFindings(file: string, text: string, next: () => number, count: number, settings: Partial<AnalysisOptions> = {}): number {
  const versions = new Versions(file, settings);
  let current = text;
  const earlier: string[] = [];
  let compared = 0;
  for (let edit = 0; edit <= count; edit++) {
    if (edit > 0) {
      if (earlier.length > 0 && next() < 0.35) current = earlier.pop()!;
      else {
        earlier.push(current);
        current = edited(current, next);
      }
    }
    // An editor does not ask about every version.
    const incremental = versions.next(current);
    if (next() < 0.2) continue;
    const found = plain(report(incremental));
    const anew = plain(report(versions.fresh(current)));
    compared += found.length;
    if (JSON.stringify(found) !== JSON.stringify(anew)) expect(found, `version ${String(edit)} of ${file}:\n${current}`).toEqual(anew);
  }
  return compared;
}
