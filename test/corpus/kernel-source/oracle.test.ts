/**
 * Our severity rows, error contexts and handler types against the kernel's own severity.c and extable.c, compiled here into a user program.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { kernelGeneration } from '../../../fault-model/kernel-generation.ts';
import { AMD_SEVERITY_RULES, INTEL_SEVERITY_ROWS, SEVERITIES } from '../../../fault-model/severity.ts';
import { corpus, missing } from '../corpus.ts';
import type { CorpusGeneration } from '../corpus.ts';
import { askKernel, buildHarness } from './harness.ts';
import type { OracleCase } from './harness.ts';
import { askModel } from './model.ts';
import { Random, randomCase } from './random.ts';

const GENERATIONS: readonly CorpusGeneration[] = ['6.1', '6.12'];
const reason = missing('fault model against severity.c and extable.c', { commands: ['gcc', 'objcopy', 'awk'], corpora: GENERATIONS });
/** Half of them for each kernel. */
const CASES = Number(process.env['MCSAFE_ORACLE_CASES'] ?? 1_000_000);
const BATCH = 20_000;
const SEED = 0x6d637361;

/** A case that differs, told so that it can be understood without a debugger. */
function describeCase(one: OracleCase): string {
  const bits = Object.entries(one).map(([name, value]) => `${name}=${typeof value === 'bigint' ? `0x${value.toString(16)}` : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value)}`);
  return bits.join(' ');
}

function differences(model: object, kernel: object): string {
  const kernelFields = new Map(Object.entries(kernel));
  return Object.entries(model).filter(([name, value]) => String(value) !== String(kernelFields.get(name))).map(([name, value]) => `${name}: model ${String(value)}, kernel ${String(kernelFields.get(name))}`).join('; ');
}

describe.skipIf(reason !== undefined).each(GENERATIONS)('the kernel of %s', (id) => {
  const generation = kernelGeneration(id)!;
  let harness = '';
  beforeAll(() => { harness = buildHarness(corpus(id)!); });

  test(`grades and fixes up ${String(CASES / 2)} random cases as the model does`, () => {
    const random = new Random(SEED);
    const rows = new Set<number>();
    const rules = new Set<string>();
    const severities = new Set<string>();
    for (let done = 0; done < CASES / 2; done += BATCH) {
      const cases = Array.from({ length: BATCH }, () => randomCase(random));
      const answers = askKernel(harness, cases);
      cases.forEach((one, index) => {
        const kernel = answers[index]!;
        const { row, ...model } = askModel(one, generation);
        if (one.amd) rules.add(model.message);
        else rows.add(row);
        severities.add(SEVERITIES[model.severity]!);
        const same = kernel.severity === model.severity
          // AMD's rules look at the context only when nothing else has decided.
          && (kernel.kflags === model.kflags || (one.amd && SEVERITIES[kernel.severity] !== 'AR')) && kernel.handled === model.handled && kernel.warned === model.warned
          && kernel.fpuReset === model.fpuReset && kernel.fsCleared === model.fsCleared
          // After a BUG or panic nobody looks at the registers.
          && (kernel.handled === 'died' || (kernel.ip === model.ip && kernel.registers.every((value, register) => value === model.registers[register])))
          && (one.amd || kernel.message === model.message);
        if (!same) throw new Error(`${differences(model, kernel)} for ${describeCase(one)}`);
      });
    }
    // Every row this kernel has was hit, but for the one that the kernel itself cannot reach; and every rule for AMD.
    const reachable = INTEL_SEVERITY_ROWS.filter(({ row, when }) => row !== 7 && (when === undefined || when(generation))).map(({ row }) => row);
    expect(reachable.filter((row) => !rows.has(row))).toEqual([]);
    expect(AMD_SEVERITY_RULES.map(({ message }) => message).filter((message) => !rules.has(message))).toEqual([]);
    expect([...severities].sort()).toEqual([...SEVERITIES].sort());
  });
});
