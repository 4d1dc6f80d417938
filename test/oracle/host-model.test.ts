import { expect, test } from 'vitest';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import type { Outcome } from './case.ts';
import { parseCase, unhex } from './case.ts';
import { hostDiffers } from './host-model.ts';
import type { HostCpu } from './native.ts';

const ZEN_3: HostCpu = { vendor: 'amd', family: 0x19, model: 'Zen 3', features: new Set(['avx', 'avx2']) };
const ZEN_5: HostCpu = { ...ZEN_3, family: 0x1a, model: 'Zen 5', features: new Set(['avx', 'avx2', 'avx512f', 'avx512vl', 'gfni']) };

const RIP = 0x2000_0018n;
const { UD, GP, PF, BP, DE } = VECTOR;

/** What differs between a host and the emulator at one instruction, each of which ended with an exception. */
function differs(host: HostCpu, code: string, native: number, emulated: number): string | undefined {
  const bytes = unhex(code);
  const ended = (vector: number): Outcome => ({
    ending: { kind: 'exception', vector, error: 0, cr2: 0n }, rip: vector === BP ? RIP + BigInt(bytes.length) : RIP,
    rflags: 2n, gpr: [], vectors: new Uint8Array(), x87: new Uint8Array(), x87Status: 0, x87Tag: 0, changes: [],
  });
  return hostDiffers(host, parseCase(`code=${code} rip=${RIP.toString(16)}`), ended(native), ended(emulated));
}

test.each<readonly [string, string, number, number, RegExp]>([
  ['vmovups of EVEX', '62517c0810d7', UD, BP, /no AVX512F/],
  ['an EVEX instruction too long to be decoded', '402636676293fd081784017fffffff', UD, GP, /no AVX512F/],
  ['gf2p8mulb', '660f38cfc1', UD, BP, /no GFNI/],
  ['clzero with a repeat prefix', 'f30f01fc', BP, UD, /repeat prefixes/],
  ['cmpsb whose operands both fault', 'a6', PF, GP, /reports the second/],
  ['xrstor', '0fae29', PF, BP, /looks for all/],
  ['vpmaskmovd', '67c462318e5b06', PF, PF, /wraps/],
])('an older model is known to differ: %s', (_, code, native, emulated, reason) => {
  expect(differs(ZEN_3, code, native, emulated)).toMatch(reason);
  expect(differs(ZEN_5, code, native, emulated)).toBeUndefined();
});

test.each<readonly [string, string, number, number]>([
  ['an instruction that every host has is undefined', '4801d8', UD, BP],
  ['one that this host has is undefined', 'c5fc28c1', UD, BP],
  ['the emulator finds undefined what the host runs', '0f01fc', BP, UD],
  ['only the emulator finds a fault in cmpsb', 'a6', BP, PF],
  ['only the host does', 'a6', PF, BP],
  ['another instruction faults otherwise', '488b03', PF, GP],
  ['xrstor of the emulator alone faults', '0fae29', BP, PF],
  ['a fault that is none of memory', '48f7f3', DE, BP],
])('everything else stays a difference on it: %s', (_, code, native, emulated) => {
  expect(differs(ZEN_3, code, native, emulated)).toBeUndefined();
});
