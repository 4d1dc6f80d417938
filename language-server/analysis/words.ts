/**
 * The words of a source's code, comments and strings left out: what a rename may touch, also in text the reader skipped.
 */

/** A word and its place: `line` and `column` from 1. */
export interface Word {
  readonly line: number;
  readonly column: number;
  /** It is the first word of a statement and no label: a mnemonic, directive or macro. */
  readonly isHead: boolean;
}

export type Language = 'gas' | 'c';

const PART = /[\w.$\u0080-\uffff]/;

/** Every place in `text` where `word` stands in code as a whole word; not where it is a macro's parameter (`\word`) or a register. */
export function wordsOf(text: string, word: string, language: Language = 'gas'): readonly Word[] {
  const found: Word[] = [];
  if (!text.includes(word)) return found;
  const part = language === 'c' ? /[\w\u0080-\uffff]/ : PART;
  const lines = text.split('\n');
  let comment = false;
  lines.forEach((raw, index) => {
    const { text: line, open } = blanked(raw, comment, language);
    comment = open;
    for (let at = line.indexOf(word); at >= 0; at = line.indexOf(word, at + 1)) {
      const before = line[at - 1] ?? ' ';
      const after = line[at + word.length] ?? ' ';
      if (part.test(before) && part.test(word[0]!) || part.test(after)) continue;
      if (before === '\\' || before === '%' && line[at - 2] !== '%') continue;
      if (language === 'c' && (before === '.' || line.slice(at - 2, at) === '->')) continue;
      const rest = line.slice(at + word.length);
      found.push({ line: index + 1, column: at + 1, isHead: /^(?:[^;]*;)*\s*(?:[\w.$]+\s*:\s*)*$/.test(line.slice(0, at)) && !/^\s*(?::|=|\()/.test(rest) });
    }
  });
  return found;
}

/** A line with comments and strings overwritten by blanks, and whether a block comment is open behind it. */
function blanked(line: string, comment: boolean, language: Language): { readonly text: string; readonly open: boolean } {
  if (!comment && !/["'#/]/.test(line)) return { text: line, open: false };
  let text = '';
  let at = 0;
  let open = comment;
  // In a directive of the preprocessor `#` begins no comment.
  const directive = /^\s*#\s*(?:define|undef|if|ifdef|ifndef|elif|include|error)\b/.exec(line);
  while (at < line.length) {
    if (open) {
      const close = line.indexOf('*/', at);
      const end = close < 0 ? line.length : close + 2;
      text += ' '.repeat(end - at);
      at = end;
      open = close < 0;
      continue;
    }
    const char = line[at]!;
    if (char === '/' && line[at + 1] === '*') {
      open = true;
      text += '  ';
      at += 2;
      continue;
    }
    if (char === '/' && line[at + 1] === '/' || char === '#' && language === 'gas' && directive === null) break;
    if (char === '"' || char === "'" && language === 'c') {
      let end = at + 1;
      while (end < line.length && line[end] !== char) end += line[end] === '\\' ? 2 : 1;
      end = Math.min(end + 1, line.length);
      text += ' '.repeat(end - at);
      at = end;
      continue;
    }
    text += char;
    at++;
  }
  return { text, open };
}
