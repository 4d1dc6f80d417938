/**
 * Edits as people make them in sources full of macros: in bodies and heads of macros, in `#define`s, lines that come and go.
 */

type Next = () => number;

interface Kind {
  /** Whether it can be made at line `index`; `inMacro`: between `.macro` and `.endm`. */
  readonly fits: (line: string, inMacro: boolean) => boolean;
  /** The lines that take the place of `line`. */
  readonly edit: (line: string, next: Next) => readonly string[];
}

const pick = <T>(values: readonly T[], next: Next): T => values[Math.floor(next() * values.length)]!;
const NEW_LINES = ['\tnop', '', '# a comment', '1:', '\t.set edited, 1', '\t.if 0', '\t.endif', '#define EDITED 1', '\tmovq %rax, (%rdi)', '\t.macro edited x', '\t.endm', '\tjmp 1f', '\txyz'];

const KINDS: readonly Kind[] = [
  // A character typed at the end of a line of a macro's body.
  { fits: (line, inMacro) => inMacro && /^\s+[a-z]/.test(line), edit: (line, next) => [line.trimEnd() + pick(['x', '1', ' ', ', %rax', ' # why'], next)] },
  // A line of a body more, or less.
  { fits: (_, inMacro) => inMacro, edit: (line, next) => (next() < 0.5 ? [line, pick(NEW_LINES, next)] : []) },
  // The head of a macro: a parameter more, another name.
  { fits: (line) => /^\s*\.macro\s/i.test(line), edit: (line, next) => [next() < 0.5 ? `${line.trimEnd()} more=0` : line.replace(/(\.macro\s+\w+)/i, '$1x')] },
  // What a `#define` says, or its name.
  { fits: (line) => /^\s*#\s*define\s/.test(line), edit: (line, next) => [next() < 0.6 ? `${line.trimEnd()}1` : line.replace(/(define\s+\w+)/, '$1x')] },
  // A line more or less anywhere.
  { fits: () => true, edit: (line, next) => (next() < 0.6 ? [line, pick(NEW_LINES, next)] : []) },
  // A word inside of a line.
  { fits: (line) => /^\s+[a-z.]\w/.test(line), edit: (line, next) => [line.replace(/\w+/, (word) => word + pick(['x', 'q', '_1'], next))] },
];

/** `text` after one edit. */
export function aimedEdit(text: string, next: Next): string {
  const lines = text.split('\n');
  const kind = pick(KINDS, next);
  let inMacro = false;
  const places = lines.flatMap((line, index) => {
    if (/^\s*\.macro\b/i.test(line)) inMacro = true;
    else if (/^\s*\.endm\b/i.test(line)) inMacro = false;
    return kind.fits(line, inMacro && !/^\s*\.macro\b/i.test(line)) ? [index] : [];
  });
  if (places.length === 0) return text;
  const at = pick(places, next);
  lines.splice(at, 1, ...kind.edit(lines[at]!, next));
  return lines.join('\n');
}
