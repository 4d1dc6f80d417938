import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FixupReport } from '../../debug-adapter/fixup-report.ts';
import { fixupPage } from '../../extension/fixup-view/page.ts';

const CHROMIUM = '/usr/bin/chromium';
const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Colours of the editor's own themes, as far as the view uses them. */
const THEMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'dark modern': { foreground: '#cccccc', 'sideBar-background': '#181818', 'textLink-foreground': '#4daafc', 'badge-background': '#616161', 'badge-foreground': '#f8f8f8', 'button-secondaryBackground': '#313131', 'button-secondaryForeground': '#cccccc', focusBorder: '#0078d4', 'sideBarSectionHeader-background': '#181818', 'sideBarTitle-foreground': '#cccccc' },
  'light modern': { foreground: '#3b3b3b', 'sideBar-background': '#f8f8f8', 'textLink-foreground': '#005fb8', 'badge-background': '#cccccc', 'badge-foreground': '#3b3b3b', 'button-secondaryBackground': '#e5e5e5', 'button-secondaryForeground': '#3b3b3b', focusBorder: '#005fb8', 'sideBarSectionHeader-background': '#f8f8f8', 'sideBarTitle-foreground': '#3b3b3b' },
  'high contrast': { foreground: '#ffffff', 'sideBar-background': '#000000', 'textLink-foreground': '#21a6ff', 'badge-background': '#000000', 'badge-foreground': '#ffffff', 'button-secondaryBackground': '#000000', 'button-secondaryForeground': '#ffffff', focusBorder: '#f38518', 'sideBarSectionHeader-background': '#000000', 'sideBarTitle-foreground': '#ffffff' },
};

const REGISTERS = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip', 'rflags'];

/** A machine check that EX_TYPE_FAULT_MCE_SAFE took: ax = 18. */
function report(sequence: number, copied: number): FixupReport {
  const changed: Record<string, { old: string; new: string; changedBy: string }> = {
    rip: { old: '0xffffffff81000010', new: '0xffffffff81000040', changedBy: 'EX_TYPE_FAULT_MCE_SAFE' },
    rax: { old: '0x0', new: '0x12', changedBy: 'EX_TYPE_FAULT_MCE_SAFE' },
  };
  return {
    sequence, vector: 18, mnemonic: '#MC', summary: `machine check: 8 bytes read at src+0x${copied.toString(16)} are poisoned`,
    from: { address: '0xffffffff81000010', name: 'copy_mc+0x10', path: '/ws/copy_mc.S', line: 26 },
    to: { address: '0xffffffff81000040', name: 'copy_mc+0x40', path: '/ws/copy_mc.S', line: 51 },
    landingPad: '.Lfaulted',
    entry: { text: 'entry 0 of 4', index: 0, tableSize: 4, insn: '0xffffffff81000010', fixup: '0xffffffff81000040', type: 15, typeName: 'EX_TYPE_FAULT_MCE_SAFE', handler: 'puts the trap number into ax and goes to the landing pad', effect: 'ax = trapnr (18); ip = fixup' },
    severity: { severity: 'AR', row: 30, message: 'Action required: data load in error recoverable area of kernel', context: 'IN_KERNEL_RECOV', because: 'the entry type is safe under a machine check', passedOver: [{ row: 1, message: 'Invalid', because: 'VAL is set' }] },
    // In the order they happened; the view has an order of its own.
    phases: [],
    changes: Object.entries(changed).map(([register, change]) => ({ register, ...change })),
    registers: REGISTERS.map((register, number) => ({ register, old: `0x${number.toString(16)}`, new: `0x${number.toString(16)}`, ...changed[register] })),
    position: { exceptions: sequence - 1, instructions: '10' },
  };
}

const missing = existsSync(CHROMIUM) ? undefined : `${CHROMIUM} is not installed`;
if (missing !== undefined) {
  if (process.env['MCSAFE_REQUIRE'] === 'all') throw new Error(missing);
  console.log(`skipped: fixup view in a browser: ${missing}`);
}

describe.skipIf(missing !== undefined)('the fixup view', () => {
  let browser: Browser;
  let page: Page;
  let violations: string[];
  let script: string;

  beforeAll(async () => {
    const { outputFiles } = await build({ absWorkingDir: root, entryPoints: ['extension/webview/main.ts'], bundle: true, write: false, format: 'iife', target: 'es2022', logLevel: 'silent' });
    script = outputFiles[0]!.text;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  }, 60_000);
  afterAll(() => browser?.close());

  /** The page as the extension serves it, its policy included, in one of the editor's themes; then the fixups. */
  async function show(theme: string, fixups: readonly FixupReport[]): Promise<void> {
    violations = [];
    page = await browser.newPage({ viewport: { width: 260, height: 700 } });
    page.on('console', (message) => { if (message.text().includes('Content Security Policy')) violations.push(message.text()); });
    await page.addInitScript('window.messages = []; window.acquireVsCodeApi = () => ({ postMessage: (message) => window.messages.push(message) });');
    const colours = Object.entries(THEMES[theme]!).map(([name, value]) => `--vscode-${name}: ${value};`).join(' ');
    const themeSheet = `:root { ${colours} --vscode-font-family: sans-serif; --vscode-font-size: 13px; --vscode-font-weight: normal; } body { background: var(--vscode-sideBar-background); margin: 0; }`;
    const html = fixupPage({ script: 'http://view.test/fixup-view.js', cspSource: 'http://view.test', nonce: 'abc' }).replace('</head>', '<link rel="stylesheet" href="http://view.test/theme.css"></head>');
    await page.route('http://view.test/**', (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname.endsWith('.js')) return route.fulfill({ contentType: 'text/javascript', body: script });
      if (pathname.endsWith('.css')) return route.fulfill({ contentType: 'text/css', body: themeSheet });
      return route.fulfill({ contentType: 'text/html', body: html });
    });
    await page.goto('http://view.test/');
    await page.evaluate('new Promise((resolve) => { addEventListener("message", () => setTimeout(resolve, 50), { once: true }); postMessage(' + JSON.stringify({ kind: 'show', fixups }) + ', "*"); })');
  }

  const rows = (): Promise<string[]> => page.locator('tbody tr').evaluateAll((found) => found.map((row) => row.getAttribute('data-register') ?? ''));

  test('says what it is for before anything happened', async () => {
    await show('dark modern', []);
    expect(await page.getByText('No fixup has been executed yet').count()).toBe(1);
    expect(await page.evaluate('window.messages')).toEqual([{ kind: 'ready' }]);
  });

  test('shows who changed which register, in a fixed order', async () => {
    await show('dark modern', [report(1, 64)]);
    expect(await rows()).toEqual(['rax', 'rip']);
    const cells = await page.locator('tr[data-register="rax"]').innerText();
    expect(cells.replaceAll(/\s+/g, ' ')).toBe('rax 0x0 → 0x12 by EX_TYPE_FAULT_MCE_SAFE');
    await page.getByRole('button', { name: 'All registers' }).click();
    expect(await rows()).toEqual(REGISTERS);
  });

  test('shows severity and entry above the registers', async () => {
    await show('dark modern', [report(1, 64)]);
    expect(await page.locator('.severity').innerText()).toContain('Action required');
    expect(await page.locator('.entry').innerText()).toContain('EX_TYPE_FAULT_MCE_SAFE');
    const entry = await page.locator('.entry').boundingBox();
    const table = await page.locator('table').boundingBox();
    expect(entry!.y).toBeLessThan(table!.y);
  });

  test('opens the source line that is clicked', async () => {
    await show('dark modern', [report(1, 64)]);
    await page.getByRole('button', { name: 'copy_mc.S:51' }).click();
    expect(await page.evaluate('window.messages.at(-1)')).toEqual({ kind: 'reveal', path: '/ws/copy_mc.S', line: 51 });
  });

  test('pages through the fixups of a session, newest first', async () => {
    await show('dark modern', [report(1, 64), report(2, 65)]);
    expect(await page.locator('.summary').innerText()).toContain('src+0x41');
    await page.getByRole('button', { name: 'Earlier' }).click();
    expect(await page.locator('.summary').innerText()).toContain('src+0x40');
    expect(await page.getByRole('status').innerText()).toBe('Fixup 1 of 2: 2 registers changed');
  });

  test.each(Object.keys(THEMES))('is accessible and keeps its policy: %s', async (theme) => {
    await show(theme, [report(1, 64), report(2, 65)]);
    await page.getByRole('button', { name: 'All registers' }).click();
    // By the debugger's protocol, which no content-security policy of the page concerns.
    await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
    const found = await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html + " " + failureSummary).join(" | ")))');
    expect(found).toEqual([]);
    expect(violations).toEqual([]);
  });

  test('fits a narrow side bar', async () => {
    await show('light modern', [report(1, 64)]);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(overflow).toBeLessThanOrEqual(0);
  });
});
