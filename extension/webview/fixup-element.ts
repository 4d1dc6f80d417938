/**
 * `<mcsafe-fixup>`: one fixup as people want to see it. Above: what happened, how it was graded, which entry took it. Below: what it did to the registers.
 */
import { LitElement, css, html, nothing } from 'lit';
import type { TemplateResult } from 'lit';
import '@vscode-elements/elements/dist/vscode-badge/index.js';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-collapsible/index.js';
import type { FixupReport, Place, RegisterRow } from './messages.ts';

/** Dispatched when the user wants to see a place in its source. */
export class RevealEvent extends Event {
  readonly source: NonNullable<Place['source']>;

  constructor(source: NonNullable<Place['source']>) {
    super('reveal', { bubbles: true, composed: true });
    this.source = source;
  }
}

export class FixupElement extends LitElement {
  static override readonly properties = { fixups: { attribute: false }, shown: { state: true } };

  static override readonly styles = css`
    :host { display: block; padding: 0 12px 12px; color: var(--vscode-foreground); font: var(--vscode-font-weight) var(--vscode-font-size) var(--vscode-font-family); }
    h2 { font-size: 1em; font-weight: 600; margin: 8px 0 4px; }
    p { margin: 4px 0; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 10px; margin: 6px 0 10px; }
    dt { color: var(--vscode-descriptionForeground); }
    dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
    code, td.value, th.register, .label { font-family: var(--vscode-editor-font-family, monospace); font-size: var(--vscode-editor-font-size, 0.95em); }
    .bar { display: flex; align-items: center; gap: 6px; flex-wrap: wrap; }
    .bar h2 { flex: 1 1 auto; }
    .link { background: none; border: 0; padding: 0; font: inherit; text-align: left; cursor: pointer; color: var(--vscode-textLink-foreground); text-decoration: underline; }
    .link:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 1px; }
    .scroll { overflow-x: auto; }
    .scroll:focus-visible { outline: 1px solid var(--vscode-focusBorder); }
    table { border-collapse: collapse; width: 100%; }
    caption { text-align: left; color: var(--vscode-descriptionForeground); padding: 2px 0 4px; }
    th, td { text-align: left; padding: 2px 8px 2px 0; white-space: nowrap; border-bottom: 1px solid var(--vscode-widget-border, var(--vscode-panel-border, transparent)); }
    thead th { font-weight: 600; }
    th.register { font-weight: 600; }
    td.old { color: var(--vscode-descriptionForeground); }
    td.new { color: var(--vscode-debugTokenExpression-number, var(--vscode-foreground)); font-weight: 600; }
    .announce { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  `;

  declare fixups: readonly FixupReport[];
  /** Index of the fixup on show; the newest until the user chooses another. */
  declare shown: number;

  constructor() {
    super();
    this.fixups = [];
    this.shown = -1;
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
      ${fixup === undefined ? this.#empty() : this.#report(fixup)}
    `;
  }

  #empty(): TemplateResult {
    return html`<p class="empty">No fixup has been executed yet. When an exception-table entry catches a fault, this view shows the entry and the registers it changed.</p>`;
  }

  #report(fixup: FixupReport): TemplateResult {
    return html`
      <section aria-label="Fixup ${fixup.sequence}">
        <div class="bar">
          <h2>${fixup.exception} at ${fixup.from.label}</h2>
          ${this.fixups.length > 1 ? this.#history() : nothing}
        </div>
        <p class="summary">${fixup.summary}</p>
        <dl>
          ${fixup.severity === undefined ? nothing : html`<dt>Severity</dt><dd class="severity"><vscode-badge>${fixup.severity.level}</vscode-badge> ${fixup.severity.reason}</dd>`}
          <dt>Entry</dt><dd class="entry">${fixup.entry}</dd>
          <dt>Handler</dt><dd class="handler"><code>${fixup.handlerType}</code>: ${fixup.effect}</dd>
          <dt>From</dt><dd class="from">${place(fixup.from)}</dd>
          <dt>To</dt><dd class="to">${place(fixup.to)}</dd>
        </dl>
        ${registerTable(fixup.changes)}
        <vscode-collapsible heading="${count(fixup.unchanged.length, 'register')} unchanged" heading-level="3">
          <p class="unchanged"><code>${fixup.unchanged.join(' ')}</code></p>
        </vscode-collapsible>
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

/** A label, with a way to its source line if it has one. */
function place({ label, position, source }: Place): TemplateResult {
  const reveal = (event: Event): void => {
    if (source !== undefined) event.target!.dispatchEvent(new RevealEvent(source));
  };
  return html`<span class="label">${label}</span>${position === undefined ? nothing : html` <button class="link" @click=${reveal}>${position}</button>`}`;
}

function registerTable(changes: readonly RegisterRow[]): TemplateResult {
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Registers changed by the fixup">
      <table>
        <caption>Registers changed by the fixup</caption>
        <thead><tr><th scope="col">Register</th><th scope="col">Old</th><th scope="col">New</th><th scope="col">Changed by</th></tr></thead>
        <tbody>
          ${changes.map((change) => html`
            <tr data-register=${change.register}>
              <th scope="row" class="register">${change.register}</th>
              <td class="value old">${change.old}</td>
              <td class="value new">${change.new}</td>
              <td class="by">${change.changedBy}</td>
            </tr>`)}
        </tbody>
      </table>
    </div>
  `;
}

function count(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? '' : 's'}`;
}

customElements.define('mcsafe-fixup', FixupElement);
