/**
 * What the Test Explorer says of a promise that was broken, and how the debugger gets to its smallest case.
 */
import { Location, Position, TestMessage, Uri } from 'vscode';
import type { TestItem } from 'vscode';
import type { SweepFailure, SweepReport } from '../../sweep/report-schema.ts';
import { caseText, counted, kindsText, launchEntry } from '../../sweep/reports/words.ts';
import { lineRange } from './items.ts';
import type { SweepResult } from './run.ts';

/** What a failure's message is called in the manifest's menus. */
const FAILURE = 'mcsafe.failure';

export class Failures {
  /** The launch entries of the last failures, by {@link launchKey}: the editor hands out copies of messages, not the messages. */
  readonly #launches = new Map<string, Readonly<Record<string, unknown>>>();

  /** Two for each failure: the words, and what the smallest case left beside what was promised. */
  messages({ report, failures }: SweepResult, leaf: TestItem): TestMessage[] {
    return failures.flatMap(({ failure, diff }) => {
      // The editor shows a message's own words at the line only if it has no diff.
      const told = new TestMessage(failureText(report, failure));
      const compared = TestMessage.diff(`${failure.clause}: what the smallest case left, and what was promised`, diff.expected, diff.actual);
      return [told, compared].map((message) => {
        this.#launches.set(launchKey(leaf.id, message.message), launchEntry(report, failure));
        message.location = placeOf(failure, leaf);
        message.contextValue = FAILURE;
        return message;
      });
    });
  }

  /** The launch configuration of the smallest case that a message of `test` is about; undefined where no sweep has said so. */
  launch(test: TestItem, message: TestMessage): Readonly<Record<string, unknown>> | undefined {
    return this.#launches.get(launchKey(test.id, message.message));
  }
}

function failureText(report: SweepReport, { clause, promise, smallest, message, cases, byKind, instruction }: SweepFailure): string {
  return `${clause}: ${message}\n${report.routine} on ${report.targets[smallest.target]!} does not keep its promise that ${promise}.\nSmallest case: ${caseText(smallest)}; ${counted(cases, 'case')} (${kindsText(byKind)}).\nAt ${instruction.name}: ${instruction.text}`;
}

function placeOf({ instruction: { file, line } }: SweepFailure, leaf: TestItem): Location {
  return file === undefined || line === undefined ? new Location(leaf.uri!, leaf.range ?? new Position(0, 0)) : new Location(Uri.file(file), lineRange(line));
}

function launchKey(id: string, message: TestMessage['message']): string {
  return `${id} ${typeof message === 'string' ? message : message.value}`;
}
