/**
 * What the index takes from a C file, read by its lines alone: functions it defines, and which function a `case EX_TYPE_…:` goes to.
 */
import type { Place } from './summary.ts';

export interface CFunction extends Place {
  readonly name: string;
  readonly isStatic: boolean;
  /** The line that begins it, as written. */
  readonly prototype: string;
  /** Last line of its body (1-based). */
  readonly lastLine: number;
}

export interface CSummary {
  readonly file: string;
  readonly functions: readonly CFunction[];
  /** By name without `EX_TYPE_`: the functions that the kernel's switch calls for that type. */
  readonly handlerOf: ReadonlyMap<string, string>;
  /** By name of a `struct extable_handler`: the function it names. */
  readonly descriptors: ReadonlyMap<string, Place & { readonly handler: string }>;
}

/** A definition begins in the first column: `type name(arguments`, not a prototype (`;`), not a macro's use without a type. */
const FUNCTION = /^(?![\s#/*}])(?!typedef\b)((?:[A-Za-z_]\w*[\s*]+)+)([A-Za-z_]\w*)\s*\(/;
const KEYWORDS = new Set(['if', 'for', 'while', 'switch', 'return', 'else', 'do', 'sizeof', 'case']);
/** Lines from the name to the brace of the body, at most. */
const LONGEST_HEAD = 12;
const CASE = /\bcase\s+EX_TYPE_(\w+)\s*:/;
const CALL = /\b([A-Za-z_]\w*)\s*\(/;
const DESCRIPTOR = /\bstruct\s+extable_handler\s+([A-Za-z_]\w*)\s*=/;

/** Reads `text` of `file`. */
export function summarizeC(file: string, text: string): CSummary {
  const lines = text.split('\n');
  // Most files have neither; looking at each of their lines for that would cost as much as all the rest.
  const hasTypes = text.includes('EX_TYPE_');
  const hasDescriptors = text.includes('extable_handler');
  const functions: CFunction[] = [];
  const handlerOf = new Map<string, string>();
  const descriptors = new Map<string, Place & { readonly handler: string }>();
  let pending: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    const definition = functionAt(file, lines, index);
    if (definition !== undefined) functions.push(definition);
    const type = hasTypes ? CASE.exec(line) : null;
    if (type !== null) pending.push(type[1]!);
    if (pending.length > 0) {
      const rest = type === null ? line : line.slice(type.index + type[0].length);
      const call = CALL.exec(rest);
      if (call !== null && !KEYWORDS.has(call[1]!)) {
        for (const name of pending) handlerOf.set(name, call[1]!);
        pending = [];
      } else if (/\b(?:break|return)\b/.test(rest)) pending = [];
    }
    const descriptor = hasDescriptors ? DESCRIPTOR.exec(line) : null;
    if (descriptor === null) continue;
    const handler = /\{\s*(?:\.\w+\s*=\s*)?&?([A-Za-z_]\w*)/.exec(lines.slice(index, index + LONGEST_HEAD).join(' ').slice(descriptor.index))?.[1];
    const column = line.indexOf(descriptor[1]!, descriptor.index + 'struct extable_handler'.length) + 1;
    if (handler !== undefined) descriptors.set(descriptor[1]!, { file, line: index + 1, column, endColumn: column + descriptor[1]!.length, handler });
  }
  return { file, functions, handlerOf, descriptors };
}

function isWordStart(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f;
}

function functionAt(file: string, lines: readonly string[], index: number): CFunction | undefined {
  const line = lines[index]!;
  const match = isWordStart(line.charCodeAt(0)) && line.includes('(') ? FUNCTION.exec(line) : null;
  if (match === null || KEYWORDS.has(match[2]!) || match[1]!.split(/[\s*]+/).some((word) => KEYWORDS.has(word))) return undefined;
  const name = match[2]!;
  // The body follows; a semicolon first makes it a declaration, `=` a variable.
  let head = '';
  let body = -1;
  for (let at = index; at < Math.min(lines.length, index + LONGEST_HEAD) && body < 0; at++) {
    head += ` ${lines[at]!.trim()}`;
    const end = /[{;]/.exec(lines[at]!);
    if (end === null) continue;
    if (end[0] === ';') return undefined;
    body = at;
  }
  if (body < 0) return undefined;
  let last = body;
  if (!/\}\s*$/.test(lines[body]!)) while (last + 1 < lines.length && !lines[last]!.startsWith('}')) last++;
  const column = match[0].indexOf(name, match[1]!.length) + 1;
  return {
    name, file, line: index + 1, column, endColumn: column + name.length, isStatic: /\bstatic\b/.test(match[1]!),
    prototype: head.slice(0, head.indexOf('{')).trim(), lastLine: last + 1,
  };
}
