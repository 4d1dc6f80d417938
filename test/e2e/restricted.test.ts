/**
 * Restricted Mode: reading works, and nothing is run before the user trusts the workspace.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { samples } from './harness/server.ts';
import { Workbench } from './harness/workbench.ts';

let workbench: Workbench;

beforeAll(async () => {
  workbench = await Workbench.open({ workspace: samples('copy_mc.S'), trusted: false, settings: { 'security.workspace.trust.startupPrompt': 'never' } });
  await workbench.openFile('copy_mc.S');
}, 180_000);
afterAll(() => workbench?.close());

test('hover works', async () => {
  expect(await workbench.hover({ line: '(%rsi), %r8', word: 'movq' }, /EX_TYPE_FAULT_MCE_SAFE/)).toContain('.Lfaulted');
});

test('F5 asks for trust first', async () => {
  await workbench.putCursor('.Lcopy_words:');
  await workbench.press('F5');
  const dialog = workbench.page.locator('.monaco-dialog-box');
  await dialog.waitFor();
  expect(await dialog.innerText()).toMatch(/trust/i);
  await workbench.press('Escape');
  expect(await workbench.page.locator('.debug-toolbar').isVisible()).toBe(false);
});
