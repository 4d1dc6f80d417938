/**
 * `.reloc offset, type[, value]`: a relocation as it is written (as manual 7.92).
 */
import { R_X86_64 } from '../../elf/object.ts';
import { AssemblyError } from '../assembly-error.ts';
import { expressionOf, optional, required } from '../directive-arguments.ts';
import type { Handler } from './handler.ts';

/** Names that gas knows for every target. */
const GENERIC: Readonly<Record<string, number>> = {
  BFD_RELOC_NONE: R_X86_64.NONE, BFD_RELOC_8: R_X86_64[8], BFD_RELOC_16: R_X86_64[16], BFD_RELOC_32: R_X86_64[32], BFD_RELOC_64: R_X86_64[64],
};

function relocationNamed(name: string): number | undefined {
  const generic = Object.hasOwn(GENERIC, name) ? GENERIC[name] : undefined;
  const own = name.startsWith('R_X86_64_') ? name.slice('R_X86_64_'.length) : '';
  return generic ?? (Object.hasOwn(R_X86_64, own) ? R_X86_64[own as keyof typeof R_X86_64] : undefined);
}

const relocation: Handler = (state, statement) => {
  const offset = state.bind(expressionOf(required(statement, 0, 'the place of the relocation')));
  const name = required(statement, 1, 'the type of the relocation');
  const type = relocationNamed(name.text);
  if (type === undefined) throw new AssemblyError('bad-relocation', `there is no relocation type \`${name.text}\``, name.range);
  const given = optional(statement, 2);
  const value = given === undefined ? undefined : state.bind(expressionOf(given));
  state.relocations.push({ section: state.section, offset, type, value, range: statement.range });
};

export const relocationDirectives: Readonly<Record<string, Handler>> = { '.reloc': relocation };
