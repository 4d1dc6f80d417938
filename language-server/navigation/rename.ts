/**
 * What a rename would change, or why there can be none. A name is changed where it stands in code, in text that the reader skipped too;
 * it is refused where a place needs the name that no edit can reach: a macro puts it together, or a file outside of the workspace has it.
 */
import { isNumericLabel } from '../../assembly/gas/local-labels.ts';
import type { CancellationToken } from 'vscode-languageserver';
import type { Analysis } from '../analysis/analysis.ts';
import { isFileLocal } from '../analysis/occurrences.ts';
import { wordsOf } from '../analysis/words.ts';
import type { Place } from '../indexing/summary.ts';
import { placeText } from '../indexing/workspace-index.ts';
import { lineOf } from '../ranges.ts';
import type { Workspace } from '../workspace.ts';
import { cMentions, isGlobal, macroMentions, symbolMentions } from './mentions.ts';
import { parameterPlaces } from './parameters.ts';
import type { Target } from './target.ts';

/** A rename that cannot be done; the message says why. */
export class RenameRefusal extends Error {}

/** All places to change, each once. Throws {@link RenameRefusal}. */
export async function placesToRename(target: Target | undefined, analysis: Analysis, workspace: Workspace, token: CancellationToken): Promise<readonly Place[]> {
  switch (target?.kind) {
    case 'symbol': return symbolPlaces(target, analysis, workspace, token);
    case 'macro': {
      const outside = target.definitions.find(({ range }) => !workspace.contains(range.start.file));
      if (outside !== undefined) throw new RenameRefusal(`${target.name} is defined in ${outside.range.start.file}, which is no file of the workspace`);
      const places = macroMentions(analysis, target, workspace);
      requireInWorkspace(target.name, places, workspace);
      return places;
    }
    case 'parameter': return parameterPlaces(analysis, target.macro, target.name);
    case 'register': throw new RenameRefusal(`%${target.name} is a register: its name is the CPU's`);
    case 'word': throw new RenameRefusal(`${target.name} is no symbol, macro or parameter that is defined here`);
    case undefined: throw new RenameRefusal('nothing stands here that has a name');
  }
}

async function symbolPlaces(target: Extract<Target, { kind: 'symbol' }>, analysis: Analysis, workspace: Workspace, token: CancellationToken): Promise<readonly Place[]> {
  const { name, made } = target;
  if (isNumericLabel(name)) throw new RenameRefusal('a numeric label has no name to change: 1b and 1f mean the nearest 1');
  if (made) throw new RenameRefusal(`${name} is put together by a macro: it stands nowhere as it is`);
  const mentions = symbolMentions(analysis, name, workspace);
  const unreachable = mentions.find(({ spelled }) => !spelled);
  if (unreachable !== undefined) throw new RenameRefusal(`a macro puts the name ${name} together at ${unreachable.file}:${String(unreachable.line)}: a rename cannot change it there`);
  const global = isGlobal(analysis, name);
  const inC = global ? await cMentions(name, workspace, token) : [];
  if (![...mentions, ...inC].some(({ role }) => role === 'definition')) throw new RenameRefusal(`${name} is not defined in the workspace`);
  const places = new Map<string, Place>();
  const add = (place: Place): void => { places.set(placeText(place), place); };
  for (const file of new Set([analysis.file, ...mentions.map((mention) => mention.file)])) {
    const text = file === analysis.file ? analysis.text : workspace.text(file);
    if (text === undefined) throw new RenameRefusal(`${name} is named in ${file}, which is no file of the workspace`);
    for (const { line, column, isHead } of wordsOf(text, name)) if (!isHead) add({ file, line, column, endColumn: column + name.length });
    for (const mention of mentions) {
      if (mention.file !== file || lineOf(text, mention.line).slice(mention.column - 1, mention.endColumn - 1) !== name) continue;
      add(mention);
    }
  }
  for (const mention of mentions) {
    if (!places.has(placeText(mention))) throw new RenameRefusal(`a macro puts the name ${name} together at ${mention.file}:${String(mention.line)}: a rename cannot change it there`);
  }
  for (const mention of inC) add(mention);
  requireInWorkspace(name, places.values(), workspace);
  return [...places.values()];
}

function requireInWorkspace(name: string, places: Iterable<Place>, workspace: Workspace): void {
  for (const { file } of places) if (!workspace.contains(file)) throw new RenameRefusal(`${name} is named in ${file}, which is no file of the workspace`);
}

const SYMBOL = /^[A-Za-z_.$\u0080-\uffff][\w.$\u0080-\uffff]*$/;
const IDENTIFIER = /^[A-Za-z_]\w*$/;

/** Refuses new names that are none, or that mean something else already. */
export function checkNewName(target: Target, newName: string, analysis: Analysis, workspace: Workspace): void {
  const isC = target.kind === 'macro' && target.definitions[0]?.kind === 'cpp';
  if (!(isC ? IDENTIFIER : SYMBOL).test(newName)) throw new RenameRefusal(`"${newName}" cannot be a name here`);
  if (target.kind === 'parameter') {
    if (target.macro.parameters.includes(newName)) throw new RenameRefusal(`the macro ${target.macro.name} has a parameter ${newName} already`);
    return;
  }
  if (target.kind === 'symbol' && isGlobal(analysis, target.name) && isFileLocal(newName)) throw new RenameRefusal(`other files see ${target.name}: a name with .L would hide it from them`);
  const macro = analysis.unit.macros.find(({ name }) => name === newName);
  if (macro !== undefined) throw new RenameRefusal(`${newName} is a macro already, in ${macro.range.start.file}:${String(macro.range.start.line)}`);
  const taken = symbolMentions(analysis, newName, workspace)[0] ?? (target.kind === 'symbol' && isGlobal(analysis, target.name) ? workspace.index.cFunctions(newName)[0] : undefined);
  if (taken !== undefined) throw new RenameRefusal(`${newName} is a symbol already, at ${taken.file}:${String(taken.line)}`);
}
