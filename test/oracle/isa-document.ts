/**
 * `docs/isa.md`: one row for every instruction form that is valid in 64-bit mode, with what is known about it.
 */
import type { CodeFacts } from './codes.ts';
import { hostKnows } from './host-knows.ts';
import type { Tally } from './instructions.ts';
import type { RingTally } from './kvm/instructions.ts';
import type { HostCpu } from './native.ts';
import { composable } from './operands.ts';
import { refusal } from '../../machine/cpu/refused.ts';

export type Status = 'verified' | 'supported' | 'not yet' | 'refused';

const MEANING: Readonly<Record<Status, string>> = {
  verified: 'the emulator and the oracle agreed on every random case, some of which ran to the end',
  supported: 'the emulator executes it; the host cannot show more than the last column says',
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

/** Why no oracle here shows more of an instruction that the emulator executes. */
const NOT_SHOWN: readonly (readonly [RegExp, string])[] = [
  [/^(In_|Ins[bwd]_|Out_|Outs[bwd]_)/, 'there are no devices: a named stop where it is allowed; its #GP in ring 3 was compared'],
  [/^(U?[Mm]onitor|U?[Mm]wait|Tpause|Rdpru)/, 'undefined: no profile\'s CPUID announces it'],
  [/^(Rd|Wr)pkru/, 'undefined: protection keys are not modelled, CR4.PKE is clear'],
  [/^Int1$/, 'the host\'s hypervisor puts its trap in front of it; where none does, it was verified'],
  [/^(Stac|Clac)$/, 'the host\'s KVM does not execute it; its #UD in ring 3 was compared, and what AC then allows, under KVM'],
  [/^Serialize/, 'AMD\'s processors do not have it: #UD on both'],
  [/^Sys(enter|exit)/, 'undefined in AMD\'s long mode; Intel\'s way is by the manual'],
];

function remark(tally: Tally, status: Status, oracle: string): string {
  const { code } = tally;
  const known = hostKnows(code);
  switch (status) {
    case 'verified': return oracle !== RING_3 && known !== undefined && /^reads a|identity$/.test(known) ? 'the value is the host\'s own: all but it was compared' : '';
    case 'refused': return refusal(code.features) ?? '';
    case 'supported': {
      const reason = NOT_SHOWN.find(([pattern]) => pattern.test(code.name))?.[1];
      if (reason !== undefined) return reason;
      if (known !== undefined) return `${known}; the host's KVM does not execute it`;
      if (!composable(code)) return 'the oracle cannot compose its operands';
      return code.info.isPrivileged || code.info.mustBeCpl0 ? 'privileged, and the host\'s KVM does not execute it: only its fault in ring 3 was compared' : 'only faults were seen';
    }
    default: return '';
  }
}

const RING_3 = 'ring 3';

/** What ring 0 has shown, and of what kind it is. */
export interface RingShown {
  readonly tallies: readonly RingTally[];
  readonly software: boolean;
}

interface Row {
  readonly tally: Tally;
  readonly status: Status;
  readonly oracle: string;
}

function rowFor(tally: Tally, { tallies, software }: RingShown): Row {
  const status = statusOf(tally);
  if (status === 'verified') return { tally, status, oracle: RING_3 };
  const ring = tallies.find(({ code }) => code === tally.code);
  if (status === 'supported' && ring !== undefined && ring.completed > 0 && ring.differed === 0) return { tally, status: 'verified', oracle: software ? 'KVM, software' : 'KVM' };
  return { tally, status, oracle: '' };
}

const escape = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

export function isaDocument(tallies: readonly Tally[], shown: RingShown, host: HostCpu): string {
  const rows = tallies.map((tally) => rowFor(tally, shown));
  const count = (status: Status): number => rows.filter((row) => row.status === status).length;
  return [
    '# Instruction set',
    '',
    'Written by `npm run isa` from a run of the oracle; not edited by hand. One row for every `Code` of iced-x86 that is valid in 64-bit mode.',
    '',
    `Real CPU of that run: ${host.model}. The oracle of a row is what showed it:`,
    '',
    '- `ring 3`: this processor, running the instruction in a user program.',
    '- `KVM`: this processor, running it in ring 0 of a virtual machine.',
    '- `KVM, software`: ring 0 of a virtual machine on a host whose KVM has no hardware virtualisation. The instruction is executed by the instruction emulator in the host\'s kernel: another implementation of the manual, not the processor. What it is known to do differently from processors is listed in `test/oracle/kvm/software.ts` and not compared.',
    '',
    '| Status | Codes | Meaning |',
    '|---|---|---|',
    ...(Object.keys(MEANING) as Status[]).map((status) => `| ${status} | ${count(status)} | ${MEANING[status]} |`),
    '',
    '| Code | Instruction | Opcode | Features | Status | Oracle | Remark |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(({ tally, status, oracle }) => `| ${tally.code.name} | ${escape(tally.code.text)} | ${escape(tally.code.opcode)} | ${tally.code.features.join(' ')} | ${status} | ${oracle} | ${remark(tally, status, oracle)} |`),
    '',
  ].join('\n');
}

/** One column of the rows by `Code` name. */
function column(document: string, at: number): Map<string, string> {
  const rows = new Map<string, string>();
  for (const line of document.split('\n')) {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (cells.length === 9 && /^[A-Z0-9]\w*$/.test(cells[1]!) && cells[1] !== 'Code') rows.set(cells[1]!, cells[at]!);
  }
  return rows;
}

/** Status by `Code` name, as a document states it. */
export const rowsOf = (document: string): Map<string, string> => column(document, 5);

/** Oracle by `Code` name, empty where none has shown it. */
export const oraclesOf = (document: string): Map<string, string> => column(document, 6);
