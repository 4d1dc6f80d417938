/**
 * Completion: what may stand at the cursor. Documentation is looked up for the item that is looked at.
 */
import { CompletionItemKind, InsertTextFormat } from 'vscode-languageserver';
import type { CompletionItem, CompletionList, Position, Range } from 'vscode-languageserver';
import type { CompletionClientCapabilities } from 'vscode-languageserver';
import { MNEMONIC_LETTERS, mnemonicsFrom } from '../../assembly/assembler/encoding/mnemonic-names.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { cursorAt } from '../editing/cursor.ts';
import { directiveText, instructionText, macroText } from '../editing/documentation.ts';
import { includeEdit } from '../editing/include-edit.ts';
import { proposeDirectives, proposeHead } from '../editing/propose-code.ts';
import { proposeComment, proposeIncludes } from '../editing/propose-files.ts';
import { proposeOperand } from '../editing/propose-operands.ts';
import type { Proposal, ProposalKind } from '../editing/proposals.ts';
import { completionKinds } from '../kinds.ts';
import { markup } from '../markup.ts';
import type { Provider } from '../provider.ts';
import type { Workspace } from '../workspace.ts';

const KIND: Readonly<Record<ProposalKind, CompletionItemKind>> = {
  instruction: CompletionItemKind.Keyword, directive: CompletionItemKind.Property, register: CompletionItemKind.Variable, label: CompletionItemKind.Reference, function: CompletionItemKind.Function,
  symbol: CompletionItemKind.Value, macro: CompletionItemKind.Constant, type: CompletionItemKind.EnumMember, file: CompletionItemKind.File, folder: CompletionItemKind.Folder, keyword: CompletionItemKind.Keyword,
};

/** Milliseconds after the start, and between two letters. */
const WARM_AFTER_MS = 1000, WARM_MS = 20;

interface Asked {
  readonly uri: string;
  readonly kind: ProposalKind;
}

export const completion: Provider = {
  capabilities: { completionProvider: { triggerCharacters: ['%', '.', '#', '<', '"', '/', '@', '\\'], resolveProvider: true } },
  register(connection, workspace) {
    let client: CompletionClientCapabilities = {};
    workspace.onInitialize(({ capabilities }) => { client = capabilities.textDocument?.completion ?? {}; });
    connection.onCompletion(({ textDocument: { uri }, position }) => {
      const document = workspace.document(uri);
      const analysis = workspace.recentAnalysis(uri);
      if (document === undefined || analysis?.foreign !== undefined || analysis === undefined) return null;
      // A place behind the end of a line or of the text means that end.
      return completionList(analysis, document.getText(), { uri, position: document.positionAt(document.offsetAt(position)), client, workspace });
    });
    // The first list of a letter takes up to 100 ms to make: better while nothing is asked, and nothing else is done.
    const letters = [...MNEMONIC_LETTERS];
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const wait = (milliseconds: number): void => { timer = setTimeout(() => void workspace.index.ready.then(warm), milliseconds); };
    const warm = (): void => {
      const letter = letters.pop();
      if (letter === undefined || stopped) return;
      mnemonicsFrom(letter);
      wait(WARM_MS);
    };
    workspace.onReady(() => { wait(WARM_AFTER_MS); });
    workspace.onShutdown(() => {
      stopped = true;
      clearTimeout(timer);
    });
    connection.onCompletionResolve((item) => resolved(item, workspace, client));
  },
};

interface Request {
  readonly uri: string;
  readonly position: Position;
  readonly client: CompletionClientCapabilities;
  readonly workspace: Workspace;
}

function completionList(analysis: Analysis, text: string, { uri, position, client, workspace }: Request): CompletionList {
  const cursor = cursorAt(text, position.line, position.character);
  const range: Range = { start: { line: position.line, character: cursor.start }, end: position };
  const proposals = proposalsAt(cursor, analysis, position.line + 1, uri, workspace);
  const defaults = client.completionList?.itemDefaults ?? [];
  const shared = defaults.includes('editRange');
  const kindFor = completionKinds(client.completionItemKind?.valueSet);
  const items = proposals.map((proposal): CompletionItem => {
    const snippet = client.completionItem?.snippetSupport === true ? proposal.snippet : undefined;
    const text = snippet ?? proposal.insert ?? proposal.label;
    return {
      label: proposal.label, kind: kindFor(KIND[proposal.kind]), sortText: `${proposal.rank.toFixed(3)} ${proposal.label}`,
      ...(proposal.detail === undefined ? {} : { detail: proposal.detail }),
      ...(snippet === undefined ? {} : { insertTextFormat: InsertTextFormat.Snippet }),
      ...(shared ? (text === proposal.label ? {} : { textEditText: text }) : { textEdit: { range, newText: text } }),
      ...(proposal.header === undefined ? {} : { additionalTextEdits: [includeEdit(analysis, proposal.header)] }),
      ...(['instruction', 'directive', 'macro'].includes(proposal.kind) ? { data: { uri, kind: proposal.kind } satisfies Asked } : {}),
    };
  });
  return { isIncomplete: false, ...(shared ? { itemDefaults: { editRange: range } } : {}), items };
}

function proposalsAt(cursor: ReturnType<typeof cursorAt>, analysis: Analysis, line: number, uri: string, workspace: Workspace): readonly Proposal[] {
  switch (cursor.place) {
    case 'head': return proposeHead(cursor, analysis);
    case 'operand': return proposeOperand(cursor, analysis, line, exported(workspace, analysis.file));
    case 'cpp': return proposeDirectives();
    case 'cpp-text': return analysis.unit.macros.map(({ name }): Proposal => ({ label: name, kind: 'macro', rank: 1 }));
    case 'include': return proposeIncludes(cursor, analysis.file, workspace.includePaths(analysis.file), analysis.generation.id, workspace.host);
    case 'comment': return proposeComment(cursor);
    case 'none': return [];
  }
}

const MOST_EXPORTED = 3000;

/** Names that other files of the workspace let each other see. */
function exported(workspace: Workspace, file: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const summary of workspace.index.files) {
    if (summary.file === file) continue;
    for (const { name, global, defined } of summary.symbols.values()) {
      if (names.size >= MOST_EXPORTED) return names;
      if (global && defined) names.add(name);
    }
  }
  return names;
}

function resolved(item: CompletionItem, workspace: Workspace, client: CompletionClientCapabilities): CompletionItem {
  const asked = item.data as Asked | undefined;
  const value = asked === undefined ? undefined : documentationOf(item.label, asked, workspace);
  return value === undefined ? item : { ...item, documentation: markup(value, client.completionItem?.documentationFormat) };
}

function documentationOf(label: string, { uri, kind }: Asked, workspace: Workspace): string | undefined {
  switch (kind) {
    case 'instruction': return instructionText(label);
    case 'directive': return directiveText(label);
    case 'macro': {
      const definition = workspace.recentAnalysis(uri)?.unit.macros.findLast(({ name }) => name === label);
      return definition === undefined ? undefined : macroText(definition).join('\n\n');
    }
    default: return undefined;
  }
}
