/**
 * Sweeping in the real workbench: the code lens, the Test Explorer, a failure at its line, and from there into the debugger.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { ROOT, lineOf, samples } from './harness/server.ts';
import { Workbench } from './harness/workbench.ts';

const NAME = 'deferred_stores.S';
/** Fewer lengths than the sample asks for: what is tested is the editor. */
const source = samples(`faulty/${NAME}`)[`faulty/${NAME}`]!.replace('n=0..256/16', 'n=0..32/16');
/** The second load, whose landing pad credits what was not stored. */
const GUILTY = lineOf(source, '.Lsecond:', 1);

let workbench: Workbench;

beforeAll(async () => {
  workbench = await Workbench.open({ workspace: { [NAME]: source } });
  await workbench.openFile(NAME);
}, 180_000);
afterAll(() => workbench?.close());

test('the code lens sweeps the routine on every CPU; the failure stands at the guilty line', async () => {
  workbench.explainFailure('sweep-lens');
  await workbench.page.locator('.codelens-decoration a', { hasText: /^Sweep$/ }).first().click();
  await workbench.failure('over-claim: says 8 bytes are done; only 0 are').waitFor();
});

test('the Test Explorer has the routine and its CPUs, and shows which failed', async () => {
  workbench.explainFailure('sweep-explorer');
  await workbench.command('Testing: Focus on Test Explorer View');
  await workbench.page.locator('.test-explorer .monaco-list-row').first().click();
  for (const label of [/^copy_pairs \(Failed\)/, /^intel-server \(Failed\)/, /^amd-server \(Failed\)/]) {
    await workbench.press('ArrowRight');
    await workbench.press('ArrowDown');
    await workbench.testItem(label).waitFor();
  }
});

test('the failure opens what the smallest case left beside what was promised; "debug this case" stands where the promise broke', async () => {
  workbench.explainFailure('sweep-debug');
  await workbench.failure('over-claim').click();
  const peek = workbench.page.locator('.zone-widget');
  await peek.getByText('does not keep its promise').first().waitFor();
  await peek.locator('.action-label.codicon-arrow-down').click();
  await peek.locator('.monaco-diff-editor').getByText('8 of 16 bytes are done').first().waitFor();
  await workbench.screenshot(join(ROOT, '.cache', 'e2e', 'sweep.png'));
  await peek.getByText('Debug This Case', { exact: true }).locator('visible=true').first().click();
  await workbench.stoppedAt(GUILTY);
});
