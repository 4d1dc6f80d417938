/**
 * Rename symbols, macros and parameters of macros, in all files of the workspace that mean them. What cannot be renamed is refused with the reason.
 */
import { LSPErrorCodes, ResponseError } from 'vscode-languageserver';
import type { CancellationToken } from 'vscode-languageserver';
import type { Position, TextEdit, WorkspaceEdit } from 'vscode-languageserver';
import type { Analysis } from '../analysis/analysis.ts';
import { byFile } from '../indexing/workspace-index.ts';
import type { Place } from '../indexing/summary.ts';
import { checkNewName, placesToRename, RenameRefusal } from '../navigation/rename.ts';
import { targetAt } from '../navigation/target.ts';
import type { Target } from '../navigation/target.ts';
import type { Provider } from '../provider.ts';
import { fromPosition, placeRange, toRange } from '../ranges.ts';
import type { Workspace } from '../workspace.ts';

export const rename: Provider = {
  capabilities: ({ textDocument }) => ({ renameProvider: textDocument?.rename?.prepareSupport === true ? { prepareProvider: true } : true }),
  register(connection, workspace) {
    let versioned = false;
    workspace.onInitialize(({ capabilities }) => { versioned = capabilities.workspace?.workspaceEdit?.documentChanges === true; });
    connection.onPrepareRename(async ({ textDocument, position }, token) => {
      const found = await find(textDocument.uri, position, workspace, token);
      if (found === undefined) return null;
      return { range: toRange(found.target.range), placeholder: found.target.name };
    });
    connection.onRenameRequest(async ({ textDocument, position, newName }, token) => {
      const found = await find(textDocument.uri, position, workspace, token, newName);
      return found === undefined ? null : editOf(found.places, newName, workspace, versioned);
    });
  },
};

interface Found {
  readonly target: Target;
  readonly places: readonly Place[];
}

/** Throws a ResponseError with the reason if there is nothing to rename. */
async function find(uri: string, position: Position, workspace: Workspace, token: CancellationToken, newName?: string): Promise<Found | undefined> {
  await workspace.indexed();
  const analysis: Analysis | undefined = workspace.analysis(uri);
  if (analysis === undefined || token.isCancellationRequested) return undefined;
  const { line, column } = fromPosition(analysis.file, position);
  const target = targetAt(analysis, line, column);
  try {
    if (target !== undefined && newName !== undefined && newName !== target.name) checkNewName(target, newName, analysis, workspace);
    const places = await placesToRename(target, analysis, workspace, token);
    return token.isCancellationRequested ? undefined : { target: target!, places };
  } catch (error) {
    if (error instanceof RenameRefusal) throw new ResponseError(LSPErrorCodes.RequestFailed, error.message);
    throw error;
  }
}

function editOf(places: readonly Place[], newText: string, workspace: Workspace, versioned: boolean): WorkspaceEdit {
  const changes = [...byFile(places)].map(([file, list]) => ({
    file, edits: [...list].sort((a, b) => a.line - b.line || a.column - b.column).map((place): TextEdit => ({ range: placeRange(place), newText })),
  }));
  if (!versioned) return { changes: Object.fromEntries(changes.map(({ file, edits }) => [workspace.uriOf(file), edits])) };
  return { documentChanges: changes.map(({ file, edits }) => ({ textDocument: { uri: workspace.uriOf(file), version: workspace.documentOf(file)?.version ?? null }, edits })) };
}
