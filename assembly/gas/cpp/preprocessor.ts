/**
 * The C preprocessor as gcc runs it over assembler sources: files in, lines out.
 */
import type { Problem, Severity, SourceRange } from '../../source.ts';
import type { Line } from '../line.ts';
import { JournaledMap } from '../journal.ts';
import type { Journal } from '../journal.ts';
import type { Budget } from '../limits.ts';
import { INCLUDE_COST, MAX_INCLUDE_DEPTH, MAX_PROBLEMS } from '../limits.ts';
import type { CommentDirective, IncludeReference, MacroDefinition, MacroUse, ReadOptions } from '../statement.ts';
import { evaluateCondition } from './condition.ts';
import { conditionOperator } from './condition-operators.ts';
import type { ConditionNames } from './condition-operators.ts';
import { Expander } from './expander.ts';
import type { ExpansionHost } from './expander.ts';
import { findInclude, folderOf } from './include.ts';
import type { FoundInclude } from './include.ts';
import { joinTokens } from './join.ts';
import { DirectiveError, readDefine, sameMacro } from './macro.ts';
import type { DynamicMacro, Macro } from './macro.ts';
import { defineFrom, predefinedMacros } from './predefined-macros.ts';
import type { Item, PreparedFile } from './prepared-file.ts';
import { TokenRange, spell } from './token.ts';
import type { Token } from './token.ts';

/** Where what the preprocessor finds goes. */
export interface PreprocessorSink {
  readonly problems: Problem[];
  readonly macros: MacroDefinition[];
  readonly macroUses: MacroUse[];
  readonly includes: IncludeReference[];
  readonly directives: CommentDirective[];
}

interface OpenFile {
  readonly path: string;
  readonly prepared: PreparedFile;
  at: number;
  /** Conditionals that are open: the item that opened each. */
  readonly conditionals: Item[];
  /** Index in the include paths it was found under; -1 if it was not searched for there. */
  readonly found: number;
}

/** Reads and takes apart a file; undefined if there is none. */
export type OpenPrepared = (path: string) => PreparedFile | undefined;

const MACRO = /^\s*\.macro\b/i;

export class Preprocessor implements ExpansionHost, ConditionNames {
  readonly macros: JournaledMap<Macro>;
  operator: ExpansionHost['operator'];
  private readonly options: ReadOptions;
  private readonly sink: PreprocessorSink;
  private openPrepared: OpenPrepared;
  private budget: Budget;
  private readonly stack: OpenFile[] = [];
  private readonly once: JournaledMap<true>;
  /** Next value of `__COUNTER__`. */
  counter = 0;
  /** How often `__LINE__` was asked for. */
  lineUses = 0;
  /** Last line of the file read so far, for `__LINE__`. */
  private lastLine = 1;
  private deepLine = -1;
  private readonly baseFile: string;

  constructor(file: string, prepared: PreparedFile, options: ReadOptions, sink: PreprocessorSink, openPrepared: OpenPrepared, budget: Budget, journal: Journal) {
    this.options = options;
    this.sink = sink;
    this.openPrepared = openPrepared;
    this.budget = budget;
    this.baseFile = file;
    this.macros = new JournaledMap(journal, predefinedMacros());
    this.once = new JournaledMap(journal);
    for (const [name, value] of Object.entries(options.defines ?? {})) this.defineOption(name, value);
    this.open(file, prepared, -1);
    for (const path of [...(options.preincludes ?? [])].reverse()) {
      const included = openPrepared(path);
      if (included !== undefined) this.open(path, included, -1);
      else this.report({ start: { file, line: 1, column: 1 }, endColumn: 1 }, 'include-not-found', `the configured file ${path} is not found`);
    }
  }

  /** The next line of output; undefined at the end. */
  next(): Line | undefined {
    for (;;) {
      const file = this.stack.at(-1);
      if (file === undefined || this.budget.exhausted) return undefined;
      const item = file.prepared.items[file.at];
      if (item === undefined) {
        this.close(file);
        continue;
      }
      file.at++;
      this.lastLine = item.lastLine;
      if (item.directive !== '') {
        this.directive(file, item);
        continue;
      }
      if (!this.hasMacro(item)) return item.line;
      const tokens = new Expander(this, item.tokens, true).all();
      if (tokens.length > 0) return tokens.length === item.tokens.length && tokens.every((token, index) => token.spot === item.tokens[index]!.spot) ? item.line : joinTokens(tokens);
    }
  }

  /** Index of the next line of the outermost file; undefined while an included one is read, and at the end. */
  get mainIndex(): number | undefined {
    return this.stack.length === 1 ? this.stack[0]!.at : undefined;
  }

  /** Whether the next line of the outermost file begins the definition of a macro of the assembler. */
  get definesMacroNext(): boolean {
    const [main] = this.stack;
    const item = main?.prepared.items[main.at];
    return item?.directive === '' && MACRO.test(item.line.text);
  }

  /** The conditionals open in the outermost file. */
  get mainConditionals(): readonly Item[] {
    return this.stack[0]?.conditionals ?? [];
  }

  /** Goes on in the outermost file, which is `prepared` now, at line `at` of it. */
  resume(prepared: PreparedFile, at: number, conditionals: readonly Item[], openPrepared: OpenPrepared, budget: Budget): void {
    this.stack.length = 0;
    this.stack.push({ path: this.baseFile, prepared, at, conditionals: [...conditionals], found: -1 });
    this.openPrepared = openPrepared;
    this.budget = budget;
    this.deepLine = -1;
  }

  /** Goes on at line `at` of the outermost file, which is the one being read. */
  goTo(at: number, conditionals: readonly Item[]): void {
    const [main] = this.stack;
    main!.at = at;
    main!.conditionals.splice(0, Infinity, ...conditionals);
  }

  private hasMacro(item: Item): boolean {
    for (const name of item.names) if (this.macros.has(name)) return true;
    return false;
  }

  // --- what the expander asks for

  parenthesisAhead(): boolean {
    const file = this.stack.at(-1)!;
    const item = file.prepared.items[file.at];
    return item?.directive === '' && item.tokens[0]?.text === '(';
  }

  moreTokens(): Token[] | undefined {
    const file = this.stack.at(-1)!;
    const item = file.prepared.items[file.at];
    if (item === undefined) return undefined;
    file.at++;
    this.lastLine = item.lastLine;
    if (item.directive === '') return [...item.tokens];
    if (item.directive === 'include' || item.directive === 'include_next') {
      this.report(item.line.range(0, item.line.text.length), 'preprocessor', `#${item.directive} cannot stand in the arguments of a macro`);
    } else this.directive(file, item);
    return [];
  }

  dynamicText(macro: Macro): string {
    return this.dynamicValue(macro.dynamic!);
  }

  private dynamicValue(name: DynamicMacro): string {
    const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
    switch (name) {
      case '__LINE__':
        this.lineUses++;
        return String(this.lastLine);
      case '__FILE__': return quote(this.stack.at(-1)?.path ?? this.baseFile);
      case '__BASE_FILE__': return quote(this.baseFile);
      case '__COUNTER__': return String(this.counter++);
      case '__INCLUDE_LEVEL__': return String(this.stack.length - 1);
      // Reading the same text gives the same result on any day.
      case '__DATE__': return '"Jan  1 1970"';
      case '__TIME__': return '"00:00:00"';
    }
  }

  used(use: MacroUse): void {
    this.sink.macroUses.push(use);
  }

  problem(token: Token, message: string): void {
    this.report(new TokenRange(token), 'preprocessor', message);
  }

  tooDeep(name: Token): void {
    // Once a line is enough.
    if (this.deepLine === this.lastLine) return;
    this.deepLine = this.lastLine;
    this.report(new TokenRange(name), 'expansion-limit', `macros are nested too deep at ${name.text}: it is left as it is`);
  }

  spend(count: number): boolean {
    return this.budget.spend(count);
  }

  // --- files

  private open(path: string, prepared: PreparedFile, found: number): void {
    this.stack.push({ path, prepared, at: 0, conditionals: [], found });
    if (this.stack.length > 1 || path !== this.baseFile) this.sink.directives.push(...prepared.comments);
    if (prepared.openComment !== undefined) {
      const { line, column } = prepared.openComment;
      this.report({ start: { file: path, line, column }, endColumn: column + 2 }, 'syntax', 'the comment is not closed');
    }
  }

  private close(file: OpenFile): void {
    for (const item of file.conditionals) {
      this.report(item.line.range(0, item.line.text.length), 'unbalanced-conditional', `#${item.directive} has no #endif`);
    }
    this.stack.pop();
    const includer = this.stack.at(-1);
    if (includer !== undefined) this.lastLine = includer.prepared.items[includer.at - 1]?.lastLine ?? 1;
  }

  private report(range: SourceRange, code: string, message: string, severity: Severity = 'error'): void {
    if (this.sink.problems.length < MAX_PROBLEMS) this.sink.problems.push({ severity, code, message, range });
  }

  private defineOption(name: string, value: string): void {
    try {
      const macro = defineFrom(`${name} ${value.replace(/[\r\n]+/g, ' ')}`);
      this.macros.set(macro.name, macro);
    } catch (error) {
      if (!(error instanceof DirectiveError)) throw error;
      this.report({ start: { file: this.baseFile, line: 1, column: 1 }, endColumn: 1 }, 'preprocessor', `the configured macro ${name} cannot be defined: ${error.message}`);
    }
  }

  // --- directives

  private directive(file: OpenFile, item: Item): void {
    try {
      this.carryOut(file, item);
    } catch (error) {
      if (!(error instanceof DirectiveError)) throw error;
      const { token } = error;
      if (token === undefined) this.report(item.line.range(0, item.line.text.length), 'preprocessor', error.message);
      else this.problem(token, error.message);
    }
  }

  private carryOut(file: OpenFile, item: Item): void {
    switch (item.directive) {
      case 'define':
        this.define(item);
        break;
      case 'undef': {
        const name = this.nameBehind(item);
        this.macros.delete(name.text);
        break;
      }
      case 'include': case 'include_next': case 'import':
        this.include(file, item);
        break;
      case 'ifdef': case 'ifndef': case 'if':
        file.conditionals.push(item);
        this.branch(file, item);
        break;
      case 'elif': case 'else':
        // Reached from a branch that was taken: the rest of the conditional is not.
        if (file.conditionals.length === 0) throw new DirectiveError(`#${item.directive} stands outside of any #if`);
        this.toEnd(file, item);
        break;
      case 'endif':
        if (file.conditionals.pop() === undefined) throw new DirectiveError('#endif has no #if');
        break;
      case 'error': case 'warning': {
        const text = item.line.text.slice(item.rest).trim();
        this.report(item.line.range(0, item.line.text.length), 'user-error', `#${item.directive} ${text}`, item.directive === 'error' ? 'error' : 'warning');
        break;
      }
      case 'pragma':
        if (item.tokens[0]?.text === 'once') this.once.set(file.path, true);
        break;
      default:
        // #line, #ident and their like mean nothing to the assembler.
        break;
    }
  }

  private nameBehind(item: Item): Token {
    const token = item.tokens[0];
    if (token?.kind !== 'name') throw new DirectiveError(`a macro name is missing behind #${item.directive}`, token);
    return token;
  }

  private define(item: Item): void {
    const macro = (item.macro ??= readDefine(item.tokens, item.line));
    const before = this.macros.get(macro.name);
    this.macros.set(macro.name, macro);
    this.sink.macros.push(macro.definition!);
    if (before === undefined || before === macro || sameMacro(before, macro)) return;
    const { definition } = before;
    this.sink.problems.push({
      severity: 'warning', code: 'macro-redefined', message: `${macro.name} is defined already, and differently`, range: macro.definition!.range,
      ...(definition === undefined ? {} : { related: [{ message: 'the first definition', range: definition.range }] }),
    });
  }

  /** Enters the first branch from `item` on whose condition holds. */
  private branch(file: OpenFile, item: Item): void {
    let at: Item | undefined = item;
    while (at !== undefined) {
      this.lastLine = at.lastLine;
      if (at.directive === 'endif') {
        file.conditionals.pop();
        return;
      }
      if (this.holds(at)) return;
      if (at.next < 0) {
        file.at = file.prepared.items.length;
        return;
      }
      file.at = at.next + 1;
      at = file.prepared.items[at.next];
    }
  }

  private toEnd(file: OpenFile, item: Item): void {
    let at = item;
    while (at.directive !== 'endif') {
      if (at.next < 0) {
        file.at = file.prepared.items.length;
        return;
      }
      if (at !== item && at.directive === 'else' && item.directive === 'else') this.report(at.line.range(0, at.line.text.length), 'unbalanced-conditional', 'there has been an #else already');
      file.at = at.next + 1;
      at = file.prepared.items[at.next]!;
    }
    file.conditionals.pop();
  }

  private holds(item: Item): boolean {
    switch (item.directive) {
      case 'ifdef': return this.isDefined(this.conditionName(item));
      case 'ifndef': return !this.isDefined(this.conditionName(item));
      case 'else': return true;
      default: break;
    }
    this.operator = (token, next) => conditionOperator(token, next, this);
    try {
      return evaluateCondition(new Expander(this, item.tokens, false).all());
    } catch (error) {
      if (!(error instanceof DirectiveError)) throw error;
      const { token } = error;
      if (token === undefined) this.report(item.line.range(0, item.line.text.length), 'preprocessor', error.message);
      else this.problem(token, error.message);
      return false;
    } finally {
      this.operator = undefined;
    }
  }

  private conditionName(item: Item): string {
    const token = item.tokens[0];
    if (token?.kind === 'name') return token.text;
    this.report(item.line.range(0, item.line.text.length), 'preprocessor', `a macro name is missing behind #${item.directive}`);
    return '';
  }

  isDefined(name: string): boolean {
    return this.macros.has(name) || name === '__has_include' || name === '__has_include_next' || name === '__has_attribute' || name === '__has_builtin';
  }

  // --- includes

  private include(file: OpenFile, item: Item): void {
    const { line } = item;
    const direct = /^\s*(<[^>]*>|"[^"]*")/.exec(line.text.slice(item.rest));
    let written = direct?.[1];
    let range = line.range(item.rest, line.text.trimEnd().length);
    if (written === undefined) {
      written = spell(new Expander(this, item.tokens, false).all());
      if (/^<.*>$/.test(written)) written = `<${written.slice(1, -1).replace(/\s/g, '')}>`;
    } else {
      const start = item.rest + direct![0].length - written.length;
      range = line.range(start, start + written.length);
    }
    const found = this.find(written, item.directive === 'include_next', item.tokens[0]);
    this.sink.includes.push({ written, range, ...(found === undefined ? {} : { resolved: found.path }) });
    if (found === undefined) {
      this.report(range, 'include-not-found', `${written} is not found; add its folder to the include paths`);
      return;
    }
    if (this.once.has(found.path)) return;
    const { prepared } = found;
    if (prepared.guard !== undefined && this.macros.has(prepared.guard)) return;
    if (this.stack.length >= MAX_INCLUDE_DEPTH) {
      this.report(range, 'expansion-limit', `#include is nested more than ${String(MAX_INCLUDE_DEPTH)} deep`);
      return;
    }
    if (!this.budget.spend(prepared.items.length + INCLUDE_COST)) return;
    if (item.directive === 'import') this.once.set(found.path, true);
    this.open(found.path, prepared, found.index);
    void file;
  }

  isFound(written: string, next: boolean, token: Token): boolean {
    return this.find(written, next, token) !== undefined;
  }

  private find(written: string, next: boolean, token: Token | undefined): FoundInclude | undefined {
    if (!/^(?:<[^>]+>|"[^"]+")$/.test(written)) throw new DirectiveError('#include needs "file" or <file>', token);
    const current = this.stack.at(-1)!;
    return findInclude(written, {
      folder: folderOf(current.path), includePaths: this.options.includePaths ?? [], after: next ? current.found : undefined, open: this.openPrepared,
    });
  }
}
