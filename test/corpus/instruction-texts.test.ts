/**
 * libcrypto is twice the size of libc, and keeps tables between its functions, which disassemble to nonsense: that is assembled,
 * or refused, alike.
 */
import { LIBRARIES } from '../assembler/disassembly.ts';
import { checkLibrary } from '../assembler/library-check.ts';

checkLibrary(LIBRARIES.libcrypto);
