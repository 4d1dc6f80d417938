/**
 * What runs both ways: the samples, and routines for what they do not show.
 */
import { fileURLToPath } from 'node:url';

export interface Program {
  /** Sources, from the repository's root. */
  readonly files: readonly string[];
  /** Kernel whose headers they are written for. */
  readonly generation: '6.12' | '4.4';
  readonly routines: readonly string[];
}

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const HANDLERS = 'samples/handlers';
const HERE = 'test/oracle/user-program';

export const PROGRAMS: readonly Program[] = [
  { files: ['samples/copy_mc.S'], generation: '6.12', routines: ['copy_mc'] },
  { files: ['samples/clear.S'], generation: '6.12', routines: ['clear_bytes'] },
  { files: ['samples/get_word.S'], generation: '6.12', routines: ['get_word'] },
  { files: ['samples/two_tables/copy.S'], generation: '4.4', routines: ['copy_counting'] },
  { files: [`${HANDLERS}/return_directly.S`, `${HANDLERS}/return_directly.c`], generation: '6.12', routines: ['sum_words'] },
  { files: [`${HANDLERS}/byte_by_byte.S`, `${HANDLERS}/byte_by_byte.c`], generation: '6.12', routines: ['copy_words'] },
  { files: [`${HANDLERS}/whole_routine.S`, `${HANDLERS}/whole_routine.c`], generation: '6.12', routines: ['fold_bytes'] },
  { files: [`${HANDLERS}/ranges.S`, `${HANDLERS}/ranges.c`], generation: '6.12', routines: ['move_words'] },
  { files: [`${HANDLERS}/inline_load.c`], generation: '6.12', routines: ['copy_mc_inline'] },
  { files: [`${HANDLERS}/entry.S`, `${HANDLERS}/entry.c`], generation: '6.12', routines: ['load_es', 'return_to'] },
  {
    files: [`${HERE}/faults.S`, `${HERE}/faults.c`], generation: '6.12',
    routines: ['divide', 'undefined_instruction', 'far_selector', 'add_or', 'add_user', 'told', 'refused', 'nested', 'registers', 'deep'],
  },
];
