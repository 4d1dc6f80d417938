/**
 * One text a line through GNU as and through us: equal bytes, or refused by both.
 */
import { assemble } from '../../assembly/assembler/assemble.ts';
import { bytesByLine, gas } from './objects.ts';
import { read } from './reader.ts';

export interface Comparison {
  readonly same: number;
  /** Refused by both. */
  readonly refused: number;
  /** In words: what differs, text first. */
  readonly differences: readonly string[];
}

/** Compares `texts`, each a statement that needs nothing of the others. `bits` is the code size; `first` are directives in front of all. */
export function compareTexts(texts: readonly string[], bits: 16 | 32 | 64 = 64, first = ''): Comparison {
  const differences: string[] = [];
  const head = `.code${String(bits)}; ${first}\n`;
  const sane = withoutCrashes(texts, head);
  const judged = gas(head + sane.join('\n') + '\n', '-g');
  const refusedByGas = sane.filter((_text, index) => judged.errors.has(index + 2));
  const good = sane.filter((_text, index) => !judged.errors.has(index + 2));
  const refusedByUs = errorLines(head + refusedByGas.join('\n') + '\n');
  refusedByGas.forEach((text, index) => {
    if (!refusedByUs.has(index + 2)) differences.push(`${text} | gas refuses it: ${judged.errors.get(sane.indexOf(text) + 2) ?? ''}`);
  });
  const theirs = bytesByLine(gas(head + good.join('\n') + '\n', '-g').object!);
  const unit = read(head + good.join('\n') + '\n');
  const { object, problems } = assemble(unit);
  const ours = bytesByLine(object);
  const messages = new Map([...unit.problems, ...problems].filter(({ severity }) => severity === 'error').map(({ range, message }) => [range.start.line, message]));
  let same = 0;
  good.forEach((text, index) => {
    const line = index + 2;
    const message = messages.get(line);
    if (message !== undefined) differences.push(`${text} | we refuse it: ${message}`);
    else if (theirs.get(line) !== ours.get(line)) differences.push(`${text} | gas ${theirs.get(line) ?? 'nothing'}, we ${ours.get(line) ?? 'nothing'}`);
    else same++;
  });
  return { same, refused: refusedByGas.length - differences.filter((one) => one.includes('| gas refuses')).length, differences };
}

/** Some nonsense breaks as itself; such texts are left out. */
function withoutCrashes(texts: readonly string[], head: string): string[] {
  const left = [...texts];
  for (;;) {
    const { crashed } = gas(head + left.join('\n') + '\n', '-g');
    if (crashed === undefined) return left;
    left.splice(crashed - 2, 1);
  }
}

function errorLines(source: string): Set<number> {
  const unit = read(source);
  const { problems } = assemble(unit);
  return new Set([...unit.problems, ...problems].filter(({ severity }) => severity === 'error').map(({ range }) => range.start.line));
}
