/**
 * The workbench in Chromium, and what a person does in it. Selectors live here and nowhere else.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { BrowserContext, FrameLocator, Locator, Page } from 'playwright-core';
import { onTestFailed } from 'vitest';
import { ROOT, startServer } from './server.ts';
import type { ServerOptions, VSCodeServer } from './server.ts';

/** A word in the editor: the line it stands on is found by its text. */
export interface Word {
  /** Text that only this line holds. */
  readonly line: string;
  readonly word: string;
}

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const EXTENSION = 'mcsafe.mcsafe';

export class Workbench {
  readonly page: Page;
  readonly server: VSCodeServer;
  /** Messages of the page's console that are errors of a content-security policy. */
  readonly violations: string[] = [];
  readonly #browser: BrowserContext;
  readonly #profile: string;

  private constructor(server: VSCodeServer, browser: BrowserContext, profile: string, page: Page) {
    this.server = server;
    this.#browser = browser;
    this.#profile = profile;
    this.page = page;
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy') && message.text().includes('fixup')) this.violations.push(message.text());
    });
  }

  /** Starts server and browser, and waits until the workspace is open. */
  static async open(options: ServerOptions): Promise<Workbench> {
    const server = await startServer(options);
    const profile = mkdtempSync(join(tmpdir(), 'mcb-'));
    try {
      const browser = await chromium.launchPersistentContext(profile, {
        executablePath: browserPath(), headless: true, viewport: { width: 1400, height: 900 },
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
      });
      const page = browser.pages()[0] ?? await browser.newPage();
      page.setDefaultTimeout(60_000);
      const workbench = new Workbench(server, browser, profile, page);
      await page.goto(server.url, { timeout: 60_000 });
      await page.locator('.explorer-folders-view .monaco-list-row').first().waitFor({ timeout: 120_000 });
      return workbench;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.server.stop();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async openFile(name: string): Promise<void> {
    await this.page.locator('.explorer-folders-view .monaco-list-row', { hasText: name }).dblclick();
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
    await this.page.locator('.editor-instance .view-line').first().waitFor();
  }

  /** Puts the cursor on the line that holds `text`. */
  async putCursor(text: string): Promise<void> {
    // A hover still on show would take the click.
    await this.page.keyboard.press('Escape');
    const box = await this.#wordBox({ line: text, word: text });
    const active = this.page.locator('.editor-instance .line-numbers.active-line-number');
    await until(async () => {
      await this.page.mouse.click(box.x + box.width - 1, box.y + box.height / 2);
      const number = await active.boundingBox();
      return number !== null && Math.abs(number.y - box.y) < box.height / 2;
    }, `the cursor on the line "${text}"`);
  }

  /** The text of the hover over a word. */
  async hover(word: Word, expected: RegExp): Promise<string> {
    const box = await this.#wordBox(word);
    const hover = this.page.locator('.monaco-hover:not(.hidden)').filter({ hasText: expected });
    await until(async () => {
      // Moving away and back asks again: the first hover may have come before the server was up.
      await this.page.mouse.move(box.x + box.width / 2, box.y + 200);
      await this.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      return hover.first().waitFor({ timeout: 8000 }).then(() => true, () => false);
    }, `a hover with ${String(expected)} over "${word.word}"`);
    return hover.first().innerText();
  }

  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }

  /** Runs a command of the palette by its title. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    const input = this.page.locator('.quick-input-widget input');
    await input.fill(`>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().waitFor();
    await this.page.keyboard.press('Enter');
  }

  async toolbar(button: 'continue' | 'step-over' | 'step-into' | 'step-out' | 'step-back' | 'reverse-continue' | 'restart' | 'stop'): Promise<void> {
    await this.page.locator(`.debug-toolbar .codicon-debug-${button}`).click();
  }

  /** Waits until the debugger stands on line `line` (from 1): the highlighted one, not just the selected frame's. */
  async stoppedAt(line: number): Promise<void> {
    await until(async () => (await this.#stoppedLine()) === line, `the debugger to stand on line ${String(line)}`, async () => `it stands on ${String(await this.#stoppedLine() ?? 'no line')}`);
  }

  /** Number of the highlighted line; undefined if there is none in sight. */
  async #stoppedLine(): Promise<number | undefined> {
    return this.page.evaluate(() => {
      const highlight = document.querySelector('.view-overlays :is(.debug-top-stack-frame-line, .debug-focused-stack-frame-line)');
      const top = highlight?.parentElement?.style.top;
      if (top === undefined) return undefined;
      const margin = [...document.querySelectorAll<HTMLElement>('.margin-view-overlays > div')].find((one) => one.style.top === top && one.querySelector('.line-numbers') !== null);
      return margin === undefined ? undefined : Number(margin.querySelector('.line-numbers')!.textContent);
    });
  }

  /** A row of a pane of the debug side bar: "Variables", "Call Stack", "Breakpoints". */
  row(pane: string, label: RegExp): Locator {
    return this.page.locator(`.pane:has(.pane-header[aria-label^="${pane}"]) .monaco-list-row`).and(this.page.getByLabel(label)).first();
  }

  /** Opens a row of the variables pane, unless it is open. */
  async expand(row: Locator): Promise<void> {
    await row.waitFor();
    if (await row.getAttribute('aria-expanded') === 'false') await row.locator('.monaco-tl-twistie').click();
  }

  /** What a failed test says at a line of the editor. */
  failure(text: string): Locator {
    return this.page.locator('.test-error-content-widget', { hasText: text }).first();
  }

  /** An item of the Test Explorer by its label, which ends with its state. */
  testItem(label: RegExp): Locator {
    return this.page.locator('.test-explorer .monaco-list-row').and(this.page.getByLabel(label)).first();
  }

  /** Closes a pane of the debug side bar, so that the others have its room. */
  async collapse(pane: string): Promise<void> {
    const header = this.page.locator(`.pane-header[aria-label^="${pane}"]`);
    if (await header.getAttribute('aria-expanded') === 'true') await header.click();
  }

  /** Drags the border of the side bar to the right. */
  async widenSideBar(pixels: number): Promise<void> {
    const box = await this.page.locator('.part.sidebar').boundingBox();
    const [x, y] = [box!.x + box!.width, box!.y + box!.height / 2];
    await this.page.mouse.move(x, y);
    await this.page.mouse.down();
    await this.page.mouse.move(x + pixels, y, { steps: 4 });
    await this.page.mouse.up();
  }

  /** The page inside the fixup view. */
  fixupView(): FrameLocator {
    return this.page.frameLocator(`iframe.webview.ready[src*="extensionId=${EXTENSION}"][src*="purpose=webviewView"]`).frameLocator('iframe#active-frame');
  }

  /** Types into the debug console and waits for an output line that matches. */
  async evaluate(text: string, expected: RegExp): Promise<string> {
    await this.command('Debug Console: Focus on Debug Console View');
    await this.page.locator('.repl-input-wrapper .monaco-editor').click();
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
    const output = this.page.locator('.repl-tree .monaco-list-row').filter({ hasText: expected }).last();
    await output.waitFor();
    return output.innerText();
  }

  /** A picture of the window, or of a part of it. */
  async screenshot(path: string, clip?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }): Promise<void> {
    await this.page.screenshot({ path, ...(clip === undefined ? {} : { clip }) });
  }

  /** Keeps a picture and the server's log of the running test, should it fail. */
  explainFailure(name: string): void {
    onTestFailed(async () => {
      const folder = join(ROOT, '.cache', 'e2e', 'failures');
      mkdirSync(folder, { recursive: true });
      await this.screenshot(join(folder, `${name}.png`));
      console.log(`picture: ${join(folder, `${name}.png`)}\n${this.server.log().slice(-3000)}`);
    });
  }

  async #wordBox({ line, word }: Word): Promise<{ x: number; y: number; width: number; height: number }> {
    let box: { x: number; y: number; width: number; height: number } | undefined;
    await until(async () => {
      box = await this.page.evaluate(({ line, word }) => {
        const plain = (text: string): string => text.replaceAll('\u00a0', ' ');
        for (const element of document.querySelectorAll<HTMLElement>('.editor-instance .view-lines > .view-line')) {
          const text = plain(element.textContent);
          if (!text.includes(line)) continue;
          const start = text.indexOf(word);
          const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
          const range = document.createRange();
          for (let passed = 0, node = walker.nextNode(); node !== null; passed += node.textContent!.length, node = walker.nextNode()) {
            const length = node.textContent!.length;
            if (start >= passed && start < passed + length) range.setStart(node, start - passed);
            if (start + word.length > passed && start + word.length <= passed + length) {
              range.setEnd(node, start + word.length - passed);
              const { x, y, width, height } = range.getBoundingClientRect();
              return { x, y, width, height };
            }
          }
        }
        return undefined;
      }, { line, word });
      return box !== undefined;
    }, `the line "${line}" with "${word}" in the editor`);
    return box!;
  }
}

/** Where Chromium is; undefined if it is not installed. */
export function findBrowser(): string | undefined {
  return CHROMIUM.find((path) => existsSync(path));
}

function browserPath(): string {
  const path = findBrowser();
  if (path === undefined) throw new Error('Chromium is missing; apt-get install chromium');
  return path;
}

/** Polls until `condition` holds; the error says what was waited for. */
export async function until(condition: () => Promise<boolean>, what: string, detail?: () => Promise<string>): Promise<void> {
  const end = Date.now() + 90_000;
  while (Date.now() < end) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited 90 s for ${what}${detail === undefined ? '' : `; ${await detail()}`}`);
}
