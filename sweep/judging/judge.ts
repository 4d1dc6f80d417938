/**
 * Whether one finished run kept the clauses of its contract.
 */
import type { Image } from '../../assembly/elf/image.ts';
import { FLAG, GENERAL_REGISTERS, VECTOR } from '../../machine/cpu/cpu.ts';
import type { GeneralRegister } from '../../machine/cpu/cpu.ts';
import type { Machine } from '../../machine/machine.ts';
import { LINE_SIZE, PAGE_SIZE } from '../../machine/memory/memory.ts';
import { ADDRESS_MAP } from '../../machine/scenario/resolve.ts';
import type { Contract } from '../../machine/scenario/scenario.ts';
import { readRole, writtenRole } from '../replay.ts';
import { LONG } from '../space.ts';
import type { SweepCase } from '../space.ts';
import { firstDifference, firstOther } from './bytes.ts';
import type { ClauseName, Promises, Violation } from './clauses.ts';
import { brokenPromise } from './custom-promises.ts';
import { JudgedRun } from './judged-run.ts';
import { judgeWork } from './work.ts';

const CALLEE_SAVED: readonly GeneralRegister[] = ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15'];
/** The machine starts every run 0x108 bytes below the top of the stack; a return takes the address off. */
const RETURNED_STACK = ADDRESS_MAP.stackTop - 0x100n;
/** Bytes around a destination hold this, so that a write there shows. */
const MARGIN = 0xa5;

/** Marks the rest of the pages of the written buffer; to be called before the run. */
export function markMargins(machine: Machine, contract: Contract): void {
  for (const { address, size } of margins(machine, contract)) machine.memory.write(address, new Uint8Array(size).fill(MARGIN));
}

/** What a run that has ended did not keep. */
export function judge(machine: Machine, one: SweepCase, promises: Promises): readonly Violation[] {
  const run = new JudgedRun(machine, one, promises);
  judgeExceptions(run);
  judgeMemoryAround(run);
  if (machine.ended?.reason === 'returned') {
    judgeState(run);
    judgeWork(run);
    judgeOwnPromises(run);
  } else judgeEnd(run);
  return one.n < LONG ? run.violations : cutLength(run.violations, promises);
}

/** Wrong counts for lengths that no 32 bits hold are one thing: the length was cut. */
function cutLength(violations: readonly Violation[], { cutsLength }: Promises): readonly Violation[] {
  const counts: readonly ClauseName[] = ['range', 'over-claim', 'under-claim', 'complete', 'result'];
  const wrong = violations.find(({ clause }) => counts.includes(clause));
  if (wrong === undefined || cutsLength === undefined) return violations;
  return [{ clause: 'length', message: wrong.message, at: cutsLength }, ...violations.filter(({ clause }) => !counts.includes(clause))];
}

function judgeEnd(run: JudgedRun): void {
  const { ended } = run.machine;
  switch (ended?.reason) {
    case 'died': {
      const last = ended.delivery.phases.at(-1);
      run.say('handled', last?.phase === 'died' ? last.death.reason : ended.delivery.exception.summary, ended.delivery.exception.ip);
      return;
    }
    case 'no-progress': return run.say('ends', 'the same fault again and again, with the same registers', ended.delivery.exception.ip);
    case 'stray-store': return run.say('ends', `a handler stored into ${ended.store.field} of a live pt_regs other than through its regs`, ended.store.at);
    case 'budget': return run.say('ends', `still running after ${String(ended.instructions)} instructions`, run.machine.registers.rip);
    case 'external': return run.say('ends', `calls ${ended.name}, which is not defined and has no stub`);
    case 'unsupported': return run.say('ends', `the emulator does not know ${ended.text}`, run.machine.registers.rip);
    case 'halted': return run.say('ends', 'halted', run.machine.registers.rip);
    default: return run.say('ends', 'did not return');
  }
}

function judgeExceptions(run: JudgedRun): void {
  const { fixups, image, scenario } = run.machine;
  // Without those after which the kernel goes on as if nothing had been, as after the erratum of fast string copies.
  const deliveries = run.machine.deliveries.filter(({ phases }) => phases.some(({ phase }) => phase === 'handled' || phase === 'died'));
  const { maxExceptions, helpers } = run.promises;
  if (deliveries.length > maxExceptions) run.say('exceptions', `${String(deliveries.length)} exceptions in one call`);
  const poison = deliveries.filter(({ exception }) => exception.vector === VECTOR.MC);
  const seen = new Set<bigint>();
  const granule = scenario.poisonGranule === 'line' ? BigInt(LINE_SIZE) : 1n;
  for (const { exception } of poison) {
    const place = (exception.address ?? 0n) / granule;
    if (seen.has(place)) run.say('poison-reread', `${run.machine.describe(exception.address ?? 0n)} was read again after its machine check`, exception.ip);
    seen.add(place);
  }
  for (const { from, to } of fixups) {
    const symbol = image.symbolAt(to);
    const other = symbol === undefined || symbol.offset >= symbol.symbol.size || symbol.symbol.type !== 'func' ? undefined : symbol.name;
    // Code that belongs to no function is a landing pad: .fixup sections, labels behind the routine.
    const inside = other === undefined ? isCode(image, to) : other === scenario.entry.name || image.symbolAt(from)?.name === other || helpers.includes(other);
    if (!inside) run.say('resume', `resumes at ${run.machine.describe(to)}${other === undefined ? ', which is no code' : ''}`, from);
  }
}

function judgeMemoryAround(run: JudgedRun): void {
  const { memory } = run.machine;
  for (const { address, size } of margins(run.machine, run.contract)) {
    const at = firstOther(memory.read(address, size), MARGIN);
    if (at >= 0) {
      run.say('overrun', `${run.machine.describe(address + BigInt(at))} was written`);
      break;
    }
  }
  const source = run.buffer(readRole(run.contract));
  if (source === undefined) return;
  const changed = firstDifference(memory.read(source.address, source.size), source.bytes);
  if (changed >= 0) run.say('source', `${source.name}+${String(changed)} was written`);
}

function judgeState(run: JudgedRun): void {
  const { registers, scenario, cpu, deliveries } = run.machine;
  const { clobbers = [] } = run.contract;
  const changed = CALLEE_SAVED.filter((name) => !clobbers.includes(name) && registers.get(GENERAL_REGISTERS.indexOf(name)) !== scenario.registers.get(name));
  if (changed.length > 0) run.say('registers', `${changed.join(', ')} changed`);
  const rsp = registers.get(GENERAL_REGISTERS.indexOf('rsp'));
  if (rsp !== RETURNED_STACK) run.say('stack', `rsp is 0x${rsp.toString(16)} after the return`);
  const { rflags } = registers;
  if ((rflags & BigInt(FLAG.DF)) !== 0n) run.say('direction-flag', 'DF is set after the return');
  const open = (rflags & BigInt(FLAG.AC)) !== 0n;
  if (open && !scenario.userAccess) run.say('ac-flag', 'AC is still set after the return');
  if (!open && scenario.userAccess) run.say('ac-flag', 'AC is clear after the return; the caller had set it');
  if (cpu.pendingNonTemporal && deliveries.length === 0) run.say('non-temporal', 'returns without sfence after non-temporal stores');
  else if (cpu.pendingNonTemporal) run.say('non-temporal', 'returns without sfence after non-temporal stores that followed the last exception');
}

function judgeOwnPromises(run: JudgedRun): void {
  const around = { ranges: margins(run.machine, run.contract), filler: MARGIN };
  for (const [promise, text] of Object.entries(run.contract.promises ?? {})) {
    const broken = brokenPromise(text, run.contract, { machine: run.machine, one: run.one, margins: around });
    if (broken !== undefined) run.violations.push({ clause: 'promise', promise, message: `${text} ${broken}`, at: run.guilty });
  }
}

/** The parts of the written buffer's pages that are not the buffer. */
function margins(machine: Machine, contract: Contract): readonly { readonly address: bigint; readonly size: number }[] {
  const role = writtenRole(contract);
  const buffer = machine.scenario.buffers.find(({ name }) => name === role);
  if (buffer === undefined || !buffer.permissions.write) return [];
  const before = Number(buffer.address % BigInt(PAGE_SIZE));
  const end = buffer.address + BigInt(buffer.size);
  const after = Number(-end & BigInt(PAGE_SIZE - 1));
  return [{ address: buffer.address - BigInt(before), size: before }, { address: end, size: after }].filter(({ size }) => size > 0);
}

function isCode(image: Image, address: bigint): boolean {
  return image.segments.some((segment) => segment.execute && address >= segment.address && address < segment.address + BigInt(segment.size));
}
