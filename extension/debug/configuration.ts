/**
 * Launch configurations: F5 without any runs the routine under the cursor, and one that leaves out what the cursor says gets it from there.
 */
import { basename } from 'node:path';
import { window } from 'vscode';
import type { DebugConfiguration, DebugConfigurationProvider, TextEditor, WorkspaceFolder } from 'vscode';
import { isAssembly } from '../languages.ts';

/** The file the user works in, as launch.json writes it. */
const CURRENT_FILE = '${file}';

export class ConfigurationProvider implements DebugConfigurationProvider {
  /** The first launch.json: what is otherwise assumed is written out, to be edited. */
  provideDebugConfigurations(): DebugConfiguration[] {
    return [{ type: 'mcsafe', request: 'launch', name: 'Debug the routine under the cursor', program: CURRENT_FILE, n: 256, poison: 'src+64' }];
  }

  resolveDebugConfiguration(_folder: WorkspaceFolder | undefined, config: DebugConfiguration): DebugConfiguration | undefined {
    const editor = assemblyEditor();
    // Without a launch.json VS Code hands over an empty configuration.
    const isEmpty = (config.type as string | undefined) === undefined && (config.request as string | undefined) === undefined;
    if (isEmpty || config['program'] === undefined) {
      if (editor === undefined) {
        void window.showErrorMessage('mcsafe: open an assembly source (.S or .s) and put the cursor into the routine to debug, or name a "program" in launch.json.');
        return undefined;
      }
      return { ...config, ...atCursor(editor), ...(isEmpty ? {} : { name: config.name }) };
    }
    const followsCursor = config['program'] === CURRENT_FILE && config['entry'] === undefined && config['line'] === undefined;
    return followsCursor && editor !== undefined ? { ...config, line: cursorLine(editor) } : config;
  }
}

/** Offers the routine under the cursor in "Run and Debug" and in "Debug: Select and Start Debugging". */
export class DynamicConfigurationProvider implements DebugConfigurationProvider {
  provideDebugConfigurations(): DebugConfiguration[] {
    const editor = assemblyEditor();
    return editor === undefined ? [] : [atCursor(editor)];
  }
}

/** The active editor, if it shows an assembly source. */
export function assemblyEditor(): TextEditor | undefined {
  const editor = window.activeTextEditor;
  return editor !== undefined && isAssembly(editor.document) ? editor : undefined;
}

/** A configuration for the routine under the cursor; the rest follows from the routine itself. */
export function atCursor(editor: TextEditor): DebugConfiguration {
  return routineAt(editor.document.uri.fsPath, cursorLine(editor));
}

/** A configuration for the routine that holds `line` (from 1) of `program`. */
export function routineAt(program: string, line: number): DebugConfiguration {
  return { type: 'mcsafe', request: 'launch', name: `${basename(program)}:${String(line)}`, program, line };
}

function cursorLine(editor: TextEditor): number {
  return editor.selection.active.line + 1;
}
