import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { askAll } from './instructions.ts';
import type { RingShown } from './isa-document.ts';
import { isaDocument, oraclesOf, rowsOf, statusOf } from './isa-document.ts';
import { askRing } from './kvm/instructions.ts';
import { openRing } from './kvm/ring.ts';
import { casesPerCode, openOracle, TEST_TIMEOUT } from './oracle.ts';
import { chooseSeed } from './random.ts';

const document = fileURLToPath(new URL('../../docs/isa.md', import.meta.url));

/** The table has rows that only ring 0 shows, so it is not written without it. */
function ringShown(seed: number, cases: number): RingShown {
  const ring = openRing();
  if (!ring) throw new Error('docs/isa.md is only written where /dev/kvm opens: without it the rows of ring 0 would be lost');
  return { tallies: askRing(ring, seed, cases), software: ring.kvm.software };
}

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

    expect(tallies.filter((tally) => tally.differed > 0).map((tally) => `${tally.code.name}: ${tally.differed} of ${tally.agreed + tally.differed}`)).toEqual([]);

    if (process.env['MCSAFE_WRITE_ISA']) writeFileSync(document, isaDocument(tallies, ringShown(seed, cases), oracle.native.host));

    // The document was made from such a run: what it calls verified must be so here too, as far as this host has the instruction.
    const text = existsSync(document) ? readFileSync(document, 'utf8') : '';
    const [documented, oracles] = [rowsOf(text), oraclesOf(text)];
    const stale = tallies.flatMap((tally) => {
      const now = statusOf(tally);
      const then = documented.get(tally.code.name);
      // Or it was shown in ring 0, which has a test of its own.
      const hostLacksIt = then === 'verified' && (now === 'supported' || oracles.get(tally.code.name)!.startsWith('KVM'));
      return then === now || hostLacksIt || (then === 'supported' && now === 'verified') ? [] : [`${tally.code.name}: documented as ${String(then)}, now ${now}`];
    });
    expect(stale, 'docs/isa.md is out of date: run `npm run isa`').toEqual([]);
  }, TEST_TIMEOUT);
});
