/** From a campaign, finished or not, to its report. */
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import type { Campaign } from './campaign.ts';
import { CLAUSES } from './judging/clauses.ts';
import { placeOf } from './coverage.ts';
import type { SweepReport } from './report-schema.ts';
import { stopAt } from './stop-at.ts';
import { FAULT_KINDS } from './space.ts';

export function campaignReport(campaign: Campaign): SweepReport {
  const { request: { targets, promises, shard, random }, space, period } = campaign;
  const { contract, progress, maxExceptions, helpers } = promises;
  const first = targets[0]!;
  return {
    version: 1,
    campaign: campaignId(campaign),
    program: first.program,
    routine: first.config.entry ?? '',
    contract: {
      kind: contract.kind, arguments: { ...contract.arguments }, user: [...contract.user], origin: contract.origin,
      ...(contract.returns === undefined ? {} : { returns: contract.returns }), ...(contract.answer === undefined ? {} : { answer: contract.answer }),
      ...(contract.trap === undefined ? {} : { trap: contract.trap }), ...(contract.machineCheckBit === undefined ? {} : { machineCheckBit: contract.machineCheckBit }),
      ...(contract.clobbers === undefined ? {} : { clobbers: [...contract.clobbers] }),
      ...(contract.promises === undefined ? {} : { promises: { ...contract.promises } }),
      ...(progress === undefined ? {} : { progress }), maxExceptions, helpers: [...helpers],
    },
    targets: targets.map(({ name }) => name),
    space: {
      size: space.size, axes: [...space.describe(), ...campaign.request.notes ?? []], summary: space.summary(), ...(period === undefined ? {} : { period: { ...period } }),
      ...(shard === undefined ? {} : { shard: { parts: [shard.index], count: shard.count } }),
      ...(random === undefined ? {} : { random }),
    },
    cases: campaign.done, planned: campaign.planned, violating: campaign.violating,
    failures: campaign.failures.classes.map(({ clause, promise, at, cases, byKind, targets: seen, smallest, message }) => ({
      clause, promise: promise === undefined ? CLAUSES[clause] : `${promise}: ${contract.promises?.[promise] ?? ''}`,
      instruction: placeOf(targets[smallest.target]!.image, at),
      cases, byKind: Object.fromEntries(FAULT_KINDS.flatMap((kind) => (byKind.has(kind) ? [[kind, byKind.get(kind)!]] : []))), targets: [...seen].sort((a, b) => a - b), smallest, message,
      launch: replayable({ ...campaign.replay(smallest), stopAt: stopAt(campaign.references[smallest.target]!, smallest, at, `${clause}: ${message}`) }),
    })),
    heat: heatOf(campaign),
    coverage: campaign.coverage.map((coverage, i) => {
      const report = coverage.report();
      return { target: targets[i]!.name, ...report, severityRows: report.severityRows.map((row) => ({ ...row })), instructions: report.instructions.map((instruction) => ({ ...instruction, faults: { ...instruction.faults } })) };
    }),
  };
}

function heatOf({ heat }: Campaign): SweepReport['heat'] {
  const { rows, ...scale } = heat.report();
  return { ...scale, rows: Object.fromEntries(Object.entries(rows).map(([kind, texts]) => [kind, [...texts]])) };
}

/** Without the attributes that are undefined, so that it can be written into launch.json as it is. */
function replayable(config: LaunchConfig): LaunchConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as LaunchConfig;
}

/** A number made of all that decides what the cases are and how they end: programs, promises, axes. */
export function campaignId({ request, space }: Campaign): string {
  const hash = new Fnv();
  const { targets, promises, axes, random } = request;
  hash.text(JSON.stringify([axes, space.size, { ...promises, cutsLength: promises.cutsLength?.toString(16) }, random, targets.map(({ name, config }) => [name, config.entry, config.budget])]));
  for (const { image } of targets) for (const { address, bytes } of image.segments) hash.text(address.toString(16)).bytes(bytes);
  return hash.hex;
}

/** FNV-1a, 64 bits, as two halves of 32. */
class Fnv {
  #low = 0x84222325;
  #high = 0xcbf29ce4;

  bytes(bytes: Uint8Array): this {
    for (const byte of bytes) this.#add(byte);
    return this;
  }

  text(text: string): this {
    for (let i = 0; i < text.length; i++) this.#add(text.charCodeAt(i) & 0xff);
    return this;
  }

  get hex(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** Times the prime 2^40 + 0x1b3. */
  #add(byte: number): void {
    const low = (this.#low ^ byte) >>> 0;
    const product = low * 0x1b3;
    this.#low = product >>> 0;
    this.#high = (Math.imul(this.#high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
  }
}
