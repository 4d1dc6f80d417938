/**
 * An entry whose fault site or landing pad is a symbol this file does not define, though its name is local to a file.
 */
import type { FileCheck, Finding } from './check.ts';

/** `.L` names and numeric labels never reach another file; other names may be defined there. */
function isLocal(name: string): boolean {
  return /^(\.L|\d)/.test(name);
}

export const fixupUndefined: FileCheck = {
  codes: ['fixup-undefined', 'site-undefined'],
  severity: 'error',
  run({ entries }) {
    return entries.flatMap((entry): readonly Finding[] => [
      ...(entry.fixup === undefined && isLocal(entry.fixupName)
        ? [{ code: 'fixup-undefined', message: `the landing pad ${entry.fixupName} is not defined: a fault at ${entry.insnName} would have nowhere to go`, range: entry.range }]
        : []),
      ...(entry.insn === undefined && isLocal(entry.insnName)
        ? [{ code: 'site-undefined', message: `the fault site ${entry.insnName} is not defined: the entry covers nothing`, range: entry.range }]
        : []),
    ]);
  },
};
