/**
 * Functions a program calls and does not define: which they are, and the assembly text that stands for each.
 */
import type { ObjectFile } from '../assembly/elf/object.ts';
import { stubSource } from '../assembly/linux-compat/stubs.ts';

/** Names that some object uses and none defines, sorted. Weak references are left alone: they may stay undefined. */
export function undefinedFunctions(objects: readonly ObjectFile[]): readonly string[] {
  const defined = new Set<string>();
  const used = new Set<string>();
  for (const { symbols } of objects) {
    for (const { name, section, binding } of symbols) {
      if (name === '') continue;
      if (section !== 'undefined') {
        if (binding !== 'local') defined.add(name);
      } else if (binding !== 'weak') used.add(name);
    }
  }
  return [...used].filter((name) => !defined.has(name)).sort();
}

export interface StubUnit {
  /** A path that exists on no disk, for positions and for showing the text. */
  readonly file: string;
  readonly text: string;
}

/** The stub for `name`: the user's text if there is one, else the built-in one; undefined if neither exists. */
export function stubUnit(name: string, userText: string | undefined, generation: string): StubUnit | undefined {
  const file = `/mcsafe-stubs/${name}.S`;
  if (userText === undefined) {
    const text = stubSource(name, generation);
    return text === undefined ? undefined : { file, text };
  }
  const body = userText.split(';').map((statement) => `\t${statement.trim()}`);
  return { file, text: ['\t.text', `\t.globl ${name}`, `\t.type ${name}, @function`, `${name}:`, ...body, `\t.size ${name}, . - ${name}`, ''].join('\n') };
}
