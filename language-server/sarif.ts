/**
 * Findings as a SARIF 2.1.0 log, for code-scanning services.
 */
import { writtenPosition } from '../assembly/source.ts';
import type { Problem, Severity, SourceRange } from '../assembly/source.ts';
import { uriOf } from './uri.ts';

const LEVEL: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = { error: 'error', warning: 'warning', information: 'note', hint: 'note' };

/** A log with one run; `version` is the tool's. */
export function sarifLog(problems: readonly Problem[], version: string): object {
  const rules = [...new Set(problems.map(({ code }) => code))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: { driver: { name: 'mcsafe', version, rules: rules.map((id) => ({ id })) } },
      columnKind: 'utf16CodeUnits',
      results: problems.map((problem) => ({
        ruleId: problem.code,
        ruleIndex: rules.indexOf(problem.code),
        level: LEVEL[problem.severity],
        message: { text: problem.message },
        locations: [{ physicalLocation: physicalLocation(problem.range) }],
        ...(problem.related === undefined || problem.related.length === 0 ? {} : {
          relatedLocations: problem.related.map(({ message, range }, id) => ({ id, message: { text: message }, physicalLocation: physicalLocation(range) })),
        }),
      })),
    }],
  };
}

/** The place a person wrote: for text made by a macro, its use. */
function physicalLocation({ start, endColumn }: SourceRange): object {
  const written = writtenPosition(start);
  return {
    artifactLocation: { uri: uriOf(written.file) },
    region: { startLine: written.line, startColumn: written.column, ...(written === start && endColumn > start.column ? { endColumn } : {}) },
  };
}
