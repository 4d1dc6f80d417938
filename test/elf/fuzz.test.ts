import { fuzzElf } from './fuzz-elf.ts';

// The lanes `fuzz` and `long` read more.
fuzzElf(300);
