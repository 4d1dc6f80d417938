/**
 * What KVM's own instruction emulator does differently from processors, where it has to run a guest without their help (see kvm.ts).
 * Found by comparing; each was held against the manual, or against ring 3 of the real CPU, before it was put here. Nothing of this applies
 * where KVM virtualises in hardware.
 */
import { Mnemonic } from 'iced-x86';
import { VECTOR } from '../../../machine/cpu/cpu.ts';
import type { RingEnding, RingOutcome } from './case.ts';
import type { RingQuestion } from './generate.ts';
import { TABLES } from './layout.ts';

interface Gap {
  readonly about: string;
  readonly mnemonics: readonly Mnemonic[];
  /** When it shows; always, if absent. */
  readonly when?: (question: RingQuestion, native: RingOutcome, emulated: RingOutcome) => boolean;
}

const FSGSBASE = 1n << 16n;
const EFER = 0xc000_0080, PAT = 0x277, SYSENTER = [0x174, 0x175, 0x176];
const TF = 0x100n;
const RFLAGS_BITS = 0x3f_7fd7n;
const { GP, NP, PF, SS } = VECTOR;
const RCX = 1;

const isFault = (ending: RingEnding, ...vectors: number[]): boolean => ending.kind === 'exception' && vectors.includes(ending.vector);
const memoryFault = ({ ending }: RingOutcome): boolean => isFault(ending, PF, SS, GP);
const storesWholeRegister = ({ code }: RingQuestion): boolean => /_(r32m16|r64m16)(_Sreg)?$/.test(code.name);
const numberIn = (question: RingQuestion): number => Number(question.state.gpr[RCX]! & 0xffff_ffffn);

const GAPS: readonly Gap[] = [
  { about: 'serialize is taken for an instruction that does nothing', mnemonics: [Mnemonic.Serialize] },
  { about: 'rdpid is not announced to guests', mnemonics: [Mnemonic.Rdpid] },
  { about: 'iret with operands of 2 and 4 bytes is refused', mnemonics: [Mnemonic.Iret, Mnemonic.Iretd] },
  { about: 'iretq looks for presence before type, at no system type, and at its frame from below', mnemonics: [Mnemonic.Iretq], when: (_, __, emulated) => isFault(emulated.ending, GP, PF, SS, NP) },
  { about: 'iretq loads bits of rflags that do not exist', mnemonics: [Mnemonic.Iretq], when: (_, native) => (native.rflags & ~RFLAGS_BITS) !== 0n },
  { about: 'iretq does not mark segments accessed', mnemonics: [Mnemonic.Iretq], when: (_, __, emulated) => emulated.changes.some(({ address }) => address >= TABLES.address && address < TABLES.address + 0x1000n) },
  { about: 'CR4.FSGSBASE is not looked at', mnemonics: [Mnemonic.Rdfsbase, Mnemonic.Rdgsbase, Mnemonic.Wrfsbase, Mnemonic.Wrgsbase], when: ({ state }) => (state.cr4 & FSGSBASE) === 0n },
  { about: 'sysret does not look at EFER.SCE before anything else', mnemonics: [Mnemonic.Sysret, Mnemonic.Sysretq], when: ({ state }) => state.msrs.some(([index, value]) => index === EFER && (value & 1n) === 0n) },
  { about: 'ring 3 never has NT or an I/O privilege level', mnemonics: [Mnemonic.Sysretq, Mnemonic.Iretq], when: (_, native, emulated) => (native.segments[1]! & 3) === 3 && (emulated.rflags & 0x7000n) !== 0n },
  { about: 'a far return pops outer registers after its checks, not before, and reads from below', mnemonics: [Mnemonic.Retf], when: (_, native, emulated) => memoryFault(native) && memoryFault(emulated) },
  { about: 'the upper half of a system descriptor is neither looked for nor at; ltr forgets which selector was of the local table', mnemonics: [Mnemonic.Ltr, Mnemonic.Lldt], when: (_, __, emulated) => isFault(emulated.ending, GP) },
  { about: 'a selector is stored as wide as a register', mnemonics: [Mnemonic.Mov, Mnemonic.Sldt, Mnemonic.Str], when: storesWholeRegister },
  { about: 'the upper halves of what goes into control and debug registers are dropped', mnemonics: [Mnemonic.Mov], when: ({ code }, native, emulated) => /^Mov_(cr|dr)_/.test(code.name) && native.ending.kind === 'halt' && isFault(emulated.ending, GP) },
  { about: 'fxsave and fxrstor forget segment bases, look for pages before alignment, and write the reserved end of the area', mnemonics: [Mnemonic.Fxsave, Mnemonic.Fxrstor] },
  { about: 'int is the way to call the hypervisor', mnemonics: [Mnemonic.Int, Mnemonic.Int1, Mnemonic.Int3] },
  { about: 'a cmpxchg that fails writes its destination register', mnemonics: [Mnemonic.Cmpxchg], when: (_, native) => native.ending.kind === 'halt' },
  { about: 'a pop to a segment register reads 2 bytes, however many it pops', mnemonics: [Mnemonic.Pop], when: (_, native, emulated) => !isFault(native.ending, PF, SS) && memoryFault(emulated) },
  { about: 'the halt that ends a case counts as a single step, and is said in DR6', mnemonics: [Mnemonic.Popf, Mnemonic.Popfq, Mnemonic.Iretq], when: (_, native) => native.ending.kind === 'halt' && (native.rflags & TF) !== 0n },
  { about: 'any value goes into the PAT, and all 64 bits into the registers of sysenter', mnemonics: [Mnemonic.Wrmsr], when: (question) => [PAT, ...SYSENTER].includes(numberIn(question)) },
];

/** Instructions whose accesses may cross a page: it writes up to the border before it finds the fault behind it, or finds the address behind the last one to be in another page. */
function crossesPages(native: RingOutcome, emulated: RingOutcome): boolean {
  return memoryFault(native) && memoryFault(emulated);
}

/** Why this case cannot be compared with KVM's emulator; undefined if it can. */
export function softwareGap(question: RingQuestion, native: RingOutcome, emulated: RingOutcome): string | undefined {
  const { mnemonic } = question.code.info;
  return GAPS.find(({ mnemonics, when }) => mnemonics.includes(mnemonic) && (when === undefined || when(question, native, emulated)))?.about
    ?? (crossesPages(native, emulated) && !sameFault(native, emulated) ? 'a store into two pages writes the first before it looks at the second' : undefined);
}

/** Both fail in the same way, and only memory is another matter. */
function sameFault(native: RingOutcome, emulated: RingOutcome): boolean {
  return JSON.stringify(native.changes, text) === JSON.stringify(emulated.changes, text);
}

const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString(16) : value);
