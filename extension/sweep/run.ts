/**
 * One sweep for the Test Explorer: a routine on a CPU, in threads, with the editor's texts in place of the disk's.
 */
import { join } from 'node:path';
import { workspace } from 'vscode';
import type { CancellationToken, ExtensionContext } from 'vscode';
import { prepareCampaign } from '../../host/campaign.ts';
import { runCampaign } from '../../host/node/run-campaign.ts';
import { failureDiff } from '../../sweep/failure-diff.ts';
import type { FailureDiff } from '../../sweep/failure-diff.ts';
import type { SweepFailure, SweepReport } from '../../sweep/report-schema.ts';
import { editorHost } from '../editor-host.ts';

export interface SweepRequest {
  /** Absolute path of the source. */
  readonly file: string;
  readonly routine: string;
  readonly profile: string;
  readonly token: CancellationToken;
  /** Hears how far the sweep is, 0 to 1. */
  readonly onProgress: (part: number) => void;
}

export interface SweepResult {
  readonly report: SweepReport;
  readonly failures: readonly { readonly failure: SweepFailure; readonly diff: FailureDiff }[];
}

/** Rejects with CampaignError if there is nothing to sweep; the report of a sweep that was cancelled has fewer cases than were planned. */
export async function runSweep(context: ExtensionContext, { file, routine, profile, token, onProgress }: SweepRequest): Promise<SweepResult> {
  const folder = workspace.workspaceFolders?.[0]?.uri.fsPath;
  const host = editorHost(folder);
  const argument = `${file}:${routine}`, options = { profile: [profile] };
  const campaign = await prepareCampaign(argument, options, host);
  const controller = new AbortController();
  const cancelled = token.onCancellationRequested(() => { controller.abort(); });
  if (token.isCancellationRequested) controller.abort();
  try {
    const report = await runCampaign(campaign, {
      worker: { argument, options, workingFolder: host.workingFolder, trusted: workspace.isTrusted, texts: unsavedTexts() },
      script: join(context.extensionPath, 'dist', 'sweep-worker.cjs'), signal: controller.signal,
      onProgress: ({ done }) => { onProgress(done / campaign.total); },
    });
    return { report, failures: report.failures.map((failure) => ({ failure, diff: failureDiff(campaign.references[failure.smallest.target]!, failure) })) };
  } finally {
    cancelled.dispose();
  }
}

/** Sources that are open and differ from the disk. */
function unsavedTexts(): ReadonlyMap<string, string> {
  return new Map(workspace.textDocuments.filter(({ isDirty, uri }) => isDirty && uri.scheme === 'file').map((document) => [document.uri.fsPath, document.getText()]));
}
