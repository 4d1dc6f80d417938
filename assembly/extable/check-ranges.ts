/**
 * What is wrong with handler ranges, and with the sizes of the symbols they and entries rest on.
 */
import type { Severity } from '../source.ts';
import type { CheckedFile } from './checked-file.ts';
import type { ExRange } from './entry.ts';
import type { Finding } from './finding.ts';
import { crossings, sortRanges } from './register.ts';
import { RANGE_SECTION, RANGE_STRIDE } from './read.ts';

/** Findings about `ranges`; partial overlaps and identical ranges name both. */
export function checkRanges(checked: CheckedFile, ranges: readonly ExRange[]): Finding[] {
  const findings: Finding[] = [];
  const note = (severity: Severity, code: string, message: string, range?: ExRange): void => {
    findings.push({ severity, code, message, table: RANGE_SECTION, ...(range === undefined ? {} : { index: range.index }) });
  };
  const size = checked.file.sections.find(({ name }) => name === RANGE_SECTION)?.size ?? 0;
  if (size % RANGE_STRIDE !== 0) note('error', 'table-size', `${RANGE_SECTION} has ${String(size)} bytes, no multiple of ${String(RANGE_STRIDE)}`);
  for (const range of ranges) checkRange(checked, range, note);
  if (checked.file.kind !== 'relocatable') {
    const sorted = sortRanges(ranges);
    const unsorted = ranges.findIndex((range, index) => range !== sorted[index]);
    if (unsorted >= 0) note('warning', 'unsorted', `${RANGE_SECTION} is not sorted by start, then length from the longest: range ${String(unsorted)} is out of place; mcsafe table --fix sorts it`, ranges[unsorted]);
  }
  for (const section of new Set(ranges.map(({ startSection, startExternal }) => startExternal ?? startSection))) {
    checkNesting(checked, sortRanges(ranges.filter((range) => (range.startExternal ?? range.startSection) === section && range.length > 0)), note);
  }
  return findings;
}

type Note = (severity: Severity, code: string, message: string, range?: ExRange) => void;

function describe(checked: CheckedFile, { start, length, startSection, startExternal }: ExRange): string {
  return `[${checked.places.describe(start, startSection, startExternal)}, ${String(length)} bytes)`;
}

function checkRange(checked: CheckedFile, range: ExRange, note: Note): void {
  const { places } = checked;
  const { start, length, startSection } = range;
  // What another object defines can be judged in the linked file.
  if (range.startExternal !== undefined) return;
  if (!places.isCode(start, startSection)) note('error', 'site-outside-code', `range ${String(range.index)} starts at ${places.describe(start, startSection)}, which is no code`, range);
  else if (length > 0 && !places.isCode(start + BigInt(length) - 1n, startSection)) note('error', 'site-outside-code', `range ${describe(checked, range)} ends outside its section`, range);
  const why = range.descriptorExternal !== undefined ? undefined : checked.whyNoDescriptor(range.descriptor, range.descriptorSection);
  if (why !== undefined) note('error', 'no-descriptor', `the handler of range ${describe(checked, range)} should be described at ${places.describe(range.descriptor, range.descriptorSection)}, but ${why}`, range);
  checkLength(checked, range, note);
}

/** A zero length stands for the size of the symbol at the start, which must then exist. */
function checkLength(checked: CheckedFile, range: ExRange, note: Note): void {
  const place = checked.places.at(range.start, range.startSection);
  const named = place === undefined ? undefined : checked.places.symbolAt(place);
  const own = named?.offset === 0 ? named.symbol : undefined;
  if (range.length === 0) {
    if (own === undefined || own.size === 0n) {
      note('error', 'no-symbol-size', `range ${String(range.index)} has length 0 and ${own === undefined ? 'no symbol is at its start' : `${own.name} has no size`}: give the function a .size, or the range a length`, range);
    } else if (checked.file.kind !== 'relocatable') {
      note('error', 'zero-length', `range ${String(range.index)} at ${own.name} has length 0 and would be refused: mcsafe table --fix fills in the symbol's ${String(own.size)} bytes`, range);
    }
    return;
  }
  if (own !== undefined && own.size === BigInt(range.length)) {
    const end = range.start + BigInt(range.length);
    const label = checked.file.symbols.find((symbol) => symbol.type === 'notype' && symbol.value === end && symbol.name !== own.name && /_?end$/i.test(symbol.name)
      && typeof symbol.section === 'number' && checked.file.sections[symbol.section]?.name === place?.section.name);
    if (label !== undefined) note('hint', 'end-label', `${label.name} marks the end of ${own.name}, which the size of ${own.name} says already`, range);
  }
}

/** Ranges nest or are disjoint. `sorted` are those of one section. */
function checkNesting(checked: CheckedFile, sorted: readonly ExRange[], note: Note): void {
  for (const { kind, first, second } of crossings(sorted)) {
    if (kind === 'identical') note('error', 'identical-ranges', `ranges ${String(first.index)} and ${String(second.index)} are the same: ${describe(checked, second)}`, second);
    else note('error', 'partial-overlap', `range ${String(second.index)} ${describe(checked, second)} overlaps range ${String(first.index)} ${describe(checked, first)} only in part; ranges nest or are disjoint`, second);
  }
}
