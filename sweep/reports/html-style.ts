/** The look of the HTML page, in light and dark. Colours of text have a contrast of 4.5 and more on their grounds. */
export const PAGE_STYLE = `
:root { --ground: #ffffff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --raised: #f6f8fa; --bad: #a40e26; --good: #116329; --warn: #7d4e00; --link: #0a5ccf;
  --heat-none: #f0f2f4; --heat-kept: #9ec9ea; --heat-few: #f5a860; --heat-all: #b3122d; }
@media (prefers-color-scheme: dark) { :root { --ground: #0f1318; --text: #e6edf3; --quiet: #9aa6b2; --line: #30363d; --raised: #171c23; --bad: #ff8f8a; --good: #6fdd8b; --warn: #e3b341; --link: #79b8ff;
  --heat-none: #1b2129; --heat-kept: #2f5f86; --heat-few: #d98c3f; --heat-all: #ff5c66; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 76rem; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; } h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; } h4 { font-size: 1rem; margin: 0; }
code, pre, .listing td, .listing th { font-family: ui-monospace, "DejaVu Sans Mono", Consolas, monospace; font-size: .9em; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.verdict { padding: .5rem .75rem; border-left: 4px solid; background: var(--raised); }
.verdict.kept { border-color: var(--good); } .verdict.kept strong { color: var(--good); }
.verdict.broken { border-color: var(--bad); } .verdict.broken strong { color: var(--bad); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; } .facts dt { color: var(--quiet); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.failure { border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; margin: .75rem 0; } .failure p { margin: .35rem 0; }
.clause { color: var(--bad); font-weight: 600; } .missed { color: var(--warn); font-weight: 600; } .place { color: var(--quiet); overflow-wrap: anywhere; } .entry { color: var(--quiet); border: 1px solid var(--line); border-radius: 3px; padding: 0 .3em; font-size: .85em; }
pre { background: var(--raised); padding: .75rem; overflow: auto; margin: .5rem 0 0; } summary { cursor: pointer; } details.target > summary { font-weight: 600; margin-top: 1.5rem; }
button.copy { font: inherit; color: var(--text); background: var(--raised); border: 1px solid var(--line); border-radius: 4px; padding: .15rem .6rem; margin-top: .5rem; }
table { border-collapse: collapse; } caption { text-align: left; color: var(--quiet); padding: .5rem 0 .25rem; }
th, td { text-align: left; padding: .15rem .75rem .15rem 0; vertical-align: top; border-bottom: 1px solid var(--line); font-weight: normal; } thead th { color: var(--quiet); font-weight: 600; }
.wide { overflow-x: auto; } .listing td:last-child { white-space: pre; tab-size: 8; } .listing th { color: var(--quiet); text-align: right; }
.listing thead th { text-align: left; } .listing tr.plain code { color: var(--quiet); } .listing tr.missed, .listing tr.partly { background: var(--raised); } .listing tr.missed td:nth-child(2), .listing tr.partly td:nth-child(2) { color: var(--warn); font-weight: 600; }
.maps { display: flex; flex-wrap: wrap; gap: 1.5rem; } figure { margin: 0; } figcaption { font-weight: 600; } output { display: block; color: var(--quiet); min-height: 1.5em; max-width: 24rem; }
canvas.heat { display: block; max-width: 100%; cursor: crosshair; }
.legend { color: var(--quiet); } .swatch { display: inline-block; width: .9em; height: .9em; margin: 0 .35em 0 .9em; vertical-align: -.1em; border: 1px solid var(--line); }
.swatch.none { background: var(--heat-none); margin-left: 0; } .swatch.kept { background: var(--heat-kept); } .swatch.few { background: var(--heat-few); } .swatch.all { background: var(--heat-all); }
footer { margin-top: 3rem; color: var(--quiet); }
@media print { details { display: block; } button.copy { display: none; } }
`;
