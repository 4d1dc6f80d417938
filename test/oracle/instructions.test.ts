import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { askAll } from './instructions.ts';
import { isaDocument, rowsOf, statusOf } from './isa-document.ts';
import { casesPerCode, openOracle, TEST_TIMEOUT } from './oracle.ts';
import { chooseSeed } from './random.ts';

const document = fileURLToPath(new URL('../../docs/isa.md', import.meta.url));

describe('every instruction form the emulator supports', () => {
  test('does on random states what the real CPU does', () => {
    const oracle = openOracle();
    if (!oracle) return;
    const seed = chooseSeed();
    const cases = casesPerCode();
    const tallies = askAll(oracle, seed, cases);
    const asked = tallies.filter((tally) => tally.agreed + tally.differed > 0);
    const total = asked.reduce((sum, tally) => sum + tally.agreed + tally.differed, 0);
    console.log(`seed ${seed}: ${total} cases over ${asked.length} codes on ${oracle.native.host.model}; ${tallies.length - asked.length} codes not asked about; native ${oracle.milliseconds.native.toFixed()} ms, emulated ${oracle.milliseconds.emulated.toFixed()} ms`);

    const reports = tallies.flatMap((tally) => tally.reports);
    if (reports.length > 0) {
      const folder = fileURLToPath(new URL('../../.cache/oracle/', import.meta.url));
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${folder}mismatches.txt`, `${reports.join('\n')}\n`);
      console.log(reports.slice(0, 40).map((report) => report.slice(0, 4000)).join('\n'));
    }

    if (process.env['MCSAFE_WRITE_ISA']) writeFileSync(document, isaDocument(tallies, oracle.native.host));
    expect(tallies.filter((tally) => tally.differed > 0).map((tally) => `${tally.code.name}: ${tally.differed} of ${tally.agreed + tally.differed}`)).toEqual([]);

    // The document was made from such a run: what it calls verified must be so here too, as far as this host has the instruction.
    const documented = existsSync(document) ? rowsOf(readFileSync(document, 'utf8')) : new Map<string, string>();
    const stale = tallies.flatMap((tally) => {
      const now = statusOf(tally);
      const then = documented.get(tally.code.name);
      const hostLacksIt = then === 'verified' && now === 'supported';
      return then === now || hostLacksIt || (then === 'supported' && now === 'verified') ? [] : [`${tally.code.name}: documented as ${String(then)}, now ${now}`];
    });
    expect(stale, 'docs/isa.md is out of date: run `npm run isa`').toEqual([]);
  }, TEST_TIMEOUT);
});
