/**
 * Tells assembly for other machines and other assemblers, which is left alone: to somebody who writes for another processor, a list of
 * unknown instructions is noise.
 *
 * A file is foreign if its place says so and a fair part of it cannot be read, or if much of it cannot be read, and in either case no
 * instruction in it names a register that only x86-64 has. Lines that a missing include may explain are no evidence.
 */
import type { GasUnit, Operand, Statement } from '../../assembly/gas/statement.ts';
import type { Problem } from '../../assembly/source.ts';

/** Names of folders, and parts of file names, that stand for a machine; what people call it. */
const PLACES: Readonly<Record<string, string>> = {
  i386: 'i386', i486: 'i386', i586: 'i386', i686: 'i386', ia32: 'i386', x86_32: 'i386', vdso32: 'i386', 386: 'i386',
  arm: 'ARM', armv4: 'ARM', armv6: 'ARM', armv7: 'ARM', thumb: 'ARM', arm32: 'ARM', aarch32: 'ARM', arm64: 'AArch64', armv8: 'AArch64', aarch64: 'AArch64',
  alpha: 'Alpha', arc: 'ARC', arcompact: 'ARC', avr: 'AVR', avr32: 'AVR32', bfin: 'Blackfin', csky: 'C-SKY', cris: 'CRIS', epiphany: 'Epiphany', frv: 'FR-V', h8300: 'H8/300',
  hppa: 'PA-RISC', parisc: 'PA-RISC', pa: 'PA-RISC', ia64: 'Itanium', kvx: 'KVX', loong64: 'LoongArch', loongarch: 'LoongArch', loongarch64: 'LoongArch',
  m32r: 'M32R', m68k: 'm68k', m88k: 'M88k', metag: 'Meta', msp430: 'MSP430', microblaze: 'MicroBlaze', moxie: 'Moxie',
  mips: 'MIPS', mips32: 'MIPS', mips64: 'MIPS', mipsn32: 'MIPS', mipsx: 'MIPS', mips64x: 'MIPS', mipsle: 'MIPS', mips64le: 'MIPS', nanomips: 'nanoMIPS',
  nios2: 'Nios II', openrisc: 'OpenRISC', or1k: 'OpenRISC', power: 'PowerPC', rs6000: 'PowerPC', powerpc: 'PowerPC', powerpc64: 'PowerPC', ppc: 'PowerPC', ppc32: 'PowerPC', ppc64: 'PowerPC',
  ppc64x: 'PowerPC', ppc64le: 'PowerPC', riscv: 'RISC-V', rl78: 'RL78', rx: 'RX', riscv32: 'RISC-V', riscv64: 'RISC-V', s390: 's390', s390x: 's390', sh: 'SuperH', sh64: 'SuperH', superh: 'SuperH',
  sparc: 'SPARC', sparc64: 'SPARC', sparcv9: 'SPARC', tile: 'TILE', tilegx: 'TILE', tilepro: 'TILE', v850: 'V850', vax: 'VAX', wasm: 'WebAssembly', zarch: 's390', xtensa: 'Xtensa',
};

/** Where the place names a machine, and where it does not: statements that cannot be read, and their share, from which a file is foreign. */
const WITH_PLACE = { statements: 1, share: 0.1 };
const WITHOUT_PLACE = { statements: 4, share: 0.25 };
/** Instructions that use registers of 32 bits and none of 64, from which unreadable ones are taken for i386. */
const I386_INSTRUCTIONS = 4;

/** Problems of the surroundings rather than of the text. */
const OF_SURROUNDINGS = new Set(['include-not-found', 'user-error']);
/** A line with words in capitals, or that begins like a macro of the preprocessor that is used: where an include is missing, it may be made of what that defines. */
const OF_MACROS = /\b[A-Z_][A-Z0-9_]+\b|^\s*\w+\s*\(/;
/** Of {@link machineOfPlace}. */
const OURS = 'x86-64';
const ONLY_64 = /^(?:r(?:[abcd]x|[sd]i|[sb]p|ip)|[sd]il|[sb]pl)$/;
const ALSO_32 = /^e(?:[abcd]x|[sd]i|[sb]p)$/;
const VECTOR = /^[xyz]mm\d+$/;
/** A function of Go's assembler: `TEXT ·name(SB), flags, $frame-arguments`. */
const PLAN9 = /^[ \t]*(?:TEXT|DATA|GLOBL)[ \t]+[^\s,]*\(SB\)/m;

/** What the file is, if not assembly for x86-64 and GNU as: `assembly for AArch64`, `a linker script`. */
export function foreignArchitecture(unit: Pick<GasUnit, 'file' | 'statements' | 'includes'>, text: string, problems: readonly Problem[]): string | undefined {
  const { file, statements, includes } = unit;
  if (/\.lds\.[sS]$/.test(file)) return 'a linker script';
  const kernel = /(?:^|[\\/])arch[\\/]([\w-]+)[\\/]/.exec(file)?.[1];
  if (kernel !== undefined && !['x86', 'x86_64', 'um'].includes(kernel)) return assemblyFor(PLACES[kernel] ?? kernel);
  if (/(?:^|[\\/])arch[\\/]x86[\\/].*[_-](?:32|i[3-6]86)(?:[_-]\w+)?\.S$/.test(file)) return assemblyFor('i386');
  const errors = problems.filter(({ severity, code }) => severity === 'error' && !OF_SURROUNDINGS.has(code));
  let unreadable = new Set(errors.map(({ range }) => range.start.line));
  if (unreadable.size === 0) return undefined;
  if (PLAN9.test(text)) return assemblyFor("Go's assembler");
  const used = registerWidths(statements);
  if (used.only64) return undefined;
  const place = machineOfPlace(file);
  const written = new Set(statements.filter(({ kind, range }) => kind !== 'label' && range.start.file === file).map(({ range }) => range.start.line));
  if ((place === undefined || place === OURS) && includes.some(({ resolved }) => resolved === undefined)) {
    const lines = text.split('\n');
    const explained = (line: number): boolean => OF_MACROS.test(lines[line - 1] ?? '');
    unreadable = new Set(errors.filter(({ range: { start } }) => start.file === file && !explained(start.line)).map(({ range }) => range.start.line));
    for (const line of written) if (explained(line)) written.delete(line);
  }
  const enough = ({ statements: least, share }: typeof WITH_PLACE): boolean => unreadable.size >= least && unreadable.size >= share * new Set([...written, ...unreadable]).size;
  const mismatched = problems.some(({ code }) => code === 'operand-mismatch');
  if (used.also32 >= (place === 'i386' ? 1 : I386_INSTRUCTIONS) && mismatched) return assemblyFor('i386');
  if (place !== undefined && place !== OURS) return enough(WITH_PLACE) ? assemblyFor(place) : undefined;
  if (!enough(WITHOUT_PLACE)) return undefined;
  if (used.also32 > 0 || used.vectors) return used.also32 > 0 && mismatched ? assemblyFor('i386') : undefined;
  return assemblyFor(place === OURS ? 'another assembler' : 'another machine');
}

function assemblyFor(machine: string): string {
  return `assembly for ${machine}`;
}

/** The machine, {@link OURS} among them, that the nearest folder, or the file's name, stands for: `src/setjmp/mips64/longjmp.S`, `memmove_arm64.s`, `dispatch-ppc32-linux.S`. */
function machineOfPlace(file: string): string | undefined {
  for (const part of file.replace(/\.\w+$/, '').split(/[\\/]/).reverse()) {
    const words = [part, ...part.split(/[-_.]/).reverse()].map((word) => word.toLowerCase());
    if (words.some((word) => /^(?:x86_?64|amd64|x64|x32)$/.test(word)) || /x86[-_]64/i.test(part)) return OURS;
    const word = words.find((one) => Object.hasOwn(PLACES, one));
    if (word !== undefined) return PLACES[word];
  }
  return undefined;
}

/** Whether an instruction names a register that only x86-64 has; if none does, how many name one of i386, and whether one names a vector register. */
function registerWidths(statements: readonly Statement[]): { readonly only64: boolean; readonly also32: number; readonly vectors: boolean } {
  let also32 = 0;
  let vectors = false;
  for (const statement of statements) {
    if (statement.kind !== 'instruction') continue;
    const names = statement.operands.flatMap(registersOf);
    if (statement.bits === 64 && names.some((name) => ONLY_64.test(name))) return { only64: true, also32, vectors };
    if (names.some((name) => ALSO_32.test(name))) also32++;
    vectors ||= names.some((name) => VECTOR.test(name));
  }
  return { only64: false, also32, vectors };
}

function registersOf(operand: Operand): readonly string[] {
  switch (operand.kind) {
    case 'register':
      return [operand.name];
    case 'memory':
      return [operand.base, operand.index].filter((name) => name !== undefined);
    case 'indirect':
      return registersOf(operand.target);
    default:
      return [];
  }
}
