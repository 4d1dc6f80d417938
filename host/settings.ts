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

export const settingsSchema = z.strictObject({
  $schema: z.optional(z.string()),
  includePaths: z.optional(z.array(z.string())),
  defines: z.optional(z.record(z.string(), z.string())),
  kernelGeneration: z.optional(z.enum(KERNEL_GENERATIONS.map((generation) => generation.id))),
  stubs: z.optional(z.record(z.string(), z.string())),
});

export interface Settings {
  /** Absolute. */
  readonly includePaths: readonly string[];
  readonly defines: Readonly<Record<string, string>>;
  readonly kernelGeneration?: string;
  /** Assembly text for functions the program calls and does not define. */
  readonly stubs: Readonly<Record<string, string>>;
}

export interface SettingsResult {
  readonly settings: Settings;
  /** Path of the file they come from; undefined if there is none. */
  readonly file?: string;
  readonly problems: readonly Problem[];
}

export const SETTINGS_FILE = '.mcsafe.json';
const NO_SETTINGS: Settings = { includePaths: [], defines: {}, stubs: {} };

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
  const { includePaths = [], defines = {}, stubs = {}, kernelGeneration } = result.data;
  const folder = host.folder(file);
  return {
    settings: {
      includePaths: includePaths.map((include) => host.resolve(folder, include)), defines, stubs,
      ...(kernelGeneration === undefined ? {} : { kernelGeneration }),
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
