import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../language-server/checks/index.ts';

const FOLDER = 'docs/diagnostics';
const codes = CHECKS.flatMap((check) => check.codes);

describe('the pages of the diagnostics', () => {
  it('are one for each code, and no more', () => {
    const pages = readdirSync(FOLDER).filter((name) => name !== 'README.md').map((name) => name.replace(/\.md$/, ''));
    expect(pages.sort()).toEqual([...codes].sort());
  });

  it.each(CHECKS.filter(({ codes: [first] }) => first !== 'partial-overlap').flatMap(({ codes: own, severity }) => own.map((code) => [code, severity] as const)))('%s names its severity and how to silence it', (code, severity) => {
    const page = readFileSync(`${FOLDER}/${code}.md`, 'utf8');
    expect(page.startsWith(`# ${code}\n\n*${severity[0]!.toUpperCase()}${severity.slice(1)} by default.*`)).toBe(true);
    expect(page).toContain(`mcsafe: ignore ${code}`);
  });

  it('are all in the list', () => {
    const list = readFileSync(`${FOLDER}/README.md`, 'utf8');
    for (const code of codes) expect(list).toContain(`- [${code}](${code}.md): `);
  });
});
