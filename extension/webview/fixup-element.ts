/**
 * `<mcsafe-fixup>`: one fixup as people want to see it. Above: what happened, how it was graded, which entry took it. Below: what it did to the registers.
 */
import { LitElement, html, nothing } from 'lit';
import type { TemplateResult } from 'lit';
import '@vscode-elements/elements/dist/vscode-badge/index.js';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-collapsible/index.js';
import type { FixupReport, ReportedPlace } from '../../debug-adapter/fixup-report.ts';
import { styles } from './fixup-styles.ts';
import type { SourceLine } from './messages.ts';

/** Dispatched when the user wants to see a place in its source. */
export class RevealEvent extends Event {
  readonly source: SourceLine;

  constructor(source: SourceLine) {
    super('reveal', { bubbles: true, composed: true });
    this.source = source;
  }
}

export class FixupElement extends LitElement {
  static override readonly properties = { fixups: { attribute: false }, shown: { state: true }, all: { state: true } };
  static override readonly styles = styles;

  declare fixups: readonly FixupReport[];
  /** Index of the fixup on show; the newest until the user chooses another. */
  declare shown: number;
  /** Whether registers that did not change are listed too. */
  declare all: boolean;

  constructor() {
    super();
    this.fixups = [];
    this.shown = -1;
    this.all = false;
  }

  /** Shows the newest of `fixups`. */
  show(fixups: readonly FixupReport[]): void {
    this.fixups = fixups;
    this.shown = fixups.length - 1;
  }

  override render(): TemplateResult {
    const fixup = this.fixups[this.shown];
    const announcement = fixup === undefined ? '' : `Fixup ${String(this.shown + 1)} of ${String(this.fixups.length)}: ${count(fixup.changes.length, 'register')} changed`;
    return html`
      <div class="announce" role="status">${announcement}</div>
      ${fixup === undefined ? empty() : this.#report(fixup)}
    `;
  }

  #report(fixup: FixupReport): TemplateResult {
    const { entry, severity } = fixup;
    return html`
      <section aria-label="Fixup ${fixup.sequence}">
        <div class="bar">
          <h1>${fixup.mnemonic} at ${fixup.from.name}</h1>
          ${this.fixups.length > 1 ? this.#history() : nothing}
        </div>
        <p class="summary">${fixup.summary}</p>
        <dl>
          ${severity === undefined ? nothing : html`<dt>Severity</dt><dd class="severity"><vscode-badge>${severity.severity}</vscode-badge> ${severity.message}</dd>`}
          <dt>Entry</dt><dd class="entry">${entry.index} of ${entry.tableSize}: <code>${breakable(entry.typeName)}</code></dd>
          <dt>Effect</dt><dd class="effect"><code>${entry.effect}</code></dd>
          <dt>From</dt><dd class="from">${place(fixup.from)}</dd>
          <dt>To</dt><dd class="to">${place(fixup.to)}</dd>
        </dl>
        ${registerTable(fixup, this.all)}
        <vscode-button secondary class="toggle" aria-pressed=${this.all} @click=${(): void => { this.all = !this.all; }}>${this.all ? 'Changed registers only' : 'All registers'}</vscode-button>
        ${severity === undefined ? nothing : grading(severity)}
      </section>
    `;
  }

  #history(): TemplateResult {
    const last = this.fixups.length - 1;
    const go = (index: number) => (): void => { this.shown = index; };
    return html`
      <span role="group" aria-label="Fixups of this session" class="bar">
        <vscode-button secondary class="earlier" ?disabled=${this.shown === 0} @click=${go(this.shown - 1)}>Earlier</vscode-button>
        <span>${this.shown + 1} of ${last + 1}</span>
        <vscode-button secondary class="later" ?disabled=${this.shown === last} @click=${go(this.shown + 1)}>Later</vscode-button>
      </span>
    `;
  }
}

function empty(): TemplateResult {
  return html`<p class="empty">No fixup has been executed yet. When an exception-table entry catches a fault, this view shows the entry and the registers it changed.</p>`;
}

/** A name, with a way to its source line if it has one. */
function place({ name, path, line }: ReportedPlace): TemplateResult {
  if (path === undefined || line === undefined) return html`<code>${name}</code>`;
  const reveal = (event: Event): void => { event.target!.dispatchEvent(new RevealEvent({ path, line })); };
  return html`<code>${name}</code> <button class="link" @click=${reveal}>${path.split(/[/\\]/).at(-1)}:${line}</button>`;
}

/** Rows stand in one fixed order, whatever changed first: the eye finds a register where it was the last time. */
function registerTable({ registers }: FixupReport, all: boolean): TemplateResult {
  const rows = registers.filter(({ changedBy }) => all || changedBy !== undefined);
  return html`
    <table>
      <caption><h2>${all ? 'All registers' : 'Registers changed by the fixup'}</h2></caption>
      <thead><tr><th scope="col">Register</th><th scope="col">Old → new, and who changed it</th></tr></thead>
      <tbody>
        ${rows.map(({ register, old, new: value, changedBy }) => html`
          <tr data-register=${register} class=${changedBy === undefined ? 'same' : 'changed'}>
            <th scope="row">${register}</th>
            <td>${changedBy === undefined
              ? html`<span class="value">${old}</span>`
              : html`<span class="value">${old}</span> <span class="value new">→ ${value}</span> <span class="by">by ${breakable(changedBy)}</span>`}</td>
          </tr>`)}
      </tbody>
    </table>
  `;
}

/** How the severity came about: the context, and the rows before the one that matched. */
function grading({ row, context, because, passedOver }: NonNullable<FixupReport['severity']>): TemplateResult {
  return html`
    <vscode-collapsible heading="Why this severity">
      <p>${breakable(context)}: ${breakable(because)}.</p>
      <p>Row ${row} matched, after ${count(passedOver.length, 'row')} that did not:</p>
      <ol class="rows">${passedOver.map((one) => html`<li value=${one.row}>${one.message}: ${breakable(one.because)}</li>`)}</ol>
    </vscode-collapsible>
  `;
}

/** A long name that may break after its underscores. */
function breakable(name: string): TemplateResult {
  return html`${name.split('_').map((part, index) => (index === 0 ? part : html`_<wbr>${part}`))}`;
}

function count(number: number, one: string): string {
  return `${String(number)} ${one}${number === 1 ? '' : 's'}`;
}

customElements.define('mcsafe-fixup', FixupElement);
