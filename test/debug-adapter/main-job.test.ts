import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SAMPLE, TestClient, THREAD } from './client.ts';
import { transcript } from './transcript.ts';

const lines = readFileSync(SAMPLE, 'utf8').split('\n');
/** The line (from 1) after the one that starts with `label`. */
const lineAfter = (label: string): number => lines.findIndex((line) => line.startsWith(label)) + 2;

describe('the main job: F5 on a routine, a machine check, its fixup', () => {
  it('stops at the delivery, shows why it is survived, lands on the fixup and returns', async () => {
    const client = new TestClient();
    await client.start({ program: SAMPLE });

    const delivered = await client.event('stopped');
    expect(delivered).toMatchObject({ reason: 'exception', description: '#MC delivered' });
    expect(await client.ask('exceptionInfo', THREAD)).toMatchObject({ exceptionId: '#MC', breakMode: 'always' });
    const [exception, faulting] = await client.stack();
    expect(exception).toContain('#MC delivery');
    expect(faulting).toBe(`copy_mc+0xc copy_mc.S:${String(lineAfter('.Lread_word:'))}`);
    expect(await client.scope('Graded', 0)).toMatchObject({ severity: 'AR' });
    expect(await client.scope('Exception entry')).toMatchObject({ type: 'EX_TYPE_FAULT_MCE_SAFE' });
    // Nothing has been handled yet: the registers are those of the fault.
    expect(await client.evaluate('rax')).toBe('0x0');
    expect(await client.evaluate('rdx')).toBe('0xc0 (192)');

    expect(await client.go('next', THREAD)).toMatchObject({ reason: 'step', description: 'Fixup executed' });
    expect(client.events.filter(({ event }) => event === 'mcsafe/fixup' || event === 'stopped').map(({ event }) => event)).toEqual(['stopped', 'mcsafe/fixup', 'stopped']);
    const [landing] = await client.stack();
    expect(landing).toContain(` copy_mc.S:${String(lineAfter('.Lfaulted:'))}`);
    expect(await client.scope('Changed by fixup')).toMatchObject({ rax: '0x0 → 0x12 (EX_TYPE_FAULT_MCE_SAFE)' });

    await client.ask('continue', THREAD);
    expect(await client.event('mcsafe/ended')).toMatchObject({ reason: 'returned', text: 'copy_mc returned rax = 18, rdx = 192' });
    expect(await client.event('exited')).toEqual({ exitCode: 0 });
    await client.event('terminated');
    await client.ask('disconnect');
    await expect(transcript(client.messages)).toMatchFileSnapshot('golden/main-job.transcript');
  });
});
