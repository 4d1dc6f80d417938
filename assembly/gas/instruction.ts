/**
 * Prefixes and mnemonic at the beginning of an instruction.
 */
import { isBlank, skipBlanks } from './characters.ts';
import type { Operand } from './statement.ts';
import { GasSyntaxError } from './syntax-error.ts';

const PREFIXES = new Set([
  'rep', 'repe', 'repz', 'repne', 'repnz', 'lock', 'notrack', 'bnd', 'data16', 'data32', 'addr16', 'addr32', 'aword', 'adword', 'word', 'dword', 'cs', 'ds', 'es', 'fs', 'gs',
  'ss', 'xacquire', 'xrelease', 'wait',
]);
const REX = /^rex(?:64|\.?[wrxb]{1,4}|64[xyz]{1,3}|[xyz]{1,3})?$/;

/** What an instruction begins with; `end` is the offset behind the mnemonic. */
export interface InstructionHead {
  readonly prefixes: readonly string[];
  readonly mnemonic: string;
  readonly end: number;
}

const isPrefix = (word: string): boolean => PREFIXES.has(word) || (word.startsWith('rex') && REX.test(word));

/** Reads prefixes and mnemonic from `start` on. A prefix with nothing behind it is the mnemonic. @throws GasSyntaxError */
export function parseHead(text: string, start: number, end: number): InstructionHead {
  let prefixes: string[] | undefined;
  let at = start;
  for (;;) {
    const from = at;
    let pseudo = false;
    if (text[at] === '{') {
      const close = text.indexOf('}', at);
      if (close < 0 || close >= end) throw new GasSyntaxError('"}" is missing behind the pseudo prefix', at, end);
      at = close + 1;
      pseudo = true;
    } else {
      while (at < end && isMnemonicPart(text.charCodeAt(at))) at++;
      // `jne,pt` and `jne,pn`: hints of the Pentium 4.
      if (text[at] === ',' && /^,p[nt](?![\w.])/i.test(text.slice(at, at + 4))) at += 3;
    }
    if (at === from) throw new GasSyntaxError(`"${text.slice(from, Math.min(end, from + 40))}" is no instruction`, from, end);
    const word = text.slice(from, at).toLowerCase();
    let next = skipBlanks(text, at);
    if (text[next] === '/' && next < end) next = skipBlanks(text, next + 1);
    if (pseudo || (isPrefix(word) && next < end && isWordStart(text.charCodeAt(next)))) {
      if (next >= end) throw new GasSyntaxError(`an instruction is missing behind ${word}`, from, end);
      (prefixes ??= []).push(pseudo ? word.replace(/\s+/g, '') : word);
      at = next;
      continue;
    }
    if (text[at] === '(' && at < end && !/^\([%\s]/.test(text.slice(at, at + 2))) {
      throw new GasSyntaxError(`"${text.slice(from, at)}" is no macro that is defined here`, from, at, 'undefined-macro');
    }
    if (at < end && !isBlank(text.charCodeAt(at))) {
      throw new GasSyntaxError(`"${text[at]!}" cannot follow "${word}"`, at, at + 1);
    }
    return { prefixes: prefixes ?? NONE, mnemonic: word, end: at };
  }
}

const NONE: readonly string[] = [];

function isMnemonicPart(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x5f;
}

function isWordStart(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x7b;
}

const STACK = /^(?:call|ret|push|pop|pushf|popf|pusha|popa|enter|leave|lret|lcall)$/;

/** The mnemonic in code of `.code16gcc`: with the suffix l if the instruction uses the stack and no register tells its size. */
export function withLong(mnemonic: string, operands: readonly Operand[]): string {
  const sized = operands.some((operand) => {
    const inner = operand.kind === 'indirect' ? operand.target : operand;
    return inner.kind === 'register' && !/^[c-gs]s$/.test(inner.name);
  });
  return STACK.test(mnemonic) && !sized ? `${mnemonic}l` : mnemonic;
}
