/**
 * The commands of the palette and the menus.
 */
import { Location, Position, Range, Uri, commands, debug, window, workspace } from 'vscode';
import type { DebugConfiguration, ExtensionContext, QuickPickItem } from 'vscode';
import { assemblyEditor, atCursor, routineAt } from './debug/configuration.ts';
import { DEBUG_TYPE } from './debug/debugger.ts';
import { FIXUP_VIEW } from './fixup-view/view.ts';
import type { LanguageServer } from './language-server.ts';

/** What a code lens or another extension may pass to the debug commands. Anything left out is asked for or inferred. */
export interface RoutineArguments {
  /** The source, as a URI string. */
  readonly uri?: string;
  /** Line from 1 inside the routine. */
  readonly line?: number;
  /** Launch attributes that replace the inferred ones. */
  readonly launch?: Readonly<Record<string, unknown>>;
}

interface FaultChoice extends QuickPickItem {
  /** Launch attributes for a routine of length `n`. */
  launch(n: number): Readonly<Record<string, unknown>> | undefined;
}

const PAGE = 4096;

/** The faults a routine is tried with most often. A buffer's guard page follows its last byte when it ends at a page's end. */
const FAULTS: readonly FaultChoice[] = [
  { label: 'Machine check in the second line of the source', description: 'poison at src+64', launch: () => ({ poison: 'src+64' }) },
  { label: 'Machine check in the first line of the source', description: 'poison at src', launch: () => ({ poison: 'src' }) },
  { label: 'Page fault halfway through the source', description: 'src ends at a page boundary', launch: (n) => ({ poison: false, buffers: { src: endingAtPage(n >> 1) } }) },
  { label: 'Page fault halfway through the destination', description: 'dst ends at a page boundary', launch: (n) => ({ poison: false, buffers: { dst: endingAtPage(n >> 1) } }) },
  { label: 'No fault', description: 'run it clean', launch: () => ({ poison: false }) },
];

export function registerCommands(context: ExtensionContext, server: LanguageServer): void {
  context.subscriptions.push(
    commands.registerCommand('mcsafe.debugRoutine', (args?: unknown) => debugRoutine(routineArguments(args))),
    commands.registerCommand('mcsafe.debugRoutineWith', (args?: unknown) => debugRoutineWith(routineArguments(args))),
    commands.registerCommand('mcsafe.poisonLine', poisonMemory),
    commands.registerCommand('mcsafe.showFixupView', () => commands.executeCommand(`${FIXUP_VIEW}.focus`)),
    commands.registerCommand('mcsafe.showUncovered', showUncovered),
    commands.registerCommand('mcsafe.restartLanguageServer', () => server.restart()),
  );
}

async function debugRoutine(args: RoutineArguments): Promise<void> {
  const base = baseConfiguration(args);
  if (base !== undefined) await start({ ...base, ...args.launch });
}

async function debugRoutineWith(args: RoutineArguments): Promise<void> {
  const base = baseConfiguration(args);
  if (base === undefined) return;
  if (args.launch !== undefined) return start({ ...base, ...args.launch });
  const fault = await window.showQuickPick(FAULTS, { title: 'Debug the routine with a fault', placeHolder: 'What should go wrong?' });
  if (fault === undefined) return;
  const length = await window.showInputBox({
    title: 'Debug the routine with a fault', prompt: 'Length passed to the routine (n)', value: '256',
    validateInput: (text) => (/^[0-9]{1,9}$/.test(text.trim()) ? undefined : 'A whole number of bytes, for example 256'),
  });
  if (length === undefined) return;
  const n = Number(length);
  await start({ ...base, n, ...fault.launch(n) });
}

/** Poisons memory of the session that is being debugged, through the debug console's own command. */
async function poisonMemory(): Promise<void> {
  const session = debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE) {
    void window.showInformationMessage('mcsafe: start a debug session first; poison belongs to a run.');
    return;
  }
  const place = await window.showInputBox({ title: 'Poison memory', prompt: 'Where, and how many bytes (default: 64, one cache line)', value: 'src+64', placeHolder: 'src+64 64' });
  if (place === undefined || place.trim() === '') return;
  try {
    const answer = await session.customRequest('evaluate', { expression: `poison ${place.trim()}`, context: 'repl' }) as { result?: string };
    void window.showInformationMessage(`mcsafe: ${answer.result ?? 'done'}`);
  } catch (error) {
    void window.showErrorMessage(`mcsafe: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What the lens about coverage passes: the accesses without an entry, as the protocol writes places. */
interface UncoveredAccesses {
  readonly uri: string;
  readonly position: { readonly line: number; readonly character: number };
  readonly locations: readonly { readonly uri: string; readonly range: { readonly start: UncoveredAccesses['position']; readonly end: UncoveredAccesses['position'] } }[];
}

/** Shows the accesses of a routine that have no entry, as references are shown. */
async function showUncovered(args?: UncoveredAccesses): Promise<void> {
  if (args === undefined) return;
  if (args.locations.length === 0) {
    void window.showInformationMessage('mcsafe: every access of this routine has an exception-table entry.');
    return;
  }
  const position = ({ line, character }: UncoveredAccesses['position']): Position => new Position(line, character);
  const locations = args.locations.map(({ uri, range }) => new Location(Uri.parse(uri), new Range(position(range.start), position(range.end))));
  await commands.executeCommand('editor.action.showReferences', Uri.parse(args.uri), position(args.position), locations);
}

function baseConfiguration({ uri, line }: RoutineArguments): DebugConfiguration | undefined {
  if (uri !== undefined) return routineAt(Uri.parse(uri).fsPath, line ?? 1);
  const editor = assemblyEditor();
  if (editor !== undefined) return atCursor(editor);
  void window.showErrorMessage('mcsafe: open an assembly source (.S or .s) and put the cursor into the routine to debug.');
  return undefined;
}

async function start(configuration: DebugConfiguration): Promise<void> {
  const folder = workspace.getWorkspaceFolder(Uri.file(String(configuration['program'])));
  await debug.startDebugging(folder, configuration);
}

/** Menus pass a URI and more, code lenses an object of ours; anything else counts as nothing. */
function routineArguments(args: unknown): RoutineArguments {
  if (typeof args !== 'object' || args === null || args instanceof Uri) return {};
  const { uri, line, launch } = args as RoutineArguments;
  return {
    ...(typeof uri === 'string' ? { uri } : {}), ...(typeof line === 'number' ? { line } : {}),
    ...(typeof launch === 'object' ? { launch } : {}),
  };
}

/** A buffer of `size` bytes (at least 1) whose last byte is the last of its page. */
function endingAtPage(size: number): { readonly size: number; readonly offset: number } {
  const bytes = Math.max(size, 1);
  return { size: bytes, offset: (PAGE - (bytes % PAGE)) % PAGE };
}
