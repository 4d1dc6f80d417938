/**
 * Findings as a SARIF 2.1.0 log (OASIS "Static Analysis Results Interchange Format"), for code-scanning services.
 */
import type { Location, Log, PhysicalLocation, PropertyBag, ReportingDescriptor, Result } from 'sarif';
import { uriOf } from './file-uri.ts';

export interface SarifRule {
  readonly id: string;
  /** One line: what is wrong, or what is promised. */
  readonly summary?: string;
  /** The rule's page, in Markdown, and where it is. */
  readonly page?: string;
  readonly pageUri?: string;
}

export interface SarifPlace {
  readonly file: string;
  /** From 1; absent for a file without lines. */
  readonly line?: number;
  readonly column?: number;
  readonly endColumn?: number;
  /** The instruction, if the place is one: `copy_mc+0x13`. */
  readonly instruction?: string;
}

export interface SarifFinding {
  readonly rule: string;
  readonly level: 'error' | 'warning' | 'note';
  readonly message: string;
  readonly place: SarifPlace;
  readonly related?: readonly { readonly message: string; readonly place: SarifPlace }[];
  /** The same for the same finding of another version of the file, whatever its line. */
  readonly fingerprint?: string;
  readonly properties?: PropertyBag;
}

export interface SarifRun {
  /** Of mcsafe. */
  readonly version: string;
  readonly rules: readonly SarifRule[];
  readonly findings: readonly SarifFinding[];
  /** False if the run ended before its end, so that there may be more findings. */
  readonly complete?: boolean;
}

/** A log with one run. Each finding's rule must be among the rules. */
export function sarifLog({ version, rules, findings, complete }: SarifRun): Log {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: { driver: { name: 'mcsafe', version, rules: rules.map(descriptor) } },
      columnKind: 'utf16CodeUnits',
      ...(complete === undefined ? {} : { invocations: [{ executionSuccessful: complete }] }),
      results: findings.map((finding) => result(finding, rules)),
    }],
  };
}

function descriptor({ id, summary, page, pageUri }: SarifRule): ReportingDescriptor {
  return {
    id,
    ...(summary === undefined ? {} : { shortDescription: { text: summary } }),
    ...(pageUri === undefined ? {} : { helpUri: pageUri }),
    ...(page === undefined ? {} : { help: { text: page, markdown: page } }),
  };
}

function result({ rule, level, message, place, related = [], fingerprint, properties }: SarifFinding, rules: readonly SarifRule[]): Result {
  return {
    ruleId: rule,
    ruleIndex: rules.findIndex(({ id }) => id === rule),
    level,
    message: { text: message },
    locations: [location(place)],
    ...(related.length === 0 ? {} : { relatedLocations: related.map((one, id) => ({ id, message: { text: one.message }, ...location(one.place) })) }),
    ...(fingerprint === undefined ? {} : { partialFingerprints: { 'mcsafe/v1': fingerprint } }),
    ...(properties === undefined ? {} : { properties }),
  };
}

function location({ file, line, column, endColumn, instruction }: SarifPlace): Location {
  const physicalLocation: PhysicalLocation = {
    artifactLocation: { uri: uriOf(file) },
    ...(line === undefined ? {} : { region: { startLine: line, ...(column === undefined ? {} : { startColumn: column }), ...(endColumn === undefined ? {} : { endColumn }) } }),
  };
  return { physicalLocation, ...(instruction === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: instruction }] }) };
}
