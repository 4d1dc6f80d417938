/**
 * What binutils says of an object, as text two objects can be compared by: contents, relocations and symbols of every section that is kept.
 */
import { execFileSync } from 'node:child_process';

/** Sections that only build tools read, and that the build throws away. */
const DISCARDED = /^\.(rela)?\.?discard|^\.note|^\.debug|^\.symtab$|^\.strtab$|^\.shstrtab$/;

function binutils(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
}

/** Contents of each kept section (`objdump -s`), relocations (`-r`) and symbols (`readelf -s`, without what is in discarded sections). */
export function objectText(object: string): string {
  const dump = binutils('objdump', '-s', '-r', object).replaceAll(object, 'OBJECT').split('\n');
  const kept: string[] = [];
  let keep = true;
  let relocations: string[] | undefined;
  for (const line of dump) {
    const header = /^(?:Contents of section (.+):|RELOCATION RECORDS FOR \[(.+)\]:)$/.exec(line);
    if (header !== null) {
      kept.push(...(relocations ?? []).sort());
      relocations = header[2] === undefined ? undefined : [];
      keep = !DISCARDED.test(header[1] ?? header[2]!);
    }
    // In which order the relocations of a section are written means nothing.
    if (keep && line !== '') (relocations !== undefined && header === null ? relocations : kept).push(line);
  }
  kept.push(...(relocations ?? []).sort());
  const discarded = new Set([...binutils('readelf', '-SW', object).matchAll(/^\s*\[\s*(\d+)\]\s+(\S+)/gm)].filter((match) => DISCARDED.test(match[2]!)).map((match) => match[1]!));
  const names = new Map([...binutils('readelf', '-SW', object).matchAll(/^\s*\[\s*(\d+)\]\s+(\S+)/gm)].map((match) => [match[1]!, match[2]!]));
  const symbols = [...binutils('readelf', '-sW', object).matchAll(/^\s*\d+: ([0-9a-f]{16})\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S*)$/gm)]
    .filter((match) => !discarded.has(match[6]!) && match[3] !== 'FILE')
    .map(([, value, size, type, binding, visibility, section, name]) => [name === '' ? names.get(section!) ?? '' : name, value, size, type, binding, visibility, names.get(section!) ?? section].join(' '))
    .sort();
  return [...kept, ...symbols].join('\n');
}
