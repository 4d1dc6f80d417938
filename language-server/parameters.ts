/**
 * What a request or notification must bring along. It is checked before any provider sees it, so that a client's mistake is answered with
 * what is missing, not with where the server stumbled over it.
 */

type Check = (value: unknown) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
const isPosition: Check = (value) => isObject(value) && isNumber(value.line) && isNumber(value.character);
const isRange: Check = (value) => isObject(value) && isPosition(value.start) && isPosition(value.end);
const isDocument: Check = (value) => isObject(value) && isText(value.uri);
const listOf = (check: Check): Check => (value) => Array.isArray(value) && value.every((one) => check(one));
const has = (members: Readonly<Record<string, Check>>): Check => (value) => isObject(value) && Object.entries(members).every(([name, check]) => check(value[name]));

const optional = (check: Check): Check => (value) => value === undefined || check(value);
const nullable = (check: Check): Check => (value) => value === undefined || value === null || check(value);

const EDIT: Check = (value) => isObject(value) && isText(value.text) && (value.range === undefined || isRange(value.range));
/** Of a hierarchy: with what the server gave it to be found again. */
const ITEM = { item: has({ uri: isText, range: isRange, selectionRange: isRange, data: has({ file: isText, kind: isText }) }) };
const FILES = { files: listOf(has({ uri: isText })) };

const textDocument = isDocument, position = isPosition, range = isRange;
const AT_PLACE = { textDocument, position };
const OF_DOCUMENT = { textDocument };

/** Members by method. Methods that are not listed take anything, or check for themselves. */
const REQUIRED: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  ...Object.fromEntries([
    'hover', 'completion', 'signatureHelp', 'definition', 'declaration', 'implementation', 'references', 'documentHighlight', 'prepareRename', 'prepareCallHierarchy', 'prepareTypeHierarchy',
  ].map((name) => [`textDocument/${name}`, AT_PLACE])),
  ...Object.fromEntries([
    'documentSymbol', 'codeLens', 'documentLink', 'foldingRange', 'diagnostic', 'semanticTokens/full', 'didClose', 'willSave', 'willSaveWaitUntil', 'didSave',
  ].map((name) => [`textDocument/${name}`, OF_DOCUMENT])),
  initialize: { capabilities: isObject, rootUri: nullable(isText), rootPath: nullable(isText), workspaceFolders: nullable(listOf(has({ uri: isText }))) },
  'mcsafe/coveredInstructions': OF_DOCUMENT,
  'textDocument/references': { ...AT_PLACE, context: isObject },
  'textDocument/rename': { ...AT_PLACE, newName: isText },
  'textDocument/selectionRange': { textDocument, positions: listOf(isPosition) },
  'textDocument/inlayHint': { textDocument, range },
  'textDocument/semanticTokens/range': { textDocument, range },
  'textDocument/semanticTokens/full/delta': { textDocument, previousResultId: isText },
  'textDocument/codeAction': { textDocument, range, context: has({ diagnostics: listOf(has({ range: isRange })), only: optional(listOf(isText)) }) },
  'textDocument/didOpen': { textDocument: has({ uri: isText, text: isText, version: Number.isInteger as Check }) },
  'textDocument/didChange': { textDocument, contentChanges: listOf(EDIT) },
  'completionItem/resolve': { label: isText },
  'codeAction/resolve': { title: isText, data: optional(has({ uri: isText, id: isText, range: isRange })) },
  'codeLens/resolve': { range: isRange }, 'inlayHint/resolve': { position: isPosition },
  'callHierarchy/incomingCalls': ITEM, 'callHierarchy/outgoingCalls': ITEM, 'typeHierarchy/subtypes': ITEM, 'typeHierarchy/supertypes': ITEM,
  'workspace/symbol': { query: isText },
  'workspaceSymbol/resolve': { name: isText, location: has({ uri: isText }), data: optional(isRange) },
  'workspace/didChangeConfiguration': {},
  'workspace/didChangeWatchedFiles': { changes: listOf(has({ uri: isText, type: isNumber })) },
  'workspace/didChangeWorkspaceFolders': { event: has({ added: listOf(has({ uri: isText })), removed: listOf(has({ uri: isText })) }) },
  'workspace/didCreateFiles': FILES, 'workspace/didDeleteFiles': FILES,
  'workspace/didRenameFiles': { files: listOf(has({ oldUri: isText, newUri: isText })) },
};

/** What is wrong with the parameters of a message; undefined if they will do. */
export function wrongParameters(method: string, parameters: unknown): string | undefined {
  const required = Object.hasOwn(REQUIRED, method) ? REQUIRED[method] : undefined;
  if (required === undefined) return undefined;
  if (!isObject(parameters)) return `${method} takes an object`;
  const missing = Object.entries(required).filter(([name, check]) => !check(parameters[name])).map(([name]) => `\`${name}\``);
  return missing.length === 0 ? undefined : `${method}: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing or malformed`;
}
