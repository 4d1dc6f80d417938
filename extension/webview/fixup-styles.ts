/**
 * Looks of the fixup view: the editor's own colours and fonts, whatever the theme.
 */
import { css } from 'lit';

export const styles = css`
  :host { display: block; padding: 0 12px 12px; color: var(--vscode-foreground); font: var(--vscode-font-weight) var(--vscode-font-size) var(--vscode-font-family); }
  h1 { font-size: 1em; font-weight: 600; margin: 6px 0 2px; }
  p { margin: 2px 0; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 10px; margin: 6px 0 10px; }
  dt { opacity: 0.85; }
  dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
  code, .value, .by, tbody th { font-family: var(--vscode-editor-font-family, monospace); font-size: 0.95em; }
  .bar { display: flex; align-items: center; gap: 6px; flex-wrap: wrap; }
  .bar h1 { flex: 1 1 auto; }
  .link { background: none; border: 0; padding: 0; font: inherit; cursor: pointer; color: var(--vscode-textLink-foreground); text-decoration: underline; }
  .link:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 1px; }
  table { border-collapse: collapse; width: 100%; }
  caption { text-align: left; padding: 2px 0 4px; }
  h2 { font-size: 1em; font-weight: 600; margin: 0; }
  th, td { text-align: left; vertical-align: top; padding: 2px 6px 2px 0; border-bottom: 1px solid var(--vscode-widget-border, var(--vscode-panel-border, transparent)); }
  thead th { font-weight: normal; }
  tbody th { font-weight: 600; }
  tr.same th { font-weight: normal; }
  .value { white-space: nowrap; }
  .by { font-size: 0.9em; overflow-wrap: anywhere; }
  .new { font-weight: 600; }
  .toggle { margin: 8px 0; }
  .rows { margin: 4px 0; padding-inline-start: 3em; }
  .announce { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
`;
