/**
 * Code actions: fixes of findings, all safe ones at once, an entry for an access that has none. Edits are worked out when an action is chosen,
 * where the client can wait for them.
 */
import { CodeActionKind, ErrorCodes, ResponseError } from 'vscode-languageserver';
import type { CodeAction, CodeActionContext, Diagnostic, Range, TextEdit, WorkspaceEdit } from 'vscode-languageserver';
import type { Problem } from '../../assembly/source.ts';
import type { Level } from '../../host/settings.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { accessesData } from '../analysis/coverage.ts';
import { report } from '../checks/report.ts';
import { coverLikeOthers } from '../fixes/entries.ts';
import type { Edit, Fix } from '../fixes/fix.ts';
import { coverAnew } from '../fixes/landing-pad.ts';
import { fixesOf, safeEdits } from '../fixes/index.ts';
import type { Provider } from '../provider.ts';
import { shownRange, toRange } from '../ranges.ts';
import type { Workspace } from '../workspace.ts';

export const FIX_ALL = `${CodeActionKind.SourceFixAll}.mcsafe`;
const COVER = CodeActionKind.RefactorRewrite;

/** What an action is about, to be found again when it is chosen. */
interface About {
  readonly uri: string;
  readonly version: number;
  /** See {@link idOf}. */
  readonly id: string;
  /** Lines asked for, 0-based. */
  readonly range: Range;
}

interface Offer {
  readonly kind: string;
  readonly fix: Fix;
  readonly problem?: Problem;
}

export const codeActions: Provider = {
  capabilities: ({ textDocument }) => ({
    codeActionProvider: textDocument?.codeAction?.codeActionLiteralSupport === undefined ? true : { codeActionKinds: [CodeActionKind.QuickFix, COVER, FIX_ALL], resolveProvider: true },
  }),
  register(connection, workspace) {
    let lazy = false;
    let versioned = false;
    let prefers = false;
    // A client from before code actions takes commands only, and there are none for edits.
    let literals = false;
    workspace.onInitialize(({ capabilities: { textDocument, workspace: client } }) => {
      lazy = textDocument?.codeAction?.resolveSupport?.properties.includes('edit') === true && textDocument.codeAction.dataSupport === true;
      versioned = client?.workspaceEdit?.documentChanges === true;
      prefers = textDocument?.codeAction?.isPreferredSupport === true;
      literals = textDocument?.codeAction?.codeActionLiteralSupport !== undefined;
    });
    connection.onCodeAction(async ({ textDocument: { uri }, range, context }) => {
      if (!literals) return [];
      const severities = await workspace.severities(uri);
      const analysis = workspace.analysis(uri);
      const version = workspace.document(uri)?.version ?? 0;
      if (analysis === undefined || analysis.foreign !== undefined) return [];
      return offers(analysis, range, severities, context).map(({ kind, fix, problem }): CodeAction => {
        const diagnostics = problem === undefined ? [] : matching(context.diagnostics, problem, analysis);
        return {
          title: fix.title, kind,
          ...(diagnostics.length === 0 ? {} : { diagnostics }), ...(prefers && fix.preferred === true ? { isPreferred: true } : {}),
          ...(lazy ? { data: { uri, version, id: idOf({ kind, fix, ...(problem === undefined ? {} : { problem }) }), range } satisfies About } : { edit: workspaceEdit(uri, version, fix.edits, versioned) }),
        };
      });
    });
    connection.onCodeActionResolve(async (action) => {
      const about = action.data as About | undefined;
      return about === undefined ? action : { ...action, edit: workspaceEdit(about.uri, about.version, await editsOf(action, about, workspace), versioned) };
    });
  },
};

/** Tells an offer from the others of the same lines. */
function idOf({ kind, fix: { title, edits }, problem }: Offer): string {
  const { line, column } = problem?.range.start ?? edits[0]!;
  return `${kind} ${title} ${String(line)}:${String(column)}`;
}

/** Everything that can be done about the lines of `range`. */
function offers(analysis: Analysis, range: Range, severities: Readonly<Record<string, Level>>, { only }: Pick<CodeActionContext, 'only'>): readonly Offer[] {
  const wants = (kind: string): boolean => only === undefined || only.some((asked) => kind === asked || kind.startsWith(`${asked}.`));
  const problems = report(analysis, severities);
  const found: Offer[] = [];
  if (wants(CodeActionKind.QuickFix)) {
    for (const problem of problems.filter((one) => touches(one, range, analysis))) for (const fix of fixesOf(problem, analysis)) found.push({ kind: CodeActionKind.QuickFix, fix, problem });
  }
  if (wants(COVER)) found.push(...covers(analysis, range, found));
  // Offered where it is asked for, not at every cursor.
  if (only !== undefined && wants(FIX_ALL)) {
    const edits = safeEdits(problems, analysis);
    if (edits.length > 0) found.push({ kind: FIX_ALL, fix: { title: 'Fix all that is safe to fix', edits } });
  }
  const seen = new Set<string>();
  return found.filter(({ kind, fix }) => {
    const key = `${kind} ${fix.title} ${JSON.stringify(fix.edits)}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** An entry for an uncovered access of the lines that has no finding. */
function covers(analysis: Analysis, range: Range, found: readonly Offer[]): readonly Offer[] {
  const titles = new Set(found.map(({ fix }) => fix.title));
  return analysis.instructions
    .filter((site) => site.entries.length === 0 && accessesData(site) && site.statement.range.start.file === analysis.file && site.statement.range.start.line - 1 >= range.start.line && site.statement.range.start.line - 1 <= range.end.line)
    .flatMap((site): readonly Offer[] => {
      const fix = coverLikeOthers(site, analysis) ?? coverAnew(site, analysis);
      return fix === undefined || titles.has(fix.title) ? [] : [{ kind: COVER, fix }];
    });
}

function touches({ range: found }: Problem, range: Range, { file }: Analysis): boolean {
  const shown = shownRange(found, file);
  if (shown === undefined) return false;
  const { start, end } = toRange(shown);
  return start.line <= range.end.line && end.line >= range.start.line;
}

/** The client's diagnostics that are this finding. */
function matching(diagnostics: readonly Diagnostic[], problem: Problem, { file }: Analysis): Diagnostic[] {
  const shown = shownRange(problem.range, file);
  if (shown === undefined) return [];
  const { start } = toRange(shown);
  return diagnostics.filter(({ code, range }) => code === problem.code && range.start.line === start.line && range.start.character === start.character);
}

/** @throws ResponseError if the document has changed since the action was offered. */
async function editsOf({ kind }: CodeAction, { uri, version, id, range }: About, workspace: Workspace): Promise<readonly Edit[]> {
  const severities = await workspace.severities(uri);
  const analysis = workspace.analysis(uri);
  if (analysis === undefined || workspace.document(uri)?.version !== version) throw new ResponseError(ErrorCodes.InvalidRequest, 'the document has changed since');
  return offers(analysis, range, severities, { only: [kind ?? ''] }).find((offer) => idOf(offer) === id)?.fix.edits ?? [];
}

function workspaceEdit(uri: string, version: number, edits: readonly Edit[], versioned: boolean): WorkspaceEdit {
  const changes = edits.map(({ line, column, endLine, endColumn, text }): TextEdit => ({
    range: { start: { line: line - 1, character: column - 1 }, end: { line: endLine - 1, character: endColumn - 1 } }, newText: text,
  }));
  return versioned ? { documentChanges: [{ textDocument: { uri, version }, edits: changes }] } : { changes: { [uri]: changes } };
}
