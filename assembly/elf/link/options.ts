/**
 * What a link can be told, and what it can complain about.
 */
import type { ObjectFile } from '../object.ts';
import type { Problem, SourcePosition } from '../../source.ts';

/** Where the kernel's own text is linked (kernel Documentation/arch/x86/x86_64/mm.rst). */
export const KERNEL_BASE = 0xffff_ffff_8100_0000n;

export interface LinkOptions {
  /** Address of the first section; page-aligned. Default {@link KERNEL_BASE}. */
  readonly base?: bigint;
  /** An address for a name no object defines; undefined leaves it to the externals. */
  readonly provide?: (name: string) => bigint | undefined;
  /**
   * First of the unmapped addresses that stand for functions nobody defines, a page each.
   * Default: 1008 MiB above the base, which 32-bit displacements reach (for the kernel base: where modules lie).
   */
  readonly externals?: bigint;
  /** Addresses for output sections by name; the others follow behind the base. */
  readonly sectionAddresses?: ReadonlyMap<string, bigint>;
}

/** A problem in an object: at the line the code came from if that is known, else in the object as a whole. */
export function linkProblem(severity: Problem['severity'], code: string, message: string, object: ObjectFile, position?: SourcePosition): Problem {
  const start = position ?? { file: object.name, line: 1, column: 1 };
  return { severity, code, message, range: { start, endColumn: start.column } };
}
