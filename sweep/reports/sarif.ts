/** Sweeps as a SARIF log: each failure class is a finding at its instruction. */
import type { Log } from 'sarif';
import { sarifLog } from '../../assembly/sarif.ts';
import type { SarifFinding } from '../../assembly/sarif.ts';
import { CLAUSES } from '../judging/clauses.ts';
import type { ClauseName } from '../judging/clauses.ts';
import type { SweepFailure, SweepReport } from '../report-schema.ts';
import { caseText, counted, kindsText, launchEntry, targetsText } from './words.ts';

/** `version` is mcsafe's. */
export function sweepSarif(reports: readonly SweepReport[], version: string): Log {
  const broken = new Set(reports.flatMap(({ failures }) => failures.map(({ clause }) => clause)));
  return sarifLog({
    version,
    rules: (Object.keys(CLAUSES) as ClauseName[]).filter((clause) => broken.has(clause)).map((clause) => ({ id: ruleId(clause), summary: `Not kept: ${CLAUSES[clause]}.` })),
    findings: reports.flatMap((report) => report.failures.map((failure) => finding(report, failure))),
    complete: reports.every(({ cases, planned }) => cases === planned),
  });
}

function ruleId(clause: ClauseName): string {
  return `sweep/${clause}`;
}

function finding(report: SweepReport, failure: SweepFailure): SarifFinding {
  const { clause, promise, instruction, cases, byKind, smallest, message } = failure;
  const where = targetsText(failure, report);
  return {
    rule: ruleId(clause), level: 'error',
    message: `${report.routine} does not keep its promise that ${promise}. Smallest case: ${caseText(smallest)}: ${message}. ${counted(cases, 'case')} (${kindsText(byKind)})${where === '' ? '' : `, ${where}`}.`,
    place: { file: instruction.file ?? report.program, instruction: instruction.name, ...(instruction.line === undefined ? {} : { line: instruction.line }) },
    fingerprint: `${report.routine} ${clause} ${instruction.text}`,
    properties: { routine: report.routine, cases, byKind, smallest, launch: launchEntry(report, failure) },
  };
}
