/**
 * `e_machine` numbers by the names people use for them. Source: the ELF gABI's registry (elf.h EM_*).
 */
export const EM_X86_64 = 62;

const MACHINES: Readonly<Record<number, string>> = {
  0: 'none', 2: 'SPARC', 3: 'i386', 4: 'Motorola 68000', 7: 'i860', 8: 'MIPS', 15: 'PA-RISC', 18: 'SPARC32+', 20: 'PowerPC', 21: 'PowerPC64',
  22: 's390', 40: 'ARM', 42: 'SuperH', 43: 'SPARC V9', 50: 'IA-64', 62: 'x86-64', 75: 'VAX', 83: 'AVR', 92: 'OpenRISC', 93: 'ARC', 94: 'Xtensa',
  105: 'MSP430', 113: 'Nios II', 164: 'Hexagon', 180: 'L1OM', 181: 'K1OM', 183: 'AArch64', 188: 'TILEPro', 189: 'MicroBlaze', 190: 'CUDA', 191: 'TILE-Gx',
  195: 'ARCv2', 224: 'AMD GPU', 243: 'RISC-V', 247: 'BPF', 252: 'C-SKY', 258: 'LoongArch', 0x9026: 'Alpha',
};

/** The machine's name, or its number. */
export function machineName(machine: number): string {
  return MACHINES[machine] ?? `machine ${String(machine)}`;
}
