/** Whether a finished run kept what a promise in words of {@link parseExpression} says. */
import { GENERAL_REGISTERS } from '../../machine/cpu/cpu.ts';
import type { Machine } from '../../machine/machine.ts';
import { HALF_REGISTERS, parseExpression } from '../../machine/scenario/expression.ts';
import type { Expression } from '../../machine/scenario/expression.ts';
import type { Contract } from '../../machine/scenario/scenario.ts';
import { fromLittleEndian } from './bytes.ts';
import { checksum } from './checksum.ts';
import { firstFaultByte } from '../space.ts';
import type { SweepCase } from '../space.ts';

/** Bytes that one function of an expression looks at. */
const MAX_BYTES = 1n << 24n;

/** Why a value cannot be had: the promise is not kept. */
class NoValue extends Error {}

/** Memory around a buffer, each byte of which held `filler` before the run. */
export interface Margins {
  readonly ranges: readonly { readonly address: bigint; readonly size: number }[];
  readonly filler: number;
}

/** What is said of a promise that is not kept; undefined if it is. */
export function brokenPromise(text: string, contract: Contract, { machine, one, margins }: { readonly machine: Machine; readonly one: SweepCase; readonly margins: Margins }): string | undefined {
  const parsed = parseExpression(text, Object.keys(contract.arguments));
  if (!parsed.ok) throw new RangeError(`${text}: ${parsed.message}`);
  const evaluation = new Evaluation(machine, one, contract, margins);
  try {
    return evaluation.value(parsed.expression) !== 0n ? undefined : `is false: ${evaluation.shown(parsed.expression)}`;
  } catch (error) {
    if (error instanceof NoValue) return `has no value: ${error.message}`;
    throw error;
  }
}

class Evaluation {
  readonly #machine: Machine;
  readonly #case: SweepCase;
  readonly #contract: Contract;
  readonly #margins: Margins;

  constructor(machine: Machine, one: SweepCase, contract: Contract, margins: Margins) {
    this.#machine = machine;
    this.#case = one;
    this.#contract = contract;
    this.#margins = margins;
  }

  value(expression: Expression): bigint {
    switch (expression.kind) {
      case 'number': return expression.value;
      case 'name': return this.#named(expression.name, expression.old);
      case 'call': return this.#call(expression);
      case 'unary': {
        const operand = this.value(expression.operand);
        return expression.operator === '!' ? truth(operand === 0n) : expression.operator === '-' ? -operand : ~operand;
      }
      case 'binary': return this.#binary(expression);
      case 'choice': return this.value(expression.condition) !== 0n ? this.value(expression.yes) : this.value(expression.no);
    }
  }

  /** The names of an expression with their values, each once. */
  shown(expression: Expression): string {
    const seen = new Map<string, string>();
    const visit = (part: Expression): void => {
      switch (part.kind) {
        case 'name': {
          const value = this.#named(part.name, part.old);
          seen.set(`${part.old ? 'old.' : ''}${part.name}`, value < 10n ** 6n && value > -(10n ** 6n) ? String(value) : `0x${BigInt.asUintN(64, value).toString(16)}`);
          break;
        }
        case 'call': part.operands.forEach(visit); break;
        case 'unary': visit(part.operand); break;
        case 'binary': [part.left, part.right].forEach(visit); break;
        case 'choice': [part.condition, part.yes, part.no].forEach(visit); break;
        case 'number':
      }
    };
    visit(expression);
    return [...seen].map(([name, value]) => `${name} = ${value}`).join(', ');
  }

  #named(name: string, old: boolean): bigint {
    const { deliveries } = this.#machine;
    const { arguments: args, returns } = this.#contract;
    switch (name) {
      case 'exceptions': return BigInt(deliveries.length);
      case 'vector': return BigInt(deliveries.at(-1)?.exception.vector ?? 0);
      case 'position': return BigInt(firstFaultByte(this.#case) ?? -1);
      case 'returned': return returns === undefined ? 0n : this.#register(returns, false);
      case 'n': return BigInt(this.#case.n);
    }
    // A role is what was passed.
    const role = Object.hasOwn(args, name) ? args[name] : undefined;
    if (role !== undefined) return this.#register(role, true);
    const half = HALF_REGISTERS.indexOf(name);
    return half < 0 ? this.#register(name, old) : BigInt.asUintN(32, this.#register(GENERAL_REGISTERS[half]!, old));
  }

  #register(name: string, old: boolean): bigint {
    const number = (GENERAL_REGISTERS as readonly string[]).indexOf(name);
    return old ? this.#machine.scenario.registers.get(GENERAL_REGISTERS[number]!) ?? 0n : this.#machine.registers.get(number);
  }

  #binary({ operator, left, right }: Extract<Expression, { kind: 'binary' }>): bigint {
    const a = this.value(left);
    if (operator === '&&') return truth(a !== 0n && this.value(right) !== 0n);
    if (operator === '||') return truth(a !== 0n || this.value(right) !== 0n);
    if (operator === '=>') return truth(a === 0n || this.value(right) !== 0n);
    const b = this.value(right);
    switch (operator) {
      case '==': return truth(a === b);
      case '!=': return truth(a !== b);
      case '<': return truth(a < b);
      case '<=': return truth(a <= b);
      case '>': return truth(a > b);
      case '>=': return truth(a >= b);
      case '+': return a + b;
      case '-': return a - b;
      case '*': return a * b;
      case '&': return a & b;
      case '|': return a | b;
      case '^': return a ^ b;
      case '<<': case '>>': {
        if (b < 0n || b > 128n) throw new NoValue(`a shift by ${String(b)}`);
        return operator === '<<' ? a << b : a >> b;
      }
      default: {
        if (b === 0n) throw new NoValue('a division by 0');
        return operator === '/' ? a / b : a % b;
      }
    }
  }

  #call({ name, old, operands }: Extract<Expression, { kind: 'call' }>): bigint {
    const [a = 0n, b = 0n, c = 0n] = operands.map((operand) => this.value(operand));
    switch (name) {
      case 'load': return fromLittleEndian(this.#memory(a, b, old));
      case 'sum': return BigInt(checksum(this.#memory(a, b, old)));
      case 'copied': return truth(equal(this.#memory(a, c, false), this.#memory(b, c, true)));
      case 'unchanged': return truth(this.#isUnchanged(a, b));
      case 'filled': return truth(this.#memory(a, b, false).every((byte) => BigInt(byte) === c));
      case 'signed': case 'low': {
        if (b < 1n || b > 64n) throw new NoValue(`${String(b)} bits`);
        return name === 'signed' ? BigInt.asIntN(Number(b), a) : BigInt.asUintN(Number(b), a);
      }
    }
  }

  #memory(address: bigint, size: bigint, before: boolean): Uint8Array {
    if (size < 0n || size > MAX_BYTES) throw new NoValue(`${String(size)} bytes of memory`);
    const start = BigInt.asUintN(64, address);
    const bytes = this.#machine.memory.read(start, Number(size));
    if (BigInt(bytes.length) !== size) throw new NoValue(`there is no memory at ${this.#machine.describe(start + BigInt(bytes.length))}`);
    if (!before) return bytes;
    return bytes.map((_, i) => this.#before(start + BigInt(i)));
  }

  /** Memory that is not there has not changed. */
  #isUnchanged(address: bigint, size: bigint): boolean {
    if (size < 0n || size > MAX_BYTES) throw new NoValue(`${String(size)} bytes of memory`);
    const start = BigInt.asUintN(64, address);
    return this.#machine.memory.read(start, Number(size)).every((byte, i) => byte === this.#before(start + BigInt(i)));
  }

  #before(address: bigint): number {
    const buffer = this.#machine.scenario.buffers.find((one) => address >= one.address && address < one.address + BigInt(one.size));
    if (buffer !== undefined) return buffer.bytes[Number(address - buffer.address)]!;
    const { ranges, filler } = this.#margins;
    return ranges.some((range) => address >= range.address && address < range.address + BigInt(range.size)) ? filler : 0;
  }
}

function truth(value: boolean): bigint {
  return value ? 1n : 0n;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}
