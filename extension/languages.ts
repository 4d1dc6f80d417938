/**
 * Which documents are ours. Several extensions own `.S` under their own language id; a debugger that insisted on its own would show no red dot there.
 */
import type { TextDocument } from 'vscode';

/** Language ids under which GNU assembler sources are known. The manifest's `breakpoints` and debugger `languages` name the same ones. */
export const LANGUAGES: readonly string[] = [
  'gas', 'asm', 'assembly', 'asm-collection', 'asm-intel-x86-generic', 'asm-att', 'asm-x86', 'gas-x86', 'x86asm', 'platformio-debug.asm',
];

/** Whether a document is an assembly source, by its language or its name. */
export function isAssembly({ languageId, fileName }: Pick<TextDocument, 'languageId' | 'fileName'>): boolean {
  return LANGUAGES.includes(languageId) || /\.(s|sx)$/i.test(fileName);
}
