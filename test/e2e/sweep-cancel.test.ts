/**
 * Cancelling a sweep in the real workbench: it ends at once, nothing is told as passed or failed, and what is known is kept.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { samples } from './harness/server.ts';
import { Workbench } from './harness/workbench.ts';

const NAME = 'copy_mc.S';
/** An hour, if it were let. */
const source = samples(NAME)[NAME]!.replace('SYM_FUNC_START(copy_mc)', '# mcsafe: sweep n=1500 faults=mc-byte\nSYM_FUNC_START(copy_mc)');

let workbench: Workbench;

beforeAll(async () => {
  workbench = await Workbench.open({ workspace: { [NAME]: source } });
  await workbench.openFile(NAME);
}, 180_000);
afterAll(() => workbench?.close());

test('cancelling ends the CPU that is being swept and those that wait', async () => {
  workbench.explainFailure('sweep-cancel');
  await workbench.page.locator('.codelens-decoration a', { hasText: /^Sweep$/ }).first().click();
  await workbench.command('Testing: Focus on Test Explorer View');
  await workbench.page.locator('.test-explorer .monaco-list-row').first().click();
  await workbench.press('ArrowRight');
  await workbench.testItem(/^copy_mc \(Running\)/).waitFor();
  await workbench.command('Test: Cancel Test Run');
  await workbench.testItem(/^copy_mc \(Skipped\)/).waitFor();
  await workbench.press('ArrowDown');
  await workbench.press('ArrowRight');
  for (const label of [/^intel-server \(Skipped\)/, /^amd-server \(Skipped\)/]) await workbench.testItem(label).waitFor();
  expect(await workbench.page.locator('.test-explorer .codicon-loading').count()).toBe(0);
});

test('the report is of the cases that were run, and says so', async () => {
  workbench.explainFailure('sweep-cancel-report');
  await workbench.command('mcsafe: Show the Sweep Report');
  await workbench.page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame').getByText(/interrupted after/).first().waitFor();
});
