import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import type { Log } from 'sarif';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepare } from '../../cli/commands/sweep.ts';
import { parseReports, reportJson, writeReports } from '../../cli/sweep-reports.ts';
import { nodeHost } from '../../host/node/host.ts';
import { parseLaunchConfig } from '../../machine/scenario/schema.ts';
import { campaignReport } from '../../sweep/report.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { sweepHtml } from '../../sweep/reports/html.ts';
import { sweepJunit } from '../../sweep/reports/junit.ts';
import { sweepSarif } from '../../sweep/reports/sarif.ts';
import { escaped } from '../../sweep/reports/words.ts';
import { has } from '../host/tools.ts';
import { sarifErrors } from '../sarif.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mcsafe-reports-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

let wrong: SweepReport, right: SweepReport, unfinished: SweepReport;
let source: string;

beforeAll(async () => {
  const sweep = async (sample: string, cases?: number): Promise<SweepReport> => {
    const campaign = await prepare(join(root, 'samples', sample), { n: '16..32/16', srcOffsets: '0', dstOffsets: '0', profile: ['intel-server', 'amd-server'] }, nodeHost());
    campaign.run(cases ?? campaign.total);
    return campaignReport(campaign);
  };
  wrong = await sweep('faulty/deferred_stores.S');
  right = await sweep('copy_mc.S');
  unfinished = await sweep('copy_mc.S', 20);
  source = readFileSync(join(root, 'samples/faulty/deferred_stores.S'), 'utf8');
});

describe('JSON', () => {
  test('fits the schema that is published, for one routine and for several', () => {
    const schema = JSON.parse(readFileSync(join(root, 'schemas/sweep-report.schema.json'), 'utf8')) as object;
    const valid = new Ajv({ strict: false, validateFormats: false, allowUnionTypes: true }).compile(schema);
    for (const reports of [[wrong], [right], [unfinished], [wrong, right]]) expect(valid(JSON.parse(reportJson(reports))), JSON.stringify(valid.errors)).toBe(true);
    expect(valid({ ...wrong, cases: -1 })).toBe(false);
  });
});

describe('SARIF', () => {
  test('fits the schema of OASIS; each failure class is a result at its line', () => {
    const log = sweepSarif([wrong, right], '1.2.3');
    expect(sarifErrors(JSON.parse(JSON.stringify(log)))).toEqual([]);
    const [run] = log.runs;
    expect(run!.results).toHaveLength(wrong.failures.length);
    const [result] = run!.results!;
    expect(result!.locations![0]!.physicalLocation).toMatchObject({ artifactLocation: { uri: `file://${wrong.program}` }, region: { startLine: 20 } });
    expect(run!.tool.driver.rules![result!.ruleIndex!]!.id).toBe(result!.ruleId);
    expect(parseLaunchConfig(result!.properties!['launch']).ok).toBe(true);
    expect(run!.invocations).toEqual([{ executionSuccessful: true }]);
  });

  test('says that an interrupted sweep may have more to find, and names an object without lines by its instruction', () => {
    expect(sweepSarif([unfinished], '1').runs[0]!.invocations).toEqual([{ executionSuccessful: false }]);
    const bare = { ...wrong, failures: wrong.failures.map((failure) => ({ ...failure, instruction: { address: '0x10', name: 'copy+0x10', text: 'mov (%rsi),%al' } })) };
    const log: Log = sweepSarif([bare], '1');
    expect(sarifErrors(JSON.parse(JSON.stringify(log)))).toEqual([]);
    expect(log.runs[0]!.results![0]!.locations![0]).toMatchObject({ logicalLocations: [{ fullyQualifiedName: 'copy+0x10' }] });
  });
});

describe('JUnit XML', () => {
  test.runIf(has('xmllint'))('fits the schema that build servers read', () => {
    const file = join(folder, 'junit.xml');
    const strange = { ...wrong, routine: 'copy<"&\u0001>', failures: wrong.failures.map((failure) => ({ ...failure, message: 'a "b" <c> & \ud800 ]]>' })) };
    writeFileSync(file, sweepJunit([wrong, right, unfinished, strange]));
    const { status, stderr } = spawnSync('xmllint', ['--noout', '--schema', join(root, 'test/cli/junit.xsd'), file], { encoding: 'utf8' });
    expect(stderr).toContain('validates');
    expect(status).toBe(0);
  });

  test('has a suite for each routine and profile, and a failure for each broken promise', () => {
    const xml = sweepJunit([wrong, right]);
    expect([...xml.matchAll(/<testsuite name="([^"]*)"/g)].map(([, name]) => name)).toEqual([
      'copy_pairs on intel-server, kernel 6.12', 'copy_pairs on amd-server, kernel 6.12', 'copy_mc on intel-server, kernel 6.12', 'copy_mc on amd-server, kernel 6.12',
    ]);
    expect(xml.match(/<failure /g)).toHaveLength(2);
    expect(xml).toContain('message="copy_pairs+0x10: says 8 bytes are done; only 0 are"');
    expect(sweepJunit([unfinished])).toContain('<skipped message="interrupted after 20 of');
  });
});

describe('the HTML page', () => {
  const page = (reports: readonly SweepReport[]): string => sweepHtml({ reports, version: '1.2.3', sources: new Map([[wrong.program, source]]) });

  test('asks for nothing from elsewhere', () => {
    const html = page([wrong, right]);
    expect(html).toContain('default-src \'none\'');
    expect(html.match(/<(img|link|iframe|object|embed|base)\b|\ssrc=["']|@import|\bimport\(|url\(|https?:/g)).toBeNull();
  });

  test('tells every failure, every entry and every line, without the script', () => {
    const html = page([wrong]).replaceAll(/<script[^]*?<\/script>/g, '');
    expect(html).toContain('says 8 bytes are done; only 0 are');
    for (const { name } of wrong.coverage[0]!.instructions.filter(({ entry }) => entry)) expect(html).toContain(`<th scope="row"><code>${name}</code></th>`);
    for (const line of source.split('\n').slice(12, 34)) expect(html).toContain(escaped(line));
    expect(html).toContain('never faulted');
    expect(html).toContain('Positions that violate');
    for (const { message } of wrong.coverage[0]!.severityRows) expect(html).toContain(escaped(message));
    expect(wrong.coverage[0]!.severityRows).not.toEqual([]);
  });

  test('stays small however many cases there are', () => {
    const rows = Array.from({ length: 66 }, () => Array.from({ length: 66 }, () => '1000000/999999').join(' '));
    const large = { ...wrong, heat: { ...wrong.heat, rows: { 'mc-line': rows, 'mc-byte': rows, 'pf-read': rows, 'pf-write': rows } } };
    const html = page([large]);
    expect(html.length).toBeLessThan(400_000);
    expect(html.match(/<[a-z]/g)!.length).toBeLessThan(5000);
  });

  test('shows text as text: names in a report cannot become markup', () => {
    const evil = { ...wrong, routine: '</script><b>x', program: '"><i>', failures: wrong.failures.map((failure) => ({ ...failure, message: '</pre><script>1</script>' })) };
    const html = page([evil]);
    expect(html).not.toContain('<b>x');
    expect(html).not.toContain('"><i>');
    expect(html).not.toContain('<script>1');
  });

  test('lists instructions where the source is gone', () => {
    const html = sweepHtml({ reports: [wrong], version: '1', sources: new Map() });
    expect(html).toContain('mov 0x8(%rsi),%r9');
    expect(html).toContain('<th scope="col">Place</th>');
  });
});

describe('--report', () => {
  test('writes each format where it is told to', () => {
    const host = nodeHost();
    const files = parseReports([`json=${folder}/a.json,junit=${folder}/a.xml`, `sarif=${folder}/a.sarif`, `html=${folder}/a.html`], host);
    writeReports(files, [wrong], host);
    expect(JSON.parse(readFileSync(join(folder, 'a.json'), 'utf8'))).toEqual(JSON.parse(JSON.stringify(wrong)));
    expect(readFileSync(join(folder, 'a.xml'), 'utf8')).toMatch(/^<\?xml/);
    expect(sarifErrors(JSON.parse(readFileSync(join(folder, 'a.sarif'), 'utf8')))).toEqual([]);
    // The page has the source, because its file is there.
    expect(readFileSync(join(folder, 'a.html'), 'utf8')).toContain('.Lsecond_faulted:');
  });

  test.each([
    ['no format', 'out.html', /--report wants FORMAT=FILE with json, junit, sarif, html/],
    ['an unknown format', 'pdf=out.pdf', /--report wants FORMAT=FILE/],
    ['no file', 'html=', /--report wants FORMAT=FILE/],
    ['the same file twice', 'html=out,json=out', /is to hold two reports/],
    ['a folder that is not there', 'html=/nowhere/out.html', /the folder \/nowhere is not there/],
  ])('%s is refused before the sweep', (_, text, message) => {
    expect(() => parseReports([text], nodeHost())).toThrow(message);
  });
});
