import { LIBRARIES } from './disassembly.ts';
import { checkLibrary } from './library-check.ts';

checkLibrary(LIBRARIES.libc);
