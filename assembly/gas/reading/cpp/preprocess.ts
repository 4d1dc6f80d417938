/**
 * The C preprocessor for assembly: directives, includes, macros. Out come lines for the assembler, each with its places.
 */
import type { Problem } from '../../../source.ts';
import { logicalLines } from '../logical-lines.ts';
import { SourceText } from '../source-text.ts';
import type { CommentDirective, IncludeReference, MacroDefinition, MacroUse, ReadOptions } from '../../statement.ts';
import { ConditionError, conditionValue } from './condition.ts';
import { DefineError, Expander, opensArguments, readDefine } from './macros.ts';
import type { CppMacro } from './macros.ts';
import { textOf, tokenize } from './tokens.ts';
import type { Token } from './tokens.ts';

export interface Preprocessed {
  readonly lines: readonly SourceText[];
  readonly macros: readonly MacroDefinition[];
  readonly macroUses: readonly MacroUse[];
  readonly includes: readonly IncludeReference[];
  readonly directives: readonly CommentDirective[];
  readonly problems: readonly Problem[];
}

/** What gcc defines for x86-64 Linux when it preprocesses assembly. */
const PREDEFINED: Readonly<Record<string, string>> = {
  __ASSEMBLER__: '1', __x86_64__: '1', __x86_64: '1', __amd64__: '1', __amd64: '1', __LP64__: '1', _LP64: '1', __ELF__: '1', __linux__: '1', __linux: '1',
  linux: '1', __unix__: '1', __unix: '1', unix: '1', __gnu_linux__: '1', __GNUC__: '12', __GNUC_MINOR__: '2', __STDC__: '1', __CHAR_BIT__: '8',
  __SIZEOF_POINTER__: '8', __SIZEOF_LONG__: '8', __SIZEOF_INT__: '4', __ORDER_LITTLE_ENDIAN__: '1234', __ORDER_BIG_ENDIAN__: '4321', __BYTE_ORDER__: '1234',
  __SSE__: '1', __SSE2__: '1', __MMX__: '1', __code_model_small__: '1', __USER_LABEL_PREFIX__: '', __REGISTER_PREFIX__: '',
};

const INCLUDE_DEPTH = 100;
const LINE_LIMIT = 2_000_000;
const JOIN_LIMIT = 2_000;

export function preprocess(file: string, text: string, options: ReadOptions): Preprocessed {
  const preprocessor = new Preprocessor(options);
  preprocessor.file(file, text, 0);
  return preprocessor;
}

interface Conditional {
  /** This branch is read. */
  active: boolean;
  /** A branch of this `#if` has been read. */
  taken: boolean;
  /** The lines around it are read. */
  readonly outer: boolean;
  readonly start: SourceText;
}

class Preprocessor implements Preprocessed {
  readonly lines: SourceText[] = [];
  readonly macros: MacroDefinition[] = [];
  readonly macroUses: MacroUse[] = [];
  readonly includes: IncludeReference[] = [];
  readonly directives: CommentDirective[] = [];
  readonly problems: Problem[] = [];
  readonly #options: ReadOptions;
  readonly #defined = new Map<string, CppMacro>();
  readonly #once = new Set<string>();

  constructor(options: ReadOptions) {
    this.#options = options;
    for (const [name, value] of [...Object.entries(PREDEFINED), ...Object.entries(options.defines ?? {})]) {
      const source = SourceText.written(`${name} ${value}`, { file: '<command line>', line: 1, column: 1 });
      try {
        this.#defined.set(name, readDefine(source));
      } catch (error) {
        if (!(error instanceof DefineError)) throw error;
        this.#report('bad-define', error.message, source);
      }
    }
  }

  file(file: string, text: string, depth: number): void {
    const { lines, directives } = logicalLines(file, text, true);
    this.directives.push(...directives);
    const conditionals: Conditional[] = [];
    for (let index = 0; index < lines.length; index++) {
      const line = lines[index]!;
      const directive = /^\s*#\s*([a-z_]*)/.exec(line.text);
      if (directive !== null) {
        this.#directive(directive[1]!, line, line.slice(directive[0].length), conditionals, file, depth);
        continue;
      }
      if (conditionals.at(-1)?.active === false) continue;
      let whole = line;
      let tokens = tokenize(whole);
      for (let joined = 0; joined < JOIN_LIMIT && index + 1 < lines.length && opensArguments(tokens, (name) => this.#defined.get(name)); joined++) {
        whole = SourceText.join([whole, SourceText.made(' ', whole.position(whole.text.length)), lines[++index]!]);
        tokens = tokenize(whole);
      }
      if (this.lines.length < LINE_LIMIT) this.lines.push(this.#expanded(whole, tokens));
    }
    const open = conditionals.at(-1);
    if (open !== undefined) this.#report('unterminated-conditional', 'this #if has no #endif', open.start);
  }

  #expanded(line: SourceText, tokens: readonly Token[]): SourceText {
    if (!tokens.some(({ kind, text }) => kind === 'name' && (this.#defined.has(text) || text === '__LINE__' || text === '__FILE__'))) return line;
    const expanded = this.#expand(tokens, line);
    return SourceText.join(expanded.map(({ source }) => source));
  }

  #expand(tokens: readonly Token[], line: SourceText): readonly Token[] {
    const expander = new Expander({
      get: (name) => this.#defined.get(name) ?? this.#builtIn(name, line),
      used: (macro, at) => {
        if (macro.definition.name !== '__LINE__' && macro.definition.name !== '__FILE__') this.macroUses.push({ definition: macro.definition, range: at.range(0, at.text.length) });
      },
    });
    const result = expander.expand(tokens);
    if (expander.overflow) this.#report('macro-too-large', 'the macros of this line expand without end', line);
    return result;
  }

  #builtIn(name: string, line: SourceText): CppMacro | undefined {
    if (name !== '__LINE__' && name !== '__FILE__') return undefined;
    const position = line.position(0);
    return readDefine(SourceText.made(`${name} ${name === '__LINE__' ? String(position.line) : JSON.stringify(position.file)}`, position));
  }

  #directive(name: string, line: SourceText, rest: SourceText, conditionals: Conditional[], file: string, depth: number): void {
    const current = conditionals.at(-1);
    const active = current?.active ?? true;
    switch (name) {
      case 'if': case 'ifdef': case 'ifndef': {
        const holds = active && this.#holds(name, rest, line);
        conditionals.push({ active: holds, taken: holds, outer: active, start: line.trim() });
        return;
      }
      case 'elif': case 'elifdef': case 'elifndef': case 'else':
        if (current === undefined) this.#report('stray-conditional', `#${name} without #if`, line.trim());
        else {
          current.active = current.outer && !current.taken && (name === 'else' || this.#holds(name.slice(2), rest, line));
          current.taken ||= current.active;
        }
        return;
      case 'endif':
        if (conditionals.pop() === undefined) this.#report('stray-conditional', '#endif without #if', line.trim());
        return;
      default:
        if (active) this.#plainDirective(name, line, rest, file, depth);
    }
  }

  #plainDirective(name: string, line: SourceText, rest: SourceText, file: string, depth: number): void {
    switch (name) {
      case 'define':
        try {
          const macro = readDefine(rest);
          this.#defined.set(macro.name, macro);
          this.macros.push(macro.definition);
        } catch (error) {
          if (!(error instanceof DefineError)) throw error;
          this.#report('bad-define', error.message, line.trim());
        }
        return;
      case 'undef':
        this.#defined.delete(rest.text.trim());
        return;
      case 'include': case 'include_next':
        this.#include(line, rest, file, depth);
        return;
      case 'error':
        this.#report('error-directive', `#error ${rest.text.trim()}`, line.trim());
        return;
      case 'warning':
        this.problems.push({ severity: 'warning', code: 'warning-directive', message: `#warning ${rest.text.trim()}`, range: line.trim().range(0, line.trim().text.length) });
        return;
      case 'pragma':
        if (rest.text.trim() === 'once') this.#once.add(file);
        return;
      default:
    }
  }

  #holds(name: string, rest: SourceText, line: SourceText): boolean {
    const word = rest.text.trim();
    if (name === 'ifdef' || name === 'def') return this.#defined.has(word);
    if (name === 'ifndef' || name === 'ndef') return !this.#defined.has(word);
    try {
      return conditionValue(this.#expand(this.#withoutDefined(tokenize(rest)), line)) !== 0n;
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      this.#report('bad-condition', `#if: ${error.message}`, line.trim());
      return false;
    }
  }

  /** `defined X`, `defined(X)` and `__has_include(…)` as 0 or 1, before macros are expanded. */
  #withoutDefined(tokens: readonly Token[]): readonly Token[] {
    const text = textOf(tokens).replaceAll(/\bdefined\s*(?:\(\s*([A-Za-z_]\w*)\s*\)|([A-Za-z_]\w*))/g, (_, inside: string | undefined, bare: string | undefined) => (this.#defined.has((inside ?? bare)!) ? '1' : '0'));
    const at = tokens[0]?.source.position(0);
    return at === undefined ? tokens : tokenize(SourceText.made(text, at));
  }

  #include(line: SourceText, rest: SourceText, file: string, depth: number): void {
    let written = rest.text.trim();
    if (!/^["<]/.test(written)) written = textOf(this.#expand(tokenize(rest), line)).trim();
    const match = /^(?:"([^"]*)"|<([^>]*)>)/.exec(written);
    const trimmed = rest.trim();
    const range = trimmed.range(0, trimmed.text.length);
    const name = match?.[1] ?? match?.[2];
    if (name === undefined) {
      this.#report('bad-include', '#include wants "file" or <file>', line.trim());
      return;
    }
    const resolved = this.#resolve(name, match?.[1] !== undefined ? file : undefined);
    this.includes.push({ written: match![0], range, ...(resolved === undefined ? {} : { resolved: resolved.path }) });
    if (resolved === undefined) this.#report('include-not-found', `${match![0]} is not found; add its folder to "includePaths"`, trimmed);
    else if (depth >= INCLUDE_DEPTH) this.#report('include-too-deep', `includes are nested more than ${String(INCLUDE_DEPTH)} deep`, trimmed);
    else if (!this.#once.has(resolved.path)) this.file(resolved.path, resolved.text, depth + 1);
  }

  #resolve(name: string, from: string | undefined): { readonly path: string; readonly text: string } | undefined {
    const folders = [...(from === undefined ? [] : [from.slice(0, Math.max(0, from.lastIndexOf('/')))]), ...(this.#options.includePaths ?? [])];
    const paths = name.startsWith('/') ? [name] : folders.map((folder) => (folder === '' ? name : normalize(`${folder}/${name}`)));
    for (const path of paths) {
      const text = this.#options.provider.read(path);
      if (text !== undefined) return { path, text };
    }
    return undefined;
  }

  #report(code: string, message: string, at: SourceText): void {
    this.problems.push({ severity: 'error', code, message, range: at.range(0, at.text.length) });
  }
}

/** `a/../b` as `b`. */
function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..' && parts.at(-1) !== '') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}
