/**
 * Which prefixes an instruction may carry. gas refuses the others rather than emit bytes that fault or mean nothing.
 */
import type { Arguments } from './arguments.ts';
import { EncodeError } from './encode-error.ts';
import type { Match } from './match.ts';
import type { WrittenPrefixes } from './prefixes.ts';

/** Instructions that take a rep prefix beside the string instructions: `rep ret` is AMD's old branch-prediction idiom. */
const REP_ALSO = /^(Retn|Retf|Nop|Bsf|Bsr|Xstore|Xcrypt|Montmul|Xsha|Pause|Iret)/;

/** Throws {@link EncodeError} if a written prefix does not go with the form or its operands. */
export function checkPrefixes({ candidate: { form }, placed }: Match, _given: Arguments, written: WrittenPrefixes): void {
  for (const name of written.names) {
    switch (name) {
      case 'lock':
        if (!form.lock || placed[0]?.kind !== 'memory') refuse('`lock` needs a read-modify-write instruction with a memory destination');
        break;
      case 'rep': case 'repe': case 'repz': case 'repne': case 'repnz':
        if (!form.repeat && !REP_ALSO.test(form.name)) refuse(`\`${name}\` needs a string instruction`);
        break;
      case 'bnd':
        if (!form.bound) refuse('`bnd` needs a branch');
        break;
      case 'notrack':
        if (!form.notrack) refuse('`notrack` needs an indirect branch');
        break;
      case 'xacquire': case 'xrelease':
        if (!form.hle) refuse(`\`${name}\` needs an instruction that can elide a lock`);
        break;
      default:
        break;
    }
  }
}

function refuse(message: string): never {
  throw new EncodeError('bad-prefix', message);
}
