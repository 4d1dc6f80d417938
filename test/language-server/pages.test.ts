import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ranges } from '../../language-server/checks/ranges.ts';
import { CODES } from '../../language-server/checks/report.ts';

/** Of these each finding has its own severity. */
const RANGES: readonly string[] = ranges.codes;
const FOLDER = 'docs/diagnostics';
const codes = [...CODES.keys()];

describe('the pages of the diagnostics', () => {
  it('are one for each code, and no more', () => {
    const pages = readdirSync(FOLDER).filter((name) => name !== 'README.md').map((name) => name.replace(/\.md$/, ''));
    expect(pages.sort()).toEqual([...codes].sort());
  });

  it.each([...CODES].filter(([code]) => !RANGES.includes(code)))('%s names its severity and how to silence it', (code, severity) => {
    const page = readFileSync(`${FOLDER}/${code}.md`, 'utf8');
    expect(page.startsWith(`# ${code}\n\n*${severity[0]!.toUpperCase()}${severity.slice(1)} by default.*`)).toBe(true);
    expect(page).toContain(`mcsafe: ignore ${code}`);
  });

  it('are all in the list', () => {
    const list = readFileSync(`${FOLDER}/README.md`, 'utf8');
    for (const code of codes) expect(list).toContain(`- [${code}](${code}.md): `);
  });
});

describe('the codes of the reader and the assembler', () => {
  it('are all known', () => {
    const sources = ['assembly/gas', 'assembly/assembler'].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => readFileSync(`${folder}/${name}`, 'utf8')));
    const used = sources.flatMap((text) => [...text.matchAll(/(?:Error\(|'(?:error|warning|information|hint)', |\w+, |code: )'([a-z]+(?:-[a-z]+)+|syntax|cfi|preprocessor)'/g)].map((match) => match[1]!));
    expect(new Set(used).size).toBeGreaterThan(20);
    expect([...new Set(used)].filter((code) => !CODES.has(code) && !/^(zmm|ymm|xmm)-index$|-sae$/.test(code))).toEqual([]);
  });
});
