/**
 * `mcsafe lint`: the language server's checks from the command line.
 */
import { writtenPosition } from '../../assembly/source.ts';
import type { Problem } from '../../assembly/source.ts';
import type { Host } from '../../host/host.ts';
import { nodeHost } from '../../host/node/host.ts';
import { documentationFolder } from '../../host/node/installation.ts';
import { formatProblem } from '../../host/problems.ts';
import { writeFile } from '../../host/node/output.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import type { Analysis } from '../../language-server/analysis/analysis.ts';
import type { DiagnosticSettings, Level } from '../../host/settings.ts';
import { LEVELS, readSettings } from '../../host/settings.ts';
import { projectOptions, severities } from '../../language-server/analysis/project-options.ts';
import { CODES, report } from '../../language-server/checks/report.ts';
import { applyEdits, safeEdits } from '../../language-server/fixes/index.ts';
import { problemsLog } from '../../language-server/sarif.ts';
import { checkedConfig } from '../checked-config.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { sourceAttributes } from '../launch-options.ts';
import type { SourceOptions } from '../launch-options.ts';
import { VERSION } from '../version.ts';

export interface LintOptions extends SourceOptions {
  readonly format: 'text' | 'json' | 'sarif';
  /** `CODE=LEVEL`; they win over the project's. */
  readonly severity?: readonly string[];
  /** Check files without exception-table entries too. */
  readonly all?: boolean;
  /** Make the fixes that are safe, in the files themselves. */
  readonly fix?: boolean;
}

export function lint(files: readonly string[], options: LintOptions): Promise<number> {
  const host = nodeHost({ documentation: documentationFolder() });
  const { includePaths, defines, kernelGeneration } = checkedConfig(sourceAttributes(files, options));
  const asked = Object.fromEntries((options.severity ?? []).map(readSeverity));
  const diagnostics: DiagnosticSettings = { filesWithoutEntries: options.all };
  const settingsFiles = new Set<string | undefined>();
  const problems = files.flatMap((file): readonly Problem[] => {
    const bytes = host.files.read(host.resolve(host.workingFolder, file));
    if (bytes === undefined) throw new CommandError(`cannot read ${file}`);
    const path = host.resolve(host.workingFolder, file);
    const read = (text: string): Analysis => analyze(path, text, projectOptions(path, host, {
      diagnostics,
      ...(includePaths === undefined ? {} : { includePaths: includePaths.map((include) => host.resolve(host.workingFolder, include)) }),
      ...(defines === undefined ? {} : { defines }), ...(kernelGeneration === undefined ? {} : { kernelGeneration }),
    }));
    // What is wrong with a project's settings is told once.
    const settings = readSettings(path, host);
    const ofSettings = settingsFiles.has(settings.file) ? [] : settings.problems;
    settingsFiles.add(settings.file);
    const levels = { ...severities(path, host, undefined), ...asked };
    const text = new TextDecoder().decode(bytes);
    let analysis = read(text);
    if (analysis.foreign !== undefined) return [...ofSettings, leftAlone(path, analysis.foreign)];
    if (options.fix === true) {
      analysis = fixed(analysis, levels, read);
      if (analysis.text !== text) writeFile(path, analysis.text);
    }
    return [...ofSettings, ...[...report(analysis, levels)].sort(byPlace)];
  });
  print(problems, options.format, host);
  return Promise.resolve(problems.some(({ severity }) => severity === 'error' || severity === 'warning') ? EXIT.FOUND : EXIT.OK);
}

/** As a reader of the file comes upon them; stable, so that findings of one place stay in the order of the checks. */
function byPlace(a: Problem, b: Problem): number {
  const [one, other] = [writtenPosition(a.range.start), writtenPosition(b.range.start)];
  return one.line - other.line || one.column - other.column;
}

/** Fixes may uncover others; more rounds than this means that they do not end. */
const FIX_ROUNDS = 5;

function fixed(analysis: Analysis, levels: Readonly<Record<string, Level>>, read: (text: string) => Analysis): Analysis {
  let now = analysis;
  for (let round = 0; round < FIX_ROUNDS; round++) {
    const edits = safeEdits(report(now, levels), now);
    if (edits.length === 0) break;
    now = read(applyEdits(now.text, edits));
  }
  return now;
}

function readSeverity(text: string): readonly [string, Level] {
  const [code = '', level = ''] = text.split('=');
  if (!CODES.has(code)) throw new CommandError(`--severity ${text}: there is no diagnostic "${code}"; docs/diagnostics lists them`);
  const found = LEVELS.find((one) => one === level);
  if (found === undefined) throw new CommandError(`--severity ${text}: say CODE=LEVEL, the level being one of ${LEVELS.join(', ')}`);
  return [code, found];
}

/** What is said of a file that is something else, in place of a problem for each of its lines. */
function leftAlone(file: string, foreign: string): Problem {
  const start = { file, line: 1, column: 1 };
  return { severity: 'information', code: 'foreign-architecture', message: `this is ${foreign}, not assembly for x86-64 and GNU as: nothing in it was checked`, range: { start, endColumn: 1 } };
}

function print(problems: readonly Problem[], format: LintOptions['format'], { documentation, files }: Host): void {
  if (format === 'sarif') process.stdout.write(`${JSON.stringify(problemsLog(problems, VERSION, { folder: documentation, files }), undefined, 2)}\n`);
  else if (format === 'json') process.stdout.write(`${JSON.stringify({ problems }, undefined, 2)}\n`);
  else for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`);
}
