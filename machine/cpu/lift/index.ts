/**
 * The one place that says what instructions do.
 *
 * ## How to add an instruction
 * 1. Find the file of its group in this folder, or add one, and export a `Record<mnemonic, Lift>`; name it below. Mnemonics are
 *    iced-x86's in lower case (string instructions without the size letter). `../decode.ts` maps what iced calls differently.
 * 2. Write `(a) => …`. `a.shape` has the operands' kinds and sizes, and nothing that differs between instructions which share a handler:
 *    register numbers and immediates are reached only through `a`. A decision on them belongs into the decoder, as `shape.variant`.
 * 3. Read operands with `a.read(k)` (sign-extended to an i64 local, or `a.read(k, 'zero')`), `a.modify(k)` if it is also written, write
 *    with `a.write(k, value)`. Implicit registers: `a.register(REG.RAX, size)`, `a.setRegister`. Own memory accesses: `a.address(k)`,
 *    `a.translate(ea, size, ACCESS.READ | WRITE | READ_WRITE)`, `a.load`, `a.store`. The stack: `a.push`, `a.top`, `a.drop`.
 * 4. **Translate, check and raise before anything is written**, flags included: translating can fail, and then nothing may have happened.
 *    Use `a.modify` or `a.prepare` for memory that is written after a register. `a.raise(vector, errorCode)` and `a.raiseIf` are faults.
 * 5. Flags: `flags.ts`. `addFlags`, `subFlags`, `logicFlags`, `resultFlags` are lazy and cheap; `replaceFlags` and `explicitFlags` are
 *    for everything else. Code that sets flags on one way of an `if` only calls `a.forgetKind()` behind it.
 * 6. `a.c` writes WebAssembly: `a.c.get(x).get(y).op('i64_add')`, then `a.take()` gives the result a local.
 * 7. What needs no speed, or much state (control registers, descriptor tables, cpuid), is easier in TypeScript: see `../system/index.ts`.
 *
 * Nothing has to be listed anywhere else: interpreter handlers and compiled regions are made from the lift when a program first uses it.
 * To make a handler part of the interpreter's inner loop, add its shape to `../interpreter/hot.ts`.
 * Test it against the real CPU (`test/oracle/`); fuzzing the two bindings against each other does not see a wrong meaning.
 */
import { arithmetic } from './arithmetic.ts';
import { bits } from './bits.ts';
import { bmi } from './bmi.ts';
import { control } from './control.ts';
import type { Lift } from './lift.ts';
import { moves } from './moves.ts';
import { shifts } from './shifts.ts';
import { strings } from './strings.ts';
import { vector } from './vector.ts';
import { vectorInteger } from './vector-integer.ts';
import { vectorShuffle } from './vector-shuffle.ts';

/** What every program uses, and what many do without: those tables are made when the first of their instructions is met, for a start's sake. */
const GENERAL: readonly Record<string, Lift>[] = [moves, arithmetic, shifts, bits, control, strings, bmi];
const VECTOR: readonly (() => Record<string, Lift>)[] = [vector, vectorInteger, vectorShuffle];

const lifts = new Map<string, Lift>();
for (const group of GENERAL) add(group);
let complete = false;

function add(group: Record<string, Lift>): void {
  for (const [mnemonic, lift] of Object.entries(group)) {
    if (lifts.has(mnemonic)) throw new Error(`${mnemonic} is defined twice`);
    lifts.set(mnemonic, lift);
  }
}

/** The meaning of a mnemonic, if the emulator models it. */
export function liftOf(mnemonic: string): Lift | undefined {
  if (!lifts.has(mnemonic) && !complete) {
    complete = true;
    for (const group of VECTOR) add(group());
  }
  return lifts.get(mnemonic);
}
