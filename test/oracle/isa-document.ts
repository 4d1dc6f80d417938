/**
 * `docs/isa.md`: one row for every instruction form that is valid in 64-bit mode, with what is known about it.
 */
import type { CodeFacts } from './codes.ts';
import { hostKnows } from './host-knows.ts';
import type { Tally } from './instructions.ts';
import type { HostCpu } from './native.ts';
import { composable } from './operands.ts';
import { refusal } from '../../machine/cpu/refused.ts';

export type Status = 'verified' | 'supported' | 'not yet' | 'refused';

const MEANING: Readonly<Record<Status, string>> = {
  verified: 'the emulator and the real CPU agreed on every random case, some of which ran to the end',
  supported: 'the emulator executes it; ring 3 of the host cannot show more than the last column says',
  'not yet': 'stops the run with its name; planned',
  refused: 'stops the run with its name; not planned, for the reason in the last column',
};

/** True where even a correct execution can only be seen to fault; the register forms of 0F 0D are undefined on the AMD processor of the run. */
const alwaysFaults = (code: CodeFacts): boolean => /^(Ud[012]|Reservednop.*_0F0D$)/.test(code.name);

export function statusOf(tally: Tally): Status {
  if (tally.agreed > 0 && tally.differed === 0) return tally.completed > 0 || alwaysFaults(tally.code) ? 'verified' : 'supported';
  if (refusal(tally.code.features) !== undefined) return 'refused';
  return tally.supported ? 'supported' : 'not yet';
}

function remark(tally: Tally, status: Status): string {
  const { code } = tally;
  switch (status) {
    case 'refused': return refusal(code.features) ?? '';
    case 'supported': {
      const known = hostKnows(code);
      if (known !== undefined) return known;
      if (!composable(code)) return 'the oracle cannot compose its operands';
      if (/^(U?Monitor|U?[Mm]wait|Tpause|Rdpru)/.test(code.name)) return 'undefined: no profile\'s CPUID announces it';
      return code.info.isPrivileged || code.info.mustBeCpl0 ? 'privileged: only its fault was compared' : 'only faults were seen';
    }
    default: return '';
  }
}

const escape = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

export function isaDocument(tallies: readonly Tally[], host: HostCpu): string {
  const rows = tallies.map((tally) => ({ tally, status: statusOf(tally) }));
  const count = (status: Status): number => rows.filter((row) => row.status === status).length;
  return [
    '# Instruction set',
    '',
    'Written by `npm run isa` from a run of the oracle; not edited by hand. One row for every `Code` of iced-x86 that is valid in 64-bit mode.',
    '',
    `Real CPU of that run: ${host.model}.`,
    '',
    '| Status | Codes | Meaning |',
    '|---|---|---|',
    ...(Object.keys(MEANING) as Status[]).map((status) => `| ${status} | ${count(status)} | ${MEANING[status]} |`),
    '',
    '| Code | Instruction | Opcode | Features | Status | Remark |',
    '|---|---|---|---|---|---|',
    ...rows.map(({ tally, status }) => `| ${tally.code.name} | ${escape(tally.code.text)} | ${escape(tally.code.opcode)} | ${tally.code.features.join(' ')} | ${status} | ${remark(tally, status)} |`),
    '',
  ].join('\n');
}

/** Status by `Code` name, as a document states it. */
export function rowsOf(document: string): Map<string, string> {
  const rows = new Map<string, string>();
  for (const line of document.split('\n')) {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (cells.length === 8 && /^[A-Z0-9]\w*$/.test(cells[1]!) && cells[1] !== 'Code') rows.set(cells[1]!, cells[5]!);
  }
  return rows;
}
