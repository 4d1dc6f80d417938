/**
 * Which prefixes an instruction may carry. gas refuses the others rather than emit bytes that fault or mean nothing.
 */
import { EncodingKind } from 'iced-x86';
import type { Arguments } from './arguments.ts';
import { EncodeError } from './encode-error.ts';
import type { Match } from './match.ts';
import type { WrittenPrefixes } from './prefixes.ts';

/** Instructions that take a rep prefix beside the string instructions: `rep ret` is AMD's old branch-prediction idiom. */
const REP_ALSO = /^(Retn|Nop|Bsf|Bsr|Xstore|Xcrypt|Montmul|Xsha|Pause)/;

/** `written` without what gas leaves out, with a warning, in front of a direct branch: all but branch hints, size and REX prefixes. */
export function branchPrefixes({ candidate: { form } }: Match, written: WrittenPrefixes): WrittenPrefixes {
  if (written.bytes.length === 0 || !form.shapes.some((shape) => shape.branch !== undefined)) return written;
  const hints = form.name.startsWith('J') || /^Loop/.test(form.name);
  const byteOnly = form.addressSize !== 0;
  const bytes = written.bytes.filter((byte) => {
    if (byte === 0x2e || byte === 0x3e) return hints;
    return ![0x26, 0x36, 0x64, 0x65].includes(byte) && (byte !== 0x67 || byteOnly) && (byte !== 0x66 || !byteOnly);
  });
  return bytes.length === written.bytes.length ? written : { ...written, bytes };
}

/** Complex multiplication reads its sources after it has begun to write (SDM 2C, VFMADDCPH). */
const DISTINCT = /^EVEX_Vfc?m(add|ul)c[ps]h_/;

const VECTORS: ReadonlySet<string> = new Set(['mm', 'xmm', 'bnd']);

/** Throws {@link EncodeError} if a written prefix does not go with the form or its operands. */
export function checkPrefixes({ candidate: { form }, placed }: Match, _given: Arguments, written: WrittenPrefixes): void {
  if (written.rex !== 0 && form.encoding !== EncodingKind.Legacy) refuse('a REX prefix does not go with a VEX or EVEX encoding');
  if (written.bytes.includes(0x66) && (form.encoding !== EncodingKind.Legacy || form.shapes.some((shape) => VECTORS.has(shape.register ?? '')))) {
    refuse('a data-size prefix does not go with a vector instruction');
  }
  if (DISTINCT.test(form.name) && placed.slice(1).some((operand) => operand.kind === 'register' && placed[0]?.kind === 'register' && operand.register === placed[0].register)) {
    throw new EncodeError('operand-mismatch', 'the destination must be another register than the sources');
  }
  for (const name of written.names) {
    switch (name) {
      case 'lock':
        if (!form.lock || placed[0]?.kind !== 'memory') refuse('`lock` needs a read-modify-write instruction with a memory destination');
        break;
      case 'rep': case 'repe': case 'repz': case 'repne': case 'repnz':
        if (!form.repeat && !REP_ALSO.test(form.name)) refuse(`\`${name}\` needs a string instruction`);
        break;
      case 'bnd':
        // iced lists the near jump only; gas takes the short one as well.
        if (!form.bound && !form.name.startsWith('Jmp_rel8')) refuse('`bnd` needs a branch');
        break;
      case 'notrack':
        if (!form.notrack) refuse('`notrack` needs an indirect branch');
        break;
      case 'xacquire': case 'xrelease':
        if (!form.hle) refuse(`\`${name}\` needs an instruction that can elide a lock`);
        if (!written.names.includes('lock') && !form.name.startsWith('Xchg') && !(name === 'xrelease' && form.name.startsWith('Mov_'))) refuse(`\`${name}\` needs \`lock\` beside it`);
        break;
      default:
        break;
    }
  }
}

function refuse(message: string): never {
  throw new EncodeError('bad-prefix', message);
}
