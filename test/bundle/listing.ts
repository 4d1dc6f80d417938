/** A program that shows whether iced-x86 says the same in a bundle as outside: disassembles what it is given, encodes what it disassembled, and decodes it for the emulator. */
import { assemble } from '../../assembly/assembler/assemble.ts';
import { readGas } from '../../assembly/gas/read.ts';
import { decodeAll } from '../../assembly/x86/decode.ts';
import { PageDecoder } from '../../machine/cpu/decode.ts';
import { handlers, hotShapes } from '../../machine/cpu/interpreter/module.ts';
import { DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';

/** Bytes from one instruction for the emulator to the next. */
export const SPACING = 8;

/** One line an instruction: text, form, and length; then the bytes of a text assembled, and what the emulator makes of each {@link SPACING} bytes. */
export function listing(bytes: Uint8Array): string {
  const decoded = [...decodeAll(bytes, 0x1000n)];
  const lines = decoded.map(({ text, codeName, mnemonic, length }) => `${text} | ${codeName} | ${mnemonic} | ${String(length)}`);
  const { object, problems } = assemble(readGas('listing.s', '\tmovq %rax, 8(%rbx,%rcx,4)\n\tvpxor %ymm1, %ymm2, %ymm3\n\tlock xaddl %eax, (%rdx)\n\trep movsb\n', { provider: { read: () => undefined } }));
  return [
    ...lines, ...object.sections.map(({ name, bytes: content }) => `${name} ${Buffer.from(content ?? []).toString('hex')}`), ...problems.map(({ message }) => message),
    ...meanings(bytes), `the last handler of the interpreter's loop is ${String(handlers().numberOf(hotShapes().at(-1)!))}`,
  ].join('\n');
}

/** What the emulator makes of each {@link SPACING} bytes. */
export function meanings(bytes: Uint8Array): readonly string[] {
  const out: string[] = [];
  for (let at = 0; at < bytes.length; at += SPACING) {
    const decoder = new PageDecoder(bytes.slice(at, at + SPACING), 0x1000n, DEFAULT_CPU_PROFILE, 0);
    out.push(JSON.stringify(decoder.next(), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
    decoder.free();
  }
  return out;
}
