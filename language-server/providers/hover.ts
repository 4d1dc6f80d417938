/**
 * Hover: what this is, what happens if it faults, and why.
 */
import type { Hover, MarkupContent, MarkupKind } from 'vscode-languageserver';
import { writtenPosition } from '../../assembly/source.ts';
import type { SourceRange } from '../../assembly/source.ts';
import type { Analysis, InstructionSite } from '../analysis/analysis.ts';
import type { Label } from '../analysis/labels.ts';
import { isInComment } from '../editing/cursor.ts';
import { directiveText, instructionText } from '../editing/documentation.ts';
import { describeInstruction } from '../hover/instruction.ts';
import { describeMacro, describeUse } from '../hover/macros.ts';
import { describeLabel, describeRegister, describeSection, describeSymbol, describeType } from '../hover/names.ts';
import { markup } from '../markup.ts';
import type { Provider } from '../provider.ts';
import { fromPosition, holds, lineOf, toRange, wordAt } from '../ranges.ts';
import type { Workspace } from '../workspace.ts';

export const hover: Provider = {
  capabilities: { hoverProvider: true },
  register(connection, workspace) {
    let formats: readonly MarkupKind[] | undefined;
    workspace.onInitialize(({ capabilities }) => { formats = capabilities.textDocument?.hover?.contentFormat; });
    connection.onHover(({ textDocument, position }) => {
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined || analysis.foreign !== undefined) return null;
      const { line, column } = fromPosition(analysis.file, position);
      const found = hoverAt(analysis, line, column, workspace.index);
      return found === undefined ? null : { ...found, contents: markup((found.contents as MarkupContent).value, formats) };
    });
  },
};

/** Where the workspace defines a symbol. */
type Elsewhere = Pick<Workspace['index'], 'definitions'>;
const NOWHERE: Elsewhere = { definitions: () => [] };

/** The hover for a 1-based place of the analysed file. */
export function hoverAt(analysis: Analysis, line: number, column: number, elsewhere: Elsewhere = NOWHERE): Hover | undefined {
  if (isInComment(analysis.text, line - 1, column - 1)) return undefined;
  const found = wordAt(analysis.text, analysis.file, line, column);
  if (found !== undefined) {
    const text = wordText(found.word, line, column, analysis, elsewhere);
    if (text !== undefined) return markdown(text, found.range);
  }
  const sites = analysis.instructionsOnLine(line).filter((site) => coversColumn(site, line, column, analysis.file));
  const [first] = sites;
  if (first !== undefined) return markdown(describeInstruction(first, sites.length, analysis), rangeOf(first, line, analysis.file));
  const facts = found === undefined || !isHead(analysis.text, found.range) ? undefined : instructionText(found.word.toLowerCase());
  return facts === undefined ? undefined : markdown([facts], found!.range);
}

/** What is said of a word; undefined if it is one of an instruction's that means nothing by itself. */
function wordText(written: string, line: number, column: number, analysis: Analysis, elsewhere: Elsewhere): readonly string[] | undefined {
  const word = written.replace(/^\$/, '').replace(/(?<=.)@.*$/, '');
  if (word.startsWith('%')) return describeRegister(word.slice(1), analysis.instructionsOnLine(line).find((site) => coversColumn(site, line, column, analysis.file)), analysis);
  // A macro too, but what matters is what the handler does.
  const type = describeType(word, analysis);
  if (type !== undefined) return type;
  const use = analysis.macroUseAt(line, column);
  if (use !== undefined && use.definition.name.toLowerCase() === word.toLowerCase()) return describeUse(use, analysis);
  const label = labelNamed(word, line, column, analysis);
  if (label !== undefined) return describeLabel(label, analysis);
  const place = wordAt(analysis.text, analysis.file, line, column)!.range;
  if (isHead(analysis.text, place)) {
    const macro = analysis.unit.macros.findLast(({ name, kind }) => name === word || (kind === 'gas' && name.toLowerCase() === word.toLowerCase()));
    if (macro !== undefined) return describeMacro(macro);
    const directive = word.startsWith('.') ? directiveText(word.toLowerCase()) : undefined;
    return directive === undefined ? undefined : [directive, ...section(word, analysis)];
  }
  if (/^\s*(?:[\w.$]+:\s*)?\.(?:push)?section\b/.test(lineOf(analysis.text, line).slice(0, column))) return describeSection(word, analysis);
  const symbol = describeSymbol(word, analysis, elsewhere.definitions(word).map(({ file, line: at }) => `${file}:${String(at)}`).slice(0, 3));
  if (symbol !== undefined) return symbol;
  const definition = analysis.unit.macros.findLast(({ name, kind }) => kind === 'cpp' && name === word);
  return definition === undefined ? undefined : describeMacro(definition);
}

/** `.text`, `.data` and `.bss` are sections too. */
function section(word: string, analysis: Analysis): readonly string[] {
  return /^\.(text|data|bss)$/.test(word) ? describeSection(word, analysis) ?? [] : [];
}

/** True for the first word of a statement, labels and prefixes aside. */
function isHead(text: string, { start }: SourceRange): boolean {
  const before = lineOf(text, start.line).slice(0, start.column - 1);
  return /(?:^|;)\s*(?:[\w.$\\@]+\s*:\s*)*(?:(?:rep\w*|lock|notrack|bnd)\s+)*$/i.test(before);
}

/** An instruction of a macro is shown at its use only where the line holds no other instruction. */
function coversColumn({ statement, prefixed }: InstructionSite, line: number, column: number, file: string): boolean {
  for (const one of [statement, prefixed]) if (one?.range.start.file === file && one.range.start.line === line) return holds(one.range, line, column);
  return writtenPosition(statement.range.start).line === line;
}

function rangeOf({ statement, prefixed }: InstructionSite, line: number, file: string): SourceRange | undefined {
  return [statement, prefixed].find((one) => one?.range.start.file === file && one.range.start.line === line)?.range;
}

function markdown(paragraphs: readonly string[], range: SourceRange | undefined): Hover {
  return { contents: { kind: 'markdown', value: paragraphs.join('\n\n') }, ...(range === undefined ? {} : { range: toRange(range) }) };
}

function labelNamed(word: string, line: number, column: number, analysis: Analysis): Label | undefined {
  const here = analysis.labels.written(word).find((label) => holds(label.range, line, column) && label.range.start.file === analysis.file);
  return here ?? analysis.labels.byName(word) ?? numericLabel(word, line, analysis);
}

/** What `1b` or `1f` means in a line: the nearest in its direction. */
function numericLabel(word: string, line: number, analysis: Analysis): Label | undefined {
  const [, digits, direction] = /^(\d+)([bf])$/.exec(word) ?? [];
  if (digits === undefined) return undefined;
  const all = analysis.labels.written(digits).filter(({ range }) => range.start.file === analysis.file).sort((a, b) => a.range.start.line - b.range.start.line);
  return direction === 'b' ? all.findLast(({ range }) => range.start.line <= line) : all.find(({ range }) => range.start.line > line);
}
