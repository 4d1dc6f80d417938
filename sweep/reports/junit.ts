/**
 * Sweeps as JUnit XML: a suite for each routine on each CPU and kernel, a test for each promise. The dialect is the one that Jenkins,
 * GitLab and others read (jenkins-junit.xsd); times are left out, because a campaign knows no clock.
 */
import { CLAUSES } from '../judging/clauses.ts';
import type { ClauseName } from '../judging/clauses.ts';
import type { SweepFailure, SweepReport } from '../report-schema.ts';
import { caseText, counted, escaped, extentText, kindsText, launchEntry } from './words.ts';

export function sweepJunit(reports: readonly SweepReport[]): string {
  const suites = reports.flatMap((report) => report.targets.map((_, target) => suite(report, target)));
  const sum = (of: (one: Suite) => number): string => String(suites.reduce((total, one) => total + of(one), 0));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="mcsafe sweep" tests="${sum(({ tests }) => tests)}" failures="${sum(({ failures }) => failures)}" errors="0">`,
    ...suites.map(({ xml }) => xml),
    '</testsuites>', '',
  ].join('\n');
}

interface Suite {
  readonly tests: number;
  readonly failures: number;
  readonly xml: string;
}

function suite(report: SweepReport, target: number): Suite {
  const name = `${report.routine} on ${report.targets[target]!}`;
  const clauses = Object.keys(CLAUSES) as ClauseName[];
  const broken = clauses.map((clause) => report.failures.filter((failure) => failure.clause === clause && failure.targets.includes(target)));
  const failures = broken.filter(({ length }) => length > 0).length;
  const unfinished = report.cases < report.planned;
  const tests = clauses.length + 1;
  return {
    tests, failures,
    xml: [
      `  <testsuite name="${escaped(name)}" tests="${String(tests)}" failures="${String(failures)}" errors="0" skipped="${unfinished ? '1' : '0'}">`,
      '    <properties>',
      ...Object.entries({ program: report.program, contract: `${report.contract.kind} (${report.contract.origin})`, campaign: report.campaign, space: report.space.axes.join('; ') })
        .map(([key, value]) => `      <property name="${key}" value="${escaped(value)}"/>`),
      '    </properties>',
      ...clauses.map((clause, i) => test(report, name, clause, broken[i]!)),
      `    <testcase classname="${escaped(name)}" name="all cases were run">${unfinished ? `<skipped message="${escaped(`interrupted ${extentText(report)}`)}"/>` : ''}</testcase>`,
      '  </testsuite>',
    ].join('\n'),
  };
}

function test(report: SweepReport, suiteName: string, clause: ClauseName, failures: readonly SweepFailure[]): string {
  const open = `    <testcase classname="${escaped(suiteName)}" name="${escaped(`${clause}: ${CLAUSES[clause]}`)}"`;
  const [first] = failures;
  if (first === undefined) return `${open}/>`;
  return [
    `${open}${first.instruction.file === undefined ? '' : ` file="${escaped(first.instruction.file)}" line="${String(first.instruction.line)}"`}>`,
    `      <failure type="${clause}" message="${escaped(`${first.instruction.name}: ${first.message}`)}">${failures.map((failure) => escaped(failureText(report, failure))).join('\n\n')}</failure>`,
    '    </testcase>',
  ].join('\n');
}

function failureText(report: SweepReport, failure: SweepFailure): string {
  const { promise, instruction: { name, text, file, line }, cases, byKind, smallest, message } = failure;
  return [
    `not kept: ${promise}`,
    `at ${name}  ${text}${file === undefined ? '' : `  ${file}:${String(line)}`}`,
    `${counted(cases, 'case')} (${kindsText(byKind)})`,
    `smallest: ${caseText(smallest)}: ${message}`,
    `replay: ${JSON.stringify(launchEntry(report, failure))}`,
  ].join('\n');
}
