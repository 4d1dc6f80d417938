/**
 * Sources in the middle of being typed: whatever is asked about whichever place is answered, and what comes back lies inside of the text.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../host/node/host.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { CODES, report } from '../../language-server/checks/report.ts';
import { cursorAt } from '../../language-server/editing/cursor.ts';
import { proposeHead } from '../../language-server/editing/propose-code.ts';
import { proposeOperand } from '../../language-server/editing/propose-operands.ts';
import { tokensOf } from '../../language-server/editing/tokens.ts';
import { applyEdits, fixesOf, safeEdits } from '../../language-server/fixes/index.ts';
import { coverLikeOthers } from '../../language-server/fixes/entries.ts';
import { coverAnew } from '../../language-server/fixes/landing-pad.ts';
import { hoverAt } from '../../language-server/providers/hover.ts';
import { hintsOf } from '../../language-server/providers/inlay-hints.ts';
import { signatureAt } from '../../language-server/providers/signature-help.ts';

const FILE = '/work/typed.S';
const SAMPLES = ['samples', 'samples/faulty', 'samples/handlers'].flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith('.S')).map((name) => readFileSync(join(folder, name), 'utf8')));
const PIECES = ['\n', '\t', ' ', '%', '%r', '$', '(', ')', ',', ';', ':', '#', '/*', '*/', '//', '"', '\\', '\\\n', '.', '1b', '1f', '@', '[', '#define X(a) a\n', '#include <', '.macro m a\n', '.endm\n', '_ASM_EXTABLE(', 'mov ', 'rep ', '# mcsafe: ignore ', '.intel_syntax noprefix\n', '\r\n', '\u2028', 'é', '\ud800'];
const OPTIONS = projectOptions(FILE, nodeHost());

/** A sample with a few things put in and taken out, and places in it. */
const typed = fc.record({
  text: fc.constantFrom(...SAMPLES),
  edits: fc.array(fc.record({ at: fc.nat(), remove: fc.nat({ max: 12 }), insert: fc.constantFrom('', ...PIECES) }), { minLength: 1, maxLength: 4 }),
  places: fc.array(fc.nat(), { minLength: 4, maxLength: 12 }),
}).map(({ text, edits, places }) => ({
  text: edits.reduce((now, { at, remove, insert }) => {
    const from = at % (now.length + 1);
    return now.slice(0, from) + insert + now.slice(from + remove);
  }, text),
  places,
}));

describe('the language server', () => {
  it('answers about text that is being typed', () => {
    fc.assert(fc.property(typed, ({ text, places }) => {
      const analysis = analyze(FILE, text, OPTIONS);
      const lines = text.split('\n');
      const problems = report(analysis);
      for (const { code } of problems) expect(CODES.has(code), code).toBe(true);
      for (const place of places) {
        const before = text.slice(0, place % (text.length + 1)).split('\n');
        const line = before.length - 1;
        const character = before.at(-1)!.length;
        const cursor = cursorAt(text, line, character);
        expect(cursor.start).toBeGreaterThanOrEqual(0);
        expect(cursor.start).toBeLessThanOrEqual(character);
        proposeHead(cursor, analysis);
        proposeOperand(cursor, analysis, line + 1, []);
        hoverAt(analysis, line + 1, character + 1);
        const help = signatureAt(analysis, text, line, character);
        for (const { label, parameters } of help?.signatures ?? []) for (const parameter of parameters ?? []) expect((parameter.label as [number, number])[1]).toBeLessThanOrEqual(label.length);
      }
      let last = { line: 0, start: 0, length: 0 };
      for (const token of tokensOf(analysis, text)) {
        expect(token.start + token.length).toBeLessThanOrEqual(lines[token.line]!.length);
        expect(token.line > last.line || token.start >= last.start + last.length).toBe(true);
        last = token;
      }
      for (const { position } of hintsOf(analysis, FILE, { start: { line: 0, character: 0 }, end: { line: lines.length, character: 0 } })) expect(position.character).toBeLessThanOrEqual(lines[position.line]!.length);
      const fixes = [...problems.flatMap((problem) => fixesOf(problem, analysis)), ...analysis.instructions.flatMap((site) => coverLikeOthers(site, analysis) ?? coverAnew(site, analysis) ?? [])];
      for (const edits of [...fixes.map((fix) => fix.edits), safeEdits(problems, analysis)]) {
        for (const { line, column, endLine, endColumn } of edits) {
          expect(line).toBeLessThanOrEqual(lines.length + 1);
          expect(endLine > line || (endLine === line && endColumn >= column)).toBe(true);
          expect(column - 1).toBeLessThanOrEqual((lines[line - 1] ?? '').length);
        }
        applyEdits(text, edits);
      }
    }), { numRuns: 400, seed: 11 });
  }, 600_000);

  it('never leaves more findings of a code behind than before, with the safe fixes made', () => {
    fc.assert(fc.property(typed, ({ text }) => {
      const analysis = analyze(FILE, text, OPTIONS);
      const problems = report(analysis);
      const edits = safeEdits(problems, analysis);
      if (edits.length === 0) return;
      const after = report(analyze(FILE, applyEdits(text, edits), OPTIONS));
      const count = (list: typeof problems, code: string): number => list.filter((problem) => problem.code === code).length;
      for (const { code } of after) expect(count(after, code), code).toBeLessThanOrEqual(count(problems, code));
    }), { numRuns: 300, seed: 12 });
  }, 600_000);
});
