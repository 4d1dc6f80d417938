/**
 * The files that a source names: `#include`, `.include` and `.incbin`.
 */
import type { SourceRange } from '../../assembly/source.ts';
import type { Host } from '../../host/host.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { holds } from '../ranges.ts';

export interface NamedFile {
  readonly path: string;
  /** Of the name, with its quotes or brackets. */
  readonly range: SourceRange;
}

/** Files named in the analysed file itself that were found. */
export function namedFiles({ unit, file }: Analysis): readonly NamedFile[] {
  return unit.includes.flatMap(({ resolved, range }) => (resolved === undefined || range.start.file !== file || range.start.expansion !== undefined ? [] : [{ path: resolved, range }]));
}

/** The file named at a 1-based place. */
export function includeAt(analysis: Analysis, line: number, column: number): string | undefined {
  return namedFiles(analysis).find(({ range }) => holds(range, line, column))?.path;
}

/** Files of `.incbin` in the analysed file, found as the assembler finds them: beside the file, then under the include paths. */
export function binaryFiles({ unit, file }: Analysis, host: Host, includePaths: readonly string[]): readonly NamedFile[] {
  return unit.statements.flatMap((statement): readonly NamedFile[] => {
    if (statement.kind !== 'directive' || statement.name !== '.incbin') return [];
    const [argument] = statement.arguments;
    if (argument?.string === undefined || argument.range.start.file !== file || argument.range.start.expansion !== undefined) return [];
    const name = new TextDecoder().decode(argument.string);
    for (const folder of [host.folder(file), ...includePaths]) {
      const path = host.resolve(folder, name);
      if (host.files.read(path) !== undefined) return [{ path, range: argument.range }];
    }
    return [];
  });
}
