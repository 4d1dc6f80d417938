/**
 * The instructions of a file, joined to their statements, routines and entries. Each is decoded when somebody looks at it.
 */
import type { LineRow, ObjectFile } from '../../assembly/elf/object.ts';
import type { GasUnit, InstructionStatement } from '../../assembly/gas/statement.ts';
import { decodeInstruction } from '../../assembly/x86/decode.ts';
import type { Instruction } from '../../assembly/x86/instruction.ts';
import type { EntrySite, InstructionSite, ObjectPlace, Routine } from './analysis.ts';

const LONGEST_INSTRUCTION = 15;

class Site implements InstructionSite {
  readonly section: number;
  readonly offset: number;
  readonly statement: InstructionStatement;
  readonly entries: readonly EntrySite[];
  readonly afterGap: boolean;
  routine?: Routine;
  prefixed?: InstructionStatement;
  readonly #bytes: Uint8Array;
  #instruction: Instruction | undefined;

  constructor({ section, offset }: ObjectPlace, statement: InstructionStatement, bytes: Uint8Array, entries: readonly EntrySite[], afterGap: boolean) {
    this.section = section;
    this.offset = offset;
    this.statement = statement;
    this.#bytes = bytes;
    this.entries = entries;
    this.afterGap = afterGap;
  }

  get instruction(): Instruction {
    return (this.#instruction ??= decodeInstruction(this.#bytes.subarray(this.offset, this.offset + LONGEST_INSTRUCTION), BigInt(this.offset)));
  }
}

/** True for a byte that may stand in front of an instruction's own (SDM 2A 2.1.1 and 2.2.1). */
function isPrefix(byte: number): boolean {
  return byte >>> 4 === 4 || [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3].includes(byte);
}

/** In the order of sections and offsets. */
export function instructionSites(
  unit: GasUnit, object: ObjectFile, routines: readonly Routine[], entriesAt: (place: ObjectPlace) => readonly EntrySite[],
): readonly InstructionSite[] {
  const rowOf = new Map<unknown, LineRow>(object.lines.map((row) => [row.position, row]));
  const sites: Site[] = [];
  const gapsBefore = new Map<number, number>();
  let gaps = 0;
  for (const statement of unit.statements) {
    if (statement.kind !== 'instruction' || statement.bits !== 64) continue;
    const row = rowOf.get(statement.range.start);
    const section = row === undefined ? undefined : object.sections[row.section];
    if (row === undefined || section === undefined) {
      gaps++;
      continue;
    }
    const before = sites.at(-1);
    if (before?.section === row.section && before.statement.operands.length === 0 && before.offset < row.offset && isPrefix(section.bytes[before.offset]!) && row.offset < before.offset + before.instruction.length) {
      before.prefixed = statement;
      continue;
    }
    if (row.offset >= section.bytes.length) continue;
    sites.push(new Site(row, statement, section.bytes, entriesAt(row), (gapsBefore.get(row.section) ?? 0) !== gaps));
    gapsBefore.set(row.section, gaps);
  }
  sites.sort((a, b) => a.section - b.section || a.offset - b.offset);
  joinRoutines(sites, routines);
  return sites;
}

/** Gives each place the last routine that begins in front of it and reaches over it: the innermost. Both are in order. */
export function joinRoutines(sites: readonly (ObjectPlace & { routine?: Routine })[], routines: readonly Routine[]): void {
  let next = 0;
  let around: Routine[] = [];
  let section = -1;
  for (const site of sites) {
    if (site.section !== section) {
      section = site.section;
      around = [];
      while (next < routines.length && routines[next]!.section < section) next++;
    }
    for (let routine = routines[next]; routine?.section === section && routine.start <= site.offset; routine = routines[++next]) around.push(routine);
    while (around.length > 0 && around.at(-1)!.end <= site.offset) around.pop();
    const routine = around.findLast(({ end }) => site.offset < end);
    if (routine !== undefined) site.routine = routine;
  }
}
