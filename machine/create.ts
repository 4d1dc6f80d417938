/**
 * From a launch configuration and a linked program to a machine that is ready to run.
 */
import type { Image } from '../assembly/elf/image.ts';
import { findImageTable } from '../assembly/extable/search.ts';
import type { CommentDirective } from '../assembly/gas/statement.ts';
import { writtenPosition } from '../assembly/source.ts';
import type { Problem } from '../assembly/source.ts';
import { DEFAULT_KERNEL_GENERATION, kernelGeneration } from '../fault-model/kernel-generation.ts';
import type { Cpu } from './cpu/cpu.ts';
import { createCpu } from './cpu/wasm-cpu.ts';
import { EmulatedMachine } from './emulated-machine.ts';
import { bootPatches } from './kernel/alternatives.ts';
import type { Machine } from './machine.ts';
import { resolveScenario } from './scenario/resolve.ts';
import type { Scenario } from './scenario/scenario.ts';
import type { ConfigProblem, LaunchConfig } from './scenario/schema.ts';

export interface MachineRequest {
  readonly config: LaunchConfig;
  readonly image: Image;
  /** `mcsafe:` directives of all sources. */
  readonly directives: readonly CommentDirective[];
  /** The first program as it is named in positions, for `line` and for messages. */
  readonly program: string;
}

export type MachineResult =
  | { readonly ok: true; readonly machine: Machine; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly configProblems: readonly ConfigProblem[]; readonly problems: readonly Problem[] };

/** Resolves the configuration, applies what a kernel patches at boot, and builds the machine. All problems are reported at once. */
export function createMachine(request: MachineRequest): MachineResult {
  const { config, image, directives, program } = request;
  const generation = config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id;
  const table = findImageTable(image, { generation });
  const resolved = resolveScenario({ config, image, directives, program, covered: table.entries.map(({ insn }) => insn) });
  if (!resolved.ok) return resolved;
  const { scenario, problems } = resolved;
  const refused = table.registered.refusals.map(({ at, message }): Problem => {
    const written = image.lineAt(at);
    const start = written === undefined ? { file: program, line: 1, column: 1 } : writtenPosition(written);
    return { severity: 'error', code: 'table-refused', message, range: { start, endColumn: start.column } };
  });
  if (refused.length > 0) return { ok: false, configProblems: [], problems: [...problems, ...refused] };
  return { ok: true, machine: machineFor(scenario, image), problems };
}

/** The machine for a complete scenario. `cpu` lets a caller that runs many machines use one CPU again. */
export function machineFor(scenario: Scenario, image: Image, cpu: Cpu = createCpu({ profile: scenario.cpu, granule: scenario.poisonGranule })): EmulatedMachine {
  const table = findImageTable(image, { generation: scenario.kernelGeneration });
  const { patches, problems } = bootPatches(image, scenario.cpu, scenario.kernelGeneration);
  return new EmulatedMachine({
    scenario: { ...scenario, assumptions: [...scenario.assumptions, ...problems, ...table.registered.filled] },
    image, cpu, patches, table,
    generation: kernelGeneration(scenario.kernelGeneration) ?? DEFAULT_KERNEL_GENERATION,
  });
}
