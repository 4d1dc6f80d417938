/** Campaigns beside a native harness that does the same: the same routine, the same cases, every byte compared. CPU times. */
import { nodeHost } from '../../host/node/host.ts';
import { prepareCampaign } from '../../host/campaign.ts';
import type { Campaign } from '../../sweep/campaign.ts';
import { COPY_TEXT } from '../cpu/copy-routine.ts';
import { cpuTime } from './emulated.ts';

/** The bench's copy routine with its entries and its promise, for the sweep. */
export const SWEPT_COPY = `#include <asm/asm.h>
# mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax
${COPY_TEXT.replace('\t.size copy', `${Array.from({ length: 10 }, (_, i) => `\t_ASM_EXTABLE_TYPE(load${String(i)}, failed, EX_TYPE_DEFAULT_MCE_SAFE)`).join('\n')}\n\t.size copy`)}`;

export interface SweptSpace {
  readonly title: string;
  readonly n: string;
  /** Destination offsets 0 to this, excluded. */
  readonly offsets: number;
  readonly faults: string;
  /** Arguments of the native harness: least and greatest length, offsets. */
  readonly native?: readonly string[];
}

export const SWEPT_SPACES: readonly SweptSpace[] = [
  { title: 'n 1 to 200, a page fault at each byte, 8 destination offsets: 160,800 cases', n: '1..200', offsets: 8, faults: 'pf-read', native: ['1', '200', '8'] },
  { title: '256-byte copies, a page fault at each byte, 64 destination offsets', n: '256..256', offsets: 64, faults: 'pf-read', native: ['256', '256', '64'] },
  { title: '256-byte copies, a poisoned byte at each place, 64 destination offsets', n: '256..256', offsets: 64, faults: 'mc-byte' },
];

/** A function that runs the whole space again and gives the CPU time of a case in ns; `first` is that of the first time, which compiles. */
export async function sweptSpace(file: string, { n, offsets, faults }: SweptSpace): Promise<{ readonly cases: number; readonly first: number; readonly again: () => number }> {
  const dstOffsets = Array.from({ length: offsets }, (_, i) => i).join();
  const campaign = await prepareCampaign(file, { n, faults, srcOffsets: '0', dstOffsets }, nodeHost());
  // Lengths of 4 GiB and more are no part of what the harness can do.
  const cases = campaign.space.size - campaign.space.axes.longLengths.length * 64 * offsets;
  const first = timed(campaign, cases);
  return { cases, first, again: () => timed(campaign, cases) };
}

function timed(campaign: Campaign, cases: number): number {
  const start = cpuTime();
  campaign.begin(0, cases);
  campaign.run(cases);
  const ns = (cpuTime() - start) / cases;
  if (campaign.violating > 0) throw new Error(`${String(campaign.violating)} violating cases of a routine that is right`);
  return ns;
}
