/**
 * Handler ranges that overlap, are the same, or rest on symbols without a size: the checks that `mcsafe table` has too.
 */
import { checkTables } from '../../assembly/extable/check.ts';
import { CheckedFile } from '../../assembly/extable/checked-file.ts';
import type { FileCheck } from './check.ts';

const CODES = ['partial-overlap', 'identical-ranges', 'no-symbol-size', 'zero-length', 'end-label', 'site-outside-code', 'no-descriptor'];

export const ranges: FileCheck = {
  codes: CODES,
  severity: 'error',
  run({ object, ranges: sites }) {
    if (sites.length === 0) return [];
    const byIndex = new Map(sites.map((site) => [site.record.index, site]));
    return checkTables(new CheckedFile(object), [], sites.map(({ record }) => record)).flatMap(({ severity, code, message, index }) => {
      const site = index === undefined ? undefined : byIndex.get(index);
      return site === undefined || !CODES.includes(code) ? [] : [{ severity, code, message, range: site.range }];
    });
  },
};
