/**
 * The HTML report of a sweep in a real browser: it asks for nothing, is accessible in light and dark, and its heat maps answer to mouse and keyboard.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from './harness/server.ts';
import { findBrowser } from './harness/workbench.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-page-'));
const file = join(folder, 'sweep.html');
let browser: Browser;

beforeAll(async () => {
  try {
    execFileSync(process.execPath, [join(ROOT, 'dist', 'mcsafe.cjs'), 'sweep', join(ROOT, 'samples', 'faulty', 'deferred_stores.S'), '-n', '0..128/16', '--profile', 'intel-server,intel-old', '--report', `html=${file}`], { stdio: 'ignore' });
  } catch {
    // It breaks a promise, so the status is 1; what the page says of it is what is looked at here.
  }
  browser = await chromium.launch({ executablePath: findBrowser()!, args: ['--no-sandbox', '--disable-gpu'] });
}, 60_000);
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

async function open(scheme: 'light' | 'dark' = 'light'): Promise<{ readonly page: Page; readonly asked: readonly string[]; readonly errors: readonly string[] }> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, colorScheme: scheme });
  const asked: string[] = [], errors: string[] = [];
  page.on('request', (request) => { asked.push(request.url()); });
  page.on('pageerror', (error) => { errors.push(error.message); });
  await page.goto(pathToFileURL(file).href);
  return { page, asked, errors };
}

describe('the HTML report of a sweep', () => {
  test('asks for nothing but itself, and its script runs', async () => {
    const { page, asked, errors } = await open();
    expect(asked).toEqual([pathToFileURL(file).href]);
    expect(errors).toEqual([]);
    await page.close();
  });

  test.each(['light', 'dark'] as const)('is accessible (%s)', async (scheme) => {
    const { page } = await open(scheme);
    await page.evaluate(() => { for (const details of document.querySelectorAll('details')) details.open = true; });
    // The page's own policy lets no script in from outside; evaluating is not from outside.
    await page.evaluate(readFileSync(join(ROOT, 'node_modules', 'axe-core', 'axe.min.js'), 'utf8'));
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { target: string[] }[] }[] }> } };
      return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
    });
    expect(violations).toEqual([]);
    await page.close();
  });

  test('a heat map is painted, and tells the cell under the mouse and under the arrow keys', async () => {
    const { page } = await open();
    const map = page.locator('figure', { has: page.locator('canvas[data-kind="mc-byte"]') });
    const canvas = map.locator('canvas');
    const colours = await canvas.evaluate((element: HTMLCanvasElement) => {
      const { data } = element.getContext('2d')!.getImageData(0, 0, element.width, element.height);
      return new Set(Array.from({ length: data.length / 4 }, (_, i) => data.slice(4 * i, 4 * i + 3).join())).size;
    });
    expect(colours).toBeGreaterThan(3);
    await canvas.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await map.locator('output').innerText()).toBe('n = 16, fault at byte 0 to 1: 0 of 256 violate');
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowUp');
    expect(await map.locator('output').innerText()).toBe('n = 16, fault at byte 8 to 9: 256 of 256 violate');
    await canvas.hover({ position: { x: 60, y: (await canvas.boundingBox())!.height - 40 } });
    expect(await map.locator('output').innerText()).toMatch(/^n = \d+, fault at byte/);
    await page.close();
  });

  test('the launch configuration can be copied', async () => {
    const { page } = await open();
    await page.locator('summary', { hasText: 'Launch configuration' }).first().click();
    const text = await page.locator('pre').first().innerText();
    expect(JSON.parse(text)).toMatchObject({ type: 'mcsafe', request: 'launch', n: 16 });
    await page.locator('button.copy').first().click();
    await page.locator('button.copy', { hasText: /Copied|Selected/ }).first().waitFor();
    await page.close();
  });
});
