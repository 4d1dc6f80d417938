/**
 * `.mcsafe.json`: settings of a project, read the same way by the debugger, the language server and the command line.
 * The nearest one in the program's folder or above it counts.
 */
import { parseTree, findNodeAtLocation, getNodeValue, printParseErrorCode } from 'jsonc-parser';
import type { ParseError } from 'jsonc-parser';
import * as z from 'zod/mini';
import { KERNEL_GENERATIONS } from '../fault-model/kernel-generation.ts';
import type { Problem } from '../assembly/source.ts';
import type { Host } from './host.ts';

z.config({ ...z.locales.en(), jitless: true });

/** How a finding is shown; `off` does not show it. */
export const LEVELS = ['error', 'warning', 'information', 'hint', 'off'] as const;
export type Level = (typeof LEVELS)[number];

const diagnosticsShape = {
  severity: z.optional(z.record(z.string(), z.enum(LEVELS)).check(z.describe('How findings are shown, by the code of the diagnostic: error, warning, information, hint or off.'))),
  filesWithoutEntries: z.optional(z.boolean().check(z.describe('Run the checks of what routines leave behind (flags, registers, stack, stores) in files without exception-table entries too.'))),
};

/** What says which findings are shown, and how. */
export interface DiagnosticSettings {
  /** By code. */
  readonly severity?: Readonly<Record<string, Level>> | undefined;
  readonly filesWithoutEntries?: boolean | undefined;
}

/** Settings of the editor, under `mcsafe`. The part of the manifest that the language server reads is made from this. */
export const editorSettingsSchema = z.object({
  diagnostics: z.optional(z.object(diagnosticsShape)),
  inlayHints: z.optional(z.object({
    landingPads: z.optional(z.boolean().check(z.describe('Show behind each instruction with an exception-table entry where it lands, and after which exceptions.'))),
    uncovered: z.optional(z.boolean().check(z.describe('Mark memory accesses without an entry in routines that have entries.'))),
  })),
  codeLens: z.optional(z.boolean().check(z.describe('Show above each routine with entries how many accesses are covered, and offer to run and sweep it.'))),
});
export type EditorSettings = z.infer<typeof editorSettingsSchema>;

export const settingsSchema = z.strictObject({
  $schema: z.optional(z.string()),
  includePaths: z.optional(z.array(z.string())),
  preincludes: z.optional(z.array(z.string()).check(z.describe('Read in front of each .S file, as with the -include of gcc.'))),
  defines: z.optional(z.record(z.string(), z.string())),
  kernelGeneration: z.optional(z.enum(KERNEL_GENERATIONS.map((generation) => generation.id))),
  stubs: z.optional(z.record(z.string(), z.string())),
  diagnostics: z.optional(z.strictObject(diagnosticsShape)),
});

export interface Settings {
  /** Absolute. */
  readonly includePaths: readonly string[];
  /** Absolute paths of files that are read in front of each preprocessed source. */
  readonly preincludes: readonly string[];
  readonly defines: Readonly<Record<string, string>>;
  readonly kernelGeneration?: string;
  /** Assembly text for functions the program calls and does not define. */
  readonly stubs: Readonly<Record<string, string>>;
  readonly diagnostics?: DiagnosticSettings;
}

export interface SettingsResult {
  readonly settings: Settings;
  /** Path of the file they come from; undefined if there is none. */
  readonly file?: string;
  readonly problems: readonly Problem[];
}

export const SETTINGS_FILE = '.mcsafe.json';
const NO_SETTINGS: Settings = { includePaths: [], preincludes: [], defines: {}, stubs: {} };

/** The settings for a program at `path` (absolute). Bad settings are reported and left out, one by one. */
export function readSettings(path: string, host: Host): SettingsResult {
  const found = findSettings(path, host);
  if (found === undefined) return { settings: NO_SETTINGS, problems: [] };
  const { file, text } = found;
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const at = (offset: number, length: number, code: string, message: string): Problem => problemAt(file, text, { offset, length }, code, message);
  if (tree === undefined || errors.length > 0) {
    return { settings: NO_SETTINGS, file, problems: errors.map(({ error, offset, length }) => at(offset, length, 'settings-syntax', `not valid JSON: ${spaced(printParseErrorCode(error))}`)) };
  }
  const result = settingsSchema.safeParse(getNodeValue(tree));
  if (!result.success) {
    const problems = result.error.issues.map((issue) => {
      const where = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
      // A key that is not known is marked itself, not the object it stands in.
      const key = issue.code === 'unrecognized_keys' ? findNodeAtLocation(tree, [...where, issue.keys[0]!])?.parent?.children?.[0] : undefined;
      const node = key ?? findNodeAtLocation(tree, where) ?? tree;
      return at(node.offset, node.length, 'settings-value', `${where.join('.') || SETTINGS_FILE}: ${issue.message}`);
    });
    return { settings: NO_SETTINGS, file, problems };
  }
  const { includePaths = [], preincludes = [], defines = {}, stubs = {}, kernelGeneration, diagnostics } = result.data;
  const folder = host.folder(file);
  return {
    settings: {
      includePaths: includePaths.map((include) => host.resolve(folder, include)), preincludes: preincludes.map((include) => host.resolve(folder, include)), defines, stubs,
      ...(kernelGeneration === undefined ? {} : { kernelGeneration }), ...(diagnostics === undefined ? {} : { diagnostics }),
    },
    file,
    problems: [],
  };
}

function findSettings(path: string, host: Host): { readonly file: string; readonly text: string } | undefined {
  for (let folder = host.folder(path), child = ''; folder !== child; child = folder, folder = host.folder(folder)) {
    const file = host.resolve(folder, SETTINGS_FILE);
    const bytes = host.files.read(file);
    if (bytes !== undefined) return { file, text: new TextDecoder().decode(bytes) };
  }
  return undefined;
}

function problemAt(file: string, text: string, place: { readonly offset: number; readonly length: number }, code: string, message: string): Problem {
  const before = text.slice(0, place.offset).split('\n');
  const column = before.at(-1)!.length + 1;
  const firstLine = text.slice(place.offset, place.offset + place.length).split('\n')[0]!;
  return {
    severity: 'error', code, message,
    range: { start: { file, line: before.length, column }, endColumn: column + Math.max(firstLine.length, 1) },
  };
}

/** `PropertyNameExpected` -> `property name expected`. */
function spaced(code: string): string {
  return code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}
