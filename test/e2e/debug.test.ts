/**
 * The main job in the real workbench, with the packaged extension: hover, F5 with no launch.json, the machine check, the fixup, the register diff.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT, lineOf, samples } from './harness/server.ts';
import { Workbench, until } from './harness/workbench.ts';

const workspace = samples('copy_mc.S');
const source = workspace['copy_mc.S']!;
/** The load of the word loop, and the landing pad of all entries. */
const LOAD = lineOf(source, '.Lread_word:', 1);
const LANDING_PAD = lineOf(source, '.Lfaulted:', 1);

let workbench: Workbench;

beforeAll(async () => {
  workbench = await Workbench.open({ workspace });
  await workbench.openFile('copy_mc.S');
}, 180_000);
afterAll(() => workbench?.close());

test('hover on a load tells its exception-table entry', async () => {
  workbench.explainFailure('hover');
  const text = await workbench.hover({ line: '(%rsi), %r8', word: 'movq' }, /EX_TYPE_FAULT_MCE_SAFE/);
  expect(text).toContain('.Lfaulted');
});

test('F5 without a launch.json stops on the machine check, the faulting line highlighted', async () => {
  workbench.explainFailure('f5');
  await workbench.putCursor('.Lcopy_words:');
  await workbench.press('F5');
  await workbench.stoppedAt(LOAD);
  await workbench.row('Call Stack', /copy_mc/).waitFor();
  await workbench.page.locator('.repl-tree').getByText(`it holds line ${String(lineOf(source, '.Lcopy_words:'))}`).first().waitFor();
});

test('next lands on the fixup', async () => {
  workbench.explainFailure('next');
  await workbench.toolbar('step-over');
  await workbench.stoppedAt(LANDING_PAD);
});

test('the fixup view shows entry, severity and what changed', async () => {
  workbench.explainFailure('view');
  const view = workbench.fixupView();
  const row = (register: string): Promise<string> => view.locator(`tr[data-register="${register}"]`).innerText();
  await view.locator('tr[data-register="rax"]').waitFor();
  expect(await view.locator('h1').innerText()).toContain('#MC at copy_mc+');
  expect((await row('rax')).replaceAll(/\s+/g, ' ')).toMatch(/^rax 0x0 → 0x12 by EX_TYPE_FAULT_MCE_SAFE$/);
  expect(await row('rip')).toContain('EX_TYPE_FAULT_MCE_SAFE');
  expect(await view.locator('.entry').innerText()).toContain('EX_TYPE_FAULT_MCE_SAFE');
  expect(await view.locator('.severity').innerText()).toMatch(/Action required/i);
  expect(await view.locator('.to').innerText()).toContain(`copy_mc.S:${String(LANDING_PAD)}`);
  expect(workbench.violations).toEqual([]);
  await workbench.widenSideBar(140);
  await workbench.collapse('Watch');
  await workbench.collapse('Breakpoints');
  await workbench.collapse('Call Stack');
  await workbench.screenshot(join(ROOT, '.cache', 'e2e', 'fixup-view.png'));
});

test('the debug console knows registers', async () => {
  workbench.explainFailure('console');
  await workbench.evaluate('rax + 1', /0x13/);
});

test('continue ends the session', async () => {
  workbench.explainFailure('continue');
  await workbench.toolbar('continue');
  await until(async () => await workbench.page.locator('.debug-toolbar').isHidden(), 'the session to end');
});
