import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { oraclesOf } from '../isa-document.ts';
import { casesPerCode, TEST_TIMEOUT } from '../oracle.ts';
import { chooseSeed, Random } from '../random.ts';
import { formatRingCase, parseRingCase } from './case.ts';
import { accessQuestion, RING_CODES, ringQuestion } from './generate.ts';
import { askRing } from './instructions.ts';
import { openRing } from './ring.ts';

const document = fileURLToPath(new URL('../../../docs/isa.md', import.meta.url));
const cache = fileURLToPath(new URL('../../../.cache/oracle/', import.meta.url));

test('ring 0 of the emulator does on random states what KVM does', () => {
  const ring = openRing();
  if (!ring) return;
  const seed = chooseSeed();
  const tallies = askRing(ring, seed, Math.ceil(0.3 * casesPerCode()));
  const total = tallies.reduce((sum, { agreed, differed }) => sum + agreed + differed, 0);
  console.log(`seed ${seed}: ${total} cases of ring 0 over ${tallies.length} codes on ${ring.kvm.host.model}${ring.kvm.software ? ', by KVM\'s emulator: this machine\'s KVM has no hardware virtualisation' : ''}; KVM ${ring.milliseconds.kvm.toFixed()} ms, emulated ${ring.milliseconds.emulated.toFixed()} ms`);
  const reports = tallies.flatMap((tally) => tally.reports);
  if (reports.length > 0) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(`${cache}ring0-mismatches.txt`, `${reports.join('\n')}\n`);
    console.log(reports.slice(0, 40).map((report) => report.slice(0, 4000)).join('\n'));
  }
  expect(tallies.filter(({ differed }) => differed > 0).map(({ code, agreed, differed }) => `${code.name}: ${differed} of ${agreed + differed}`)).toEqual([]);

  // What the document says KVM has shown must be so here too.
  const shown = new Set(tallies.filter((tally) => tally.completed > 0).map(({ code }) => code.name));
  const asked = new Set(tallies.filter(({ agreed }) => agreed > 0).map(({ code }) => code.name));
  const documented = existsSync(document) ? oraclesOf(readFileSync(document, 'utf8')) : new Map<string, string>();
  const stale = [...documented].filter(([name, oracle]) => oracle.startsWith('KVM') && asked.has(name) && !shown.has(name)).map(([name]) => name);
  expect(stale, 'docs/isa.md is out of date: run `npm run isa`').toEqual([]);
}, TEST_TIMEOUT);

test('a case reads back as it is printed, so that a mismatch can be asked again', () => {
  const random = new Random(1);
  const host = { vendor: 'amd', software: false } as const;
  const questions = [...RING_CODES.map((code) => ringQuestion(random, code, host)), ...Array.from({ length: 100 }, () => accessQuestion(random, host))].filter((question) => question !== undefined);
  expect(questions.length).toBeGreaterThan(150);
  for (const { state } of questions) expect(parseRingCase(formatRingCase(state))).toEqual(state);
});
