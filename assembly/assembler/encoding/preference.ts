/**
 * Where GNU as does not take the shortest form: the rows below, each measured against as 2.40.
 */
import { EncodingKind, Register } from 'iced-x86';
import type { Arguments } from './arguments.ts';
import type { Match } from './match.ts';
import type { WrittenPrefixes } from './prefixes.ts';

/** VEX forms that came after their EVEX twins: gas takes them with `{vex}` only. */
const VEX_ON_REQUEST = /^VEX_V(pdpbusds?|pdpwssds?|pmadd52[lh]uq|cvtneps2bf16)_/;

/** `matches` less those that gas would never choose here, in the order of its preference for ties. */
export function preferred(matches: readonly Match[], given: Arguments, { pseudo }: WrittenPrefixes, bits: 16 | 32 | 64): readonly Match[] {
  let left: readonly Match[] = matches.filter(({ candidate: { form } }) => {
    if (pseudo.has('evex')) return form.encoding === EncodingKind.EVEX;
    if (pseudo.has('vex') || pseudo.has('vex2') || pseudo.has('vex3')) return form.encoding === EncodingKind.VEX;
    return true;
  });
  const evex = left.some(({ candidate: { form } }) => form.encoding === EncodingKind.EVEX);
  if (evex && !pseudo.has('vex')) left = left.filter(({ candidate: { form } }) => !VEX_ON_REQUEST.test(form.name));
  // `int $3` is the one-byte breakpoint; `xchg %eax,%eax` must clear the upper half, which 90 does not.
  if (bits === 64) left = left.filter((match) => !isNopExchange(match));
  if (pseudo.has('load') || pseudo.has('store')) left = byDirection(left, pseudo.has('store'));
  left = byteExtension(quadMove(left));
  // FMA4 has two forms for registers alone; gas takes the one with the third operand in r/m.
  if (left.some(({ candidate: { form } }) => /^VEX_Vf?n?m(add|sub)/i.test(form.name))) left = left.toReversed();
  return left;
}

function isNopExchange({ candidate: { form }, placed }: Match): boolean {
  if (form.name !== 'Xchg_r32_EAX') return false;
  const first = placed[0];
  return first?.kind === 'register' && first.register === Register.EAX;
}

/** `movsx (%rax),%rax`, whose source nobody sized, extends a byte. */
function byteExtension(matches: readonly Match[]): readonly Match[] {
  const long = ({ candidate: { form }, placed }: Match): boolean => form.name.startsWith('Movsxd_') && placed.some((item) => item.kind === 'memory');
  return matches.some(({ candidate: { form } }) => form.name.startsWith('Movsx_')) ? matches.filter((match) => !long(match)) : matches;
}

/** A 64-bit move between memory and a vector register is the SSE2 one, though 0F 6E with REX.W is as short or shorter. */
function quadMove(matches: readonly Match[]): readonly Match[] {
  const general = ({ candidate: { form }, placed }: Match): boolean =>
    /^(VEX_V)?movq_((x?mm)_rm64|rm64_x?mm)$/i.test(form.name) && placed.some((item) => item.kind === 'memory');
  return matches.some((match) => !general(match)) ? matches.filter((match) => !general(match)) : matches;
}

function byDirection(matches: readonly Match[], store: boolean): readonly Match[] {
  const stores = ({ candidate: { form } }: Match): boolean => form.shapes[0]?.memory !== undefined;
  const wanted = matches.filter((match) => stores(match) === store);
  return wanted.length > 0 ? wanted : matches;
}
