import { fuzzElf } from '../elf/fuzz-elf.ts';

fuzzElf(500_000);
