/**
 * Each row of the severity tables grades the machine check that is made for it. (That they are the kernel's rows is shown against its own
 * severity.c, in the corpus lane.)
 */
import { describe, expect, test } from 'vitest';
import { DEFAULT_KERNEL_GENERATION, kernelGeneration } from '../../fault-model/kernel-generation.ts';
import { AMD_SEVERITY_RULES, INTEL_SEVERITY_ROWS, gradeMachineCheck } from '../../fault-model/severity.ts';
import { severityCounts } from '../../fault-model/severity-counts.ts';
import { AMD_CASES, INTEL_CASES, bankOf, contextOf, situationOf } from './severity-cases.ts';

describe('the severity row', () => {
  test.for(INTEL_CASES)('$row of Intel\'s table gives $severity', (one) => {
    const grade = gradeMachineCheck(bankOf(one), contextOf(one), situationOf(one, 'intel'));
    expect([grade.row, grade.severity]).toEqual([one.row, one.severity]);
    // Every row before it was passed over for a reason.
    const { generation } = situationOf(one, 'intel');
    expect(grade.passedOver.map(({ row }) => row)).toEqual(INTEL_SEVERITY_ROWS.filter(({ row, when }) => row < grade.row && when?.(generation) !== false).map(({ row }) => row));
    expect(grade.passedOver.every(({ because }) => because !== '')).toBe(true);
  });

  test.for(AMD_CASES)('"$row" of AMD\'s rules gives $severity', (one) => {
    const grade = gradeMachineCheck(bankOf(one), contextOf(one), situationOf(one, 'amd'));
    expect([grade.message, grade.severity]).toEqual([one.row, one.severity]);
    expect(grade.passedOver.map(({ message }) => message)).toEqual(AMD_SEVERITY_RULES.slice(0, AMD_SEVERITY_RULES.findIndex(({ message }) => message === one.row)).map(({ message }) => message));
  });
});

describe('the counts of a run', () => {
  test('say of each row how often it graded, and how often it was tried in vain', () => {
    const grades = INTEL_CASES.filter(({ row }) => row === 17 || row === 22).slice(0, 2).flatMap((one) => [one, one])
      .map((one) => gradeMachineCheck(bankOf(one), contextOf(one), situationOf(one, 'intel')));
    const counts = severityCounts(grades, 'intel', DEFAULT_KERNEL_GENERATION);
    const of = (row: number): readonly number[] => counts.filter((one) => one.row === row).flatMap(({ hits, passedOver }) => [hits, passedOver]);
    expect([of(1), of(17), of(18), of(22), of(23)]).toEqual([[0, 4], [2, 2], [0, 2], [2, 0], [0, 0]]);
    expect(counts).toHaveLength(INTEL_SEVERITY_ROWS.length);
    expect(severityCounts(grades, 'intel', kernelGeneration('6.1')!).map(({ row }) => row)).not.toContain(20);
  });

  test('tell AMD\'s rules by name, and what was decided outside of a table at the end', () => {
    const [one] = AMD_CASES;
    const outside = { severity: 'NO', row: 0, message: 'Erratum detected, disable fast string copy instructions', passedOver: [] } as const;
    const counts = severityCounts([gradeMachineCheck(bankOf(one!), contextOf(one!), situationOf(one!, 'amd')), outside, outside], 'amd', DEFAULT_KERNEL_GENERATION);
    expect([counts[0], counts.at(-1)]).toMatchObject([{ message: 'Processor context corrupt', hits: 1 }, { message: outside.message, hits: 2 }]);
    expect(counts).toHaveLength(AMD_SEVERITY_RULES.length + 1);
  });
});
