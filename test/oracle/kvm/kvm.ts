/**
 * Ring 0 of the real CPU: builds the runner and hands it batches of cases, where `/dev/kvm` opens.
 *
 * KVM is the processor only where it virtualises in hardware. Where this machine is a virtual machine itself and KVM has no such help
 * (`kvm_pvm`), the host's kernel interprets the guest: a second opinion by Linux's instruction emulator, with its gaps.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { builtRunner, nativeCpu } from '../native.ts';
import type { HostCpu } from '../native.ts';
import { DEFAULT_CASE } from './case.ts';
import type { RingCase, RingOutcome } from './case.ts';
import { decodeRingAnswers, encodeRingBatch } from './wire.ts';

const source = fileURLToPath(new URL('./runner.c', import.meta.url));
const FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror'];

export interface KvmCpu {
  readonly host: HostCpu;
  /** The host's kernel executes ring 0, not the processor. */
  readonly software: boolean;
  /** Runs the cases in order; one answer each. */
  run(cases: readonly RingCase[]): RingOutcome[];
}

/** A case that ended the runner itself, which the others must not suffer from. */
function lost(one: RingCase, text: string): RingOutcome {
  return { ...one, tr: 0, ending: { kind: 'unsupported', text }, changes: [] };
}

function run(binary: string, cases: readonly RingCase[]): RingOutcome[] {
  const outcomes: RingOutcome[] = [];
  while (outcomes.length < cases.length) {
    const rest = cases.slice(outcomes.length);
    const { stdout, stderr, status, signal } = spawnSync(binary, { input: encodeRingBatch(rest), maxBuffer: 1 << 30 });
    const answered = decodeRingAnswers(stdout, rest);
    outcomes.push(...answered);
    if (answered.length < rest.length) outcomes.push(lost(rest[answered.length]!, `the runner: ${stderr.toString().trim() || String(signal ?? status)}`));
  }
  return outcomes;
}

/** KVM, or why this machine has none. */
export function kvmCpu(): KvmCpu | { readonly skipped: string } {
  const native = nativeCpu();
  if ('skipped' in native) return native;
  try {
    closeSync(openSync('/dev/kvm', 'r+'));
  } catch (error) {
    return { skipped: `ring 0 needs /dev/kvm: ${error instanceof Error ? error.message : String(error)}` };
  }
  const binary = builtRunner(source, 'kvm-runner', FLAGS);
  const [probe] = run(binary, [{ ...DEFAULT_CASE, code: Uint8Array.of(0x90) }]);
  if (probe?.ending.kind !== 'halt') return { skipped: `ring 0 needs a KVM that runs a guest: ${JSON.stringify(probe?.ending)}` };
  const { host } = native;
  return { host, run: (cases) => run(binary, cases), software: !host.features.has('vmx') && !host.features.has('svm') };
}
