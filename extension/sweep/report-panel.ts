/**
 * The HTML report of the last sweeps, beside the editor: the very page that `mcsafe sweep --report html=FILE` writes.
 */
import { ViewColumn, window } from 'vscode';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { namedSources, sweepHtml } from '../../sweep/reports/html.ts';
import { editorHost } from '../editor-host.ts';

export function showReport(reports: readonly SweepReport[], version: string): void {
  if (reports.length === 0) {
    void window.showInformationMessage('mcsafe: sweep a routine first, with "mcsafe: Sweep the Routine" or in the Test Explorer.');
    return;
  }
  const { files } = editorHost(undefined);
  const panel = window.createWebviewPanel('mcsafe.sweepReport', 'Sweep report', ViewColumn.Beside, { enableScripts: true, enableFindWidget: true, localResourceRoots: [] });
  panel.webview.html = sweepHtml({ reports, version, sources: namedSources(reports, (path) => {
    const bytes = files.read(path);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }) });
}
