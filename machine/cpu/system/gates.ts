/** Gates: call gates that far calls and jumps go through, and what `int n` asks of the interrupt table (SDM 2A, CALL, JMP and INT n; 3A 5.8.3.1 and 6.14). */
import { VECTOR } from '../cpu.ts';
import { isCanonical } from './checks.ts';
import { NotModelled, SystemFault } from './context.ts';
import type { SystemContext } from './context.ts';
import { checkTable, descriptorOf, isCode, isConforming, isNull, readQuad, setAccessed, systemBase, upperHalf } from './descriptors.ts';
import type { Descriptor } from './descriptors.ts';
import { REG } from '../lift/access.ts';
import { storeInteger, toBytes } from './operands.ts';

const CS = 1, SS = 2;
const CALL_GATE = 12, INTERRUPT_GATE = 14, TRAP_GATE = 15;
/** In the task state segment: where the stack pointers of rings 0 to 2 begin. */
const TSS_STACKS = 4;
const SLOT = 8;

function fail(vector: number, selector: number): never {
  throw new SystemFault(vector, selector & 0xfffc);
}

/** Where a call gate leads. */
export interface GateTarget {
  readonly selector: number;
  readonly offset: bigint;
}

/** The call gate that `selector` names, if it may be used; undefined if it names none. */
export function callGate(cpu: SystemContext, selector: number): GateTarget | undefined {
  if (isNull(selector)) return undefined;
  const gate = descriptorOf(cpu, selector);
  if (gate === undefined || gate.segment || gate.type !== CALL_GATE) return undefined;
  if (gate.privilege < cpu.state.privilege || gate.privilege < (selector & 3)) fail(VECTOR.GP, selector);
  if (!gate.present) fail(VECTOR.NP, selector);
  const upper = upperHalf(cpu, selector) ?? fail(VECTOR.GP, selector);
  return { selector: Number((gate.raw >> 16n) & 0xffffn), offset: (gate.raw & 0xffffn) | ((gate.raw >> 32n) & 0xffff_0000n) | ((upper & 0xffff_ffffn) << 32n) };
}

/** A far call or jump through a gate. A call may go to an inner level, on the stack that the task state names for it. */
export function throughGate(cpu: SystemContext, { selector, offset }: GateTarget, call: boolean): void {
  const { state } = cpu;
  const level = state.privilege;
  const segment = targetSegment(cpu, selector, call);
  if (!isCanonical(cpu, offset)) throw new SystemFault(VECTOR.GP, 0);
  const inner = call && !isConforming(segment) && segment.privilege < level;
  if (inner) pushOnInnerStack(cpu, segment);
  else if (call) pushReturn(cpu, segment);
  else setAccessed(cpu, segment);
  state.setSegment(CS, (selector & ~3) | (inner ? segment.privilege : level));
  state.rip = offset;
}

function targetSegment(cpu: SystemContext, selector: number, call: boolean): Descriptor {
  if (isNull(selector)) throw new SystemFault(VECTOR.GP, 0);
  const level = cpu.state.privilege;
  const segment = descriptorOf(cpu, selector) ?? fail(VECTOR.GP, selector);
  if (!isCode(segment) || segment.privilege > level) fail(VECTOR.GP, selector);
  if (!call && !isConforming(segment) && segment.privilege !== level) fail(VECTOR.GP, selector);
  // Gates of long mode lead to 64-bit code only.
  if (!segment.long || segment.big) fail(VECTOR.GP, selector);
  if (!segment.present) fail(VECTOR.NP, selector);
  return segment;
}

function pushReturn(cpu: SystemContext, segment: Descriptor): void {
  const { state } = cpu;
  const top = BigInt.asUintN(64, state.getGeneral(REG.RSP) - BigInt(2 * SLOT));
  cpu.checkStore(top + BigInt(SLOT), SLOT);
  cpu.checkStore(top, SLOT);
  setAccessed(cpu, segment);
  storeInteger(cpu, top + BigInt(SLOT), SLOT, BigInt(state.getSegment(CS)));
  storeInteger(cpu, top, SLOT, state.rip);
  state.setGeneral(REG.RSP, top);
}

/** ss, rsp, cs and rip go on the inner stack, with the inner ring's rights; ss becomes null. */
function pushOnInnerStack(cpu: SystemContext, segment: Descriptor): void {
  const { state } = cpu;
  const old = [state.getSegment(SS), state.getGeneral(REG.RSP), state.getSegment(CS), state.rip].map((value) => toBytes(BigInt(value), SLOT));
  const top = innerStack(cpu, segment.privilege);
  const bottom = BigInt.asUintN(64, top - BigInt(SLOT * old.length));
  if (!isCanonical(cpu, bottom) || !isCanonical(cpu, BigInt.asUintN(64, top - 1n))) throw new SystemFault(VECTOR.SS, 0);
  checkTable(cpu, bottom, SLOT * old.length, 'write');
  setAccessed(cpu, segment);
  old.forEach((bytes, i) => { cpu.memory.write(BigInt.asUintN(64, top - BigInt(SLOT * (i + 1))), bytes); });
  state.setGeneral(REG.RSP, bottom);
  state.setSegment(SS, segment.privilege);
}

/** The stack pointer that the task state has for a ring. */
function innerStack(cpu: SystemContext, level: number): bigint {
  const task = cpu.state.taskRegister;
  const descriptor = isNull(task) ? undefined : descriptorOf(cpu, task);
  const base = descriptor?.address === undefined ? undefined : systemBase(cpu, task, descriptor);
  if (descriptor === undefined || base === undefined) throw new NotModelled('a call gate to an inner ring, with no task state that ltr would have loaded from a table in memory');
  const at = TSS_STACKS + SLOT * level;
  if (at + SLOT - 1 > descriptor.limit) fail(VECTOR.TS, task);
  return readQuad(cpu, BigInt.asUintN(64, base + BigInt(at)));
}

/** Error code of a fault at a gate of the interrupt table. */
const gateError = (vector: number): number => 8 * vector + 2;

/** What `int n` checks before it is delivered. As long as nothing loaded IDTR the gates are Linux's, of which ring 3 may use those of int3 and into. */
export function checkInterruptGate(cpu: SystemContext, vector: number): void {
  const { state } = cpu;
  const { base, limit } = state.idt;
  const refuse = (fault: number): never => { throw new SystemFault(fault, gateError(vector)); };
  if (limit === 0) {
    if (state.privilege === 3 && vector !== VECTOR.BP && vector !== VECTOR.OF) refuse(VECTOR.GP);
    return;
  }
  if (16 * vector + 15 > limit) refuse(VECTOR.GP);
  const gate = readQuad(cpu, BigInt.asUintN(64, base + BigInt(16 * vector)));
  const attributes = Number((gate >> 40n) & 0xffn);
  const type = attributes & 0x1f;
  if (type !== INTERRUPT_GATE && type !== TRAP_GATE) refuse(VECTOR.GP);
  if (((attributes >> 5) & 3) < state.privilege) refuse(VECTOR.GP);
  if ((attributes & 0x80) === 0) refuse(VECTOR.NP);
}
