/** A program that shows whether iced-x86 says the same in a bundle as outside: disassembles what it is given and encodes what it disassembled. */
import { assemble } from '../../assembly/assembler/assemble.ts';
import { readGas } from '../../assembly/gas/read.ts';
import { decodeAll } from '../../assembly/x86/decode.ts';

/** One line an instruction: text, form, and what the CPU needs for it; then the bytes of the same text assembled. */
export function listing(bytes: Uint8Array): string {
  const decoded = [...decodeAll(bytes, 0x1000n)];
  const lines = decoded.map(({ text, codeName, mnemonic, length }) => `${text} | ${codeName} | ${mnemonic} | ${String(length)}`);
  const { object, problems } = assemble(readGas('listing.s', '\tmovq %rax, 8(%rbx,%rcx,4)\n\tvpxor %ymm1, %ymm2, %ymm3\n\tlock xaddl %eax, (%rdx)\n\trep movsb\n', { provider: { read: () => undefined } }));
  return [...lines, ...object.sections.map(({ name, bytes: content }) => `${name} ${Buffer.from(content ?? []).toString('hex')}`), ...problems.map(({ message }) => message)].join('\n');
}
