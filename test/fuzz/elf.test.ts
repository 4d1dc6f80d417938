import { fuzzElf } from '../elf/fuzz-elf.ts';

fuzzElf(20_000);
