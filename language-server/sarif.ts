/**
 * The checks' findings as a SARIF log.
 */
import type { Log } from 'sarif';
import { sarifLog } from '../assembly/sarif.ts';
import type { SarifPlace, SarifRule } from '../assembly/sarif.ts';
import { writtenPosition } from '../assembly/source.ts';
import type { Problem, Severity, SourceRange } from '../assembly/source.ts';
import type { HostFiles } from '../host/host.ts';
import { uriOf } from './uri.ts';

const LEVEL: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = { error: 'error', warning: 'warning', information: 'note', hint: 'note' };

/** Where the pages of the codes are. */
export interface Pages {
  /** The documentation's folder, as {@link Host.documentation}. */
  readonly folder?: string | undefined;
  readonly files: HostFiles;
}

/** A log with one run; `version` is the tool's. Each code brings its page, where there is one. */
export function problemsLog(problems: readonly Problem[], version: string, pages: Pages): Log {
  return sarifLog({
    version,
    rules: [...new Set(problems.map(({ code }) => code))].sort().map((code) => rule(code, pages)),
    findings: problems.map(({ code, severity, message, range, related }) => ({
      rule: code, level: LEVEL[severity], message, place: placeOf(range),
      ...(related === undefined ? {} : { related: related.map((one) => ({ message: one.message, place: placeOf(one.range) })) }),
    })),
  });
}

function rule(code: string, { folder, files }: Pages): SarifRule {
  const path = folder === undefined ? undefined : `${folder}/diagnostics/${code}.md`;
  const bytes = path === undefined ? undefined : files.read(path);
  if (path === undefined || bytes === undefined) return { id: code };
  const page = new TextDecoder().decode(bytes);
  return { id: code, page, pageUri: uriOf(path), ...summaryOf(page) };
}

/** The first sentence of a page's first paragraph, behind the default severity in italics. */
function summaryOf(page: string): { readonly summary?: string } {
  const paragraph = page.split(/\n{2,}/).find((text) => text !== '' && !text.startsWith('#'));
  const sentence = paragraph === undefined ? null : /^(?:\*[^*]*\*\s*)?(.*?[.])(?:\s|$)/s.exec(paragraph);
  return sentence === null ? {} : { summary: sentence[1]!.replaceAll(/[*`]/g, '') };
}

/** The place a person wrote: for text made by a macro, its use. */
function placeOf({ start, endColumn }: SourceRange): SarifPlace {
  const written = writtenPosition(start);
  return { file: written.file, line: written.line, column: written.column, ...(written === start && endColumn > start.column ? { endColumn } : {}) };
}
