/**
 * Lines of real sources with small mistakes in them: what GNU as refuses is refused, what it takes is taken.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import { read } from '../assembler/reader.ts';
import { SPELLINGS } from '../assembler/spellings.ts';
import { has } from '../host/tools.ts';

const LINES = 12_000;
const REGISTERS = ['%rax', '%eax', '%ax', '%al', '%rsp', '%r8', '%r15d', '%xmm3', '%ymm1', '%cr0', '%ds', '%st', '%st(1)', '%k1', '%zmm17', '%rip', '%ah', '%sil'];
const NUMBERS = ['$0x100', '$-1', '$0xffffffff', '$0x1ffffffff', '$foo', '300', '-8', '08', '4u', '4ull', '0x', '$1b', '1f', '0x1ffffffffffffffffffff'];
const CHARACTERS = '%$(),.*+-0123456789abqlrx "@:!<>&|~{}[]=';
const DIRECTIVES = [
  '.long 1, 2 - 3', '.quad foo + 4', '.byte 0x12, 077, 0b11', '.balign 16, 0x90', '.p2align 4,,15', '.skip 4, 1', '.type foo, @function', '.size foo, . - foo', '.globl foo, bar',
  '.octa 0x1234', '.float 1.5', '.uleb128 300', '.hidden foo',
];
/** Lines that change what later ones mean, or what gas says of them: a pseudo prefix that stands alone is held against the next line. */
const UNFIT = /\{|\/\*|\*\/|;|^\s*[#\d]|\\|:|'|^\s*\w+\s*=|^\s*\.(?!(long|quad|byte|balign|p2align|type|size|globl|octa|float|uleb128|hidden)\b)|"[^"]*$|\d{7}/;
/** gas takes these with a warning and a value of its own making; to us they are mistakes. */
const SLOPPY = /zero assumed|register value used as expression|treating|missing (closing|operand)/;

/** Where the two differ, and why it is left so. */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/(^|[\s,$])0x(?![\da-f])/, 'gas takes 0x without digits for 0 in data and inside of expressions'],
  [/^l(jmp|call)\s+[\w.]+( [+-] \d+)?$/, 'gas makes a far branch through memory of a bare name'],
  [/^p(ins|ext)r[bw] \$0xffffffff/, 'we cut the immediate off as gas does with other instructions'],
  [/^(vmov[dw]|movmskp[sd]l|xsaves64q)\b/, 'rare suffixes and widths of moves'],
  [/!%|%0$|^shl \*/, 'operators in front of registers and behind numbers'],
  [/^(movsxd?\s+%(e..|r\d+d), ?%([a-d]x|e..)|rc[lr]\t?%[er]cx,)/, 'gas takes moves and counts of these widths, though it encodes others'],
  [/%\wx?l?x?l,|q%ea,x/, 'gas has %axl for %al with a REX prefix, and takes % in the middle of a name'],
];

/** mulberry32: the same lines on every machine. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

function originals(): readonly string[] {
  const files = ['samples', 'samples/faulty', 'samples/handlers'].flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith('.S')).map((name) => join(folder, name)));
  const lines = files.flatMap((file) => readFileSync(file, 'utf8').split('\n')).map((line) => line.trim()).filter((line) => /^[a-z]/.test(line) && !UNFIT.test(line) && !/[A-Z]{3}/.test(line));
  return [...new Set([...lines, ...SPELLINGS.filter((line) => !UNFIT.test(line)), ...DIRECTIVES])];
}

function mutated(line: string, pick: (below: number) => number, all: readonly string[]): string {
  const at = pick(line.length);
  const parts = line.split(',');
  switch (pick(9)) {
    case 0: return line.slice(0, at) + line.slice(at + 1);
    case 1: return line.slice(0, at) + CHARACTERS[pick(CHARACTERS.length)]! + line.slice(at);
    case 2: return line.slice(0, at) + (line[at + 1] ?? '') + line[at]! + line.slice(at + 2);
    case 3: return line.replace(/%\w+/, () => REGISTERS[pick(REGISTERS.length)]!);
    case 4: return line.replace(/%\w+(?!.*%)/, () => REGISTERS[pick(REGISTERS.length)]!);
    case 5: return line.replace(/^(\w+?)[bwlq]?(?=\s)/, (_, stem: string) => stem + ['b', 'w', 'l', 'q', '', 'd', 's'][pick(7)]!);
    case 6: return parts.toSpliced(pick(parts.length), 1).join(',');
    case 7: return line.replace(/\$?-?(0x[0-9a-f]+|\d+)/, () => NUMBERS[pick(NUMBERS.length)]!);
    default: return line.replace(/^\S+/, all[pick(all.length)]!.split(/\s+/)[0]!);
  }
}

/** Numeric labels on both sides, so that `1b` and `1f` mean something. */
const source = (lines: readonly string[]): string => `foo:\nbar:\n1: nop\n${lines.join('\n')}\n1: nop\n`;
const BEFORE = 4;

/** What gas says of each line, by index. Some errors it only finds once there are no others, so it is asked until it finds none. */
function askGas(lines: readonly string[]): { readonly refused: ReadonlyMap<number, string>; readonly sloppy: ReadonlySet<number> } {
  const refused = new Map<number, string>();
  const sloppy = new Set<number>();
  let left = lines.map((_, index) => index);
  for (;;) {
    const { stderr } = spawnSync('as', ['-o', '/dev/null', '-'], { input: source(left.map((index) => lines[index]!)), encoding: 'utf8', maxBuffer: 1 << 28 });
    const before = refused.size;
    for (const [, line, kind, message] of stderr.matchAll(/:(\d+): (Error|Warning|Fatal error): (.*)/g)) {
      const index = left[Number(line) - BEFORE];
      if (index === undefined) continue;
      if (kind !== 'Warning') refused.set(index, message!);
      else if (SLOPPY.test(message!)) sloppy.add(index);
    }
    if (refused.size === before) return { refused, sloppy };
    left = left.filter((index) => !refused.has(index));
  }
}

describe.skipIf(!has('as'))('lines with mistakes', () => {
  it('are refused where GNU as refuses them, and only there', () => {
    const all = originals();
    const pick = random(0x5eed);
    const lines = new Set<string>();
    while (lines.size < LINES) {
      let line = all[pick(all.length)]!;
      for (let times = 1 + pick(2); times > 0; times--) line = line === '' ? 'nop' : mutated(line, pick, all);
      if (line.trim() !== '' && !UNFIT.test(line)) lines.add(line);
    }
    const list = [...lines];
    const { refused, sloppy } = askGas(list);
    const unit = read(source(list));
    const ours = new Map([...unit.problems, ...assemble(unit).problems].filter(({ severity }) => severity === 'error').map(({ range, message }) => [range.start.line - BEFORE, message]));
    const lenient = list.flatMap((line, index) => (refused.has(index) && !ours.has(index) ? [`${line} | gas: ${refused.get(index)!}`] : []));
    const strict = list.flatMap((line, index) => (!refused.has(index) && ours.has(index) && !sloppy.has(index) ? [`${line} | we: ${ours.get(index)!}`] : []));
    const unknown = (differences: readonly string[]): readonly string[] => differences.filter((one) => !KNOWN.some(([pattern]) => pattern.test(one.split(' | ')[0]!)));
    console.log(`${String(list.length)} lines, ${String(refused.size)} refused by GNU as, ${String(sloppy.size)} taken with a guess; ${String(lenient.length + strict.length)} known differences`);
    expect(refused.size).toBeGreaterThan(LINES / 5);
    // The lines follow from the sources, so that each new source finds new corners: they are shown, and few are no failure.
    const fresh = [...unknown(lenient), ...unknown(strict)];
    if (fresh.length > 0) console.log(fresh.join('\n'));
    expect(fresh.length).toBeLessThan(LINES / 500);
  });
});
