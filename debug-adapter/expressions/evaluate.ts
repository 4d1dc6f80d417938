/**
 * Gives an expression its value in a stopped machine. Reading memory here never consumes poison.
 */
import type { Machine } from '../../machine/machine.ts';
import { ExpressionError } from './expression.ts';
import type { Expression, MemorySize } from './expression.ts';
import { parseExpression } from './parse.ts';
import { registerPlace } from './registers.ts';

export interface Value {
  /** Unsigned, below 2^bits. */
  readonly value: bigint;
  readonly bits: number;
  /** Where it stands in memory, if it does; for a symbol: what it names. */
  readonly address?: bigint;
}

/** Parses and evaluates `text`; throws ExpressionError. `assign` allows `=`. */
export function evaluate(text: string, machine: Machine, assign = false): Value {
  return new Evaluator(machine, assign).evaluate(parseExpression(text));
}

/** Evaluates `target = value`, both as text, and returns the value as the target then holds it. */
export function assign(target: string, value: string, machine: Machine): Value {
  const parsed = parseExpression(target);
  return new Evaluator(machine, true).evaluate({ kind: 'assignment', target: parsed, value: parseExpression(value), at: 0 });
}

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

const BINARY: Readonly<Record<string, (left: bigint, right: bigint) => bigint>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '&': (left, right) => left & right,
  '|': (left, right) => left | right,
  '^': (left, right) => left ^ right,
  '<<': (left, right) => (right > 63n ? 0n : left << right),
  '>>': (left, right) => (right > 63n ? 0n : left >> right),
  '==': (left, right) => truth(left === right),
  '!=': (left, right) => truth(left !== right),
  '<': (left, right) => truth(left < right),
  '>': (left, right) => truth(left > right),
  '<=': (left, right) => truth(left <= right),
  '>=': (left, right) => truth(left >= right),
};

function truth(value: boolean): bigint {
  return value ? 1n : 0n;
}

class Evaluator {
  readonly #machine: Machine;
  readonly #assign: boolean;

  constructor(machine: Machine, assign: boolean) {
    this.#machine = machine;
    this.#assign = assign;
  }

  evaluate(expression: Expression): Value {
    switch (expression.kind) {
      case 'number':
        return { value: expression.value, bits: 64 };
      case 'name':
        return this.#name(expression.name, expression.at);
      case 'memory':
        return this.#load(this.evaluate(expression.address).value, expression.size, expression.at);
      case 'unary':
        return { value: wrap(this.#unary(expression.operator, this.evaluate(expression.operand).value)), bits: 64 };
      case 'binary':
        return { value: this.#binary(expression), bits: 64 };
      case 'conditional':
        return this.evaluate(this.evaluate(expression.condition).value !== 0n ? expression.then : expression.otherwise);
      case 'assignment':
        return this.#store(expression.target, this.evaluate(expression.value).value, expression.at);
    }
  }

  #unary(operator: string, operand: bigint): bigint {
    if (operator === '-') return -operand;
    if (operator === '~') return ~operand;
    return operator === '!' ? truth(operand === 0n) : operand;
  }

  #binary({ operator, left, right, at }: Extract<Expression, { kind: 'binary' }>): bigint {
    const first = this.evaluate(left).value;
    if (operator === '&&') return first === 0n ? 0n : truth(this.evaluate(right).value !== 0n);
    if (operator === '||') return first === 0n ? truth(this.evaluate(right).value !== 0n) : 1n;
    const second = this.evaluate(right).value;
    if ((operator === '/' || operator === '%') && second === 0n) throw new ExpressionError('division by zero', at);
    return wrap(BINARY[operator]!(first, second));
  }

  /** Registers and flags first, then the run's buffers, then the program's symbols and labels. */
  #name(name: string, at: number): Value {
    const { registers, scenario, image } = this.#machine;
    const place = registerPlace(name);
    if (place !== undefined) return { value: place.get(registers), bits: place.bits };
    const address = scenario.buffers.find((buffer) => buffer.name === name)?.address
      ?? image.symbols.find((symbol) => symbol.name === name)?.address
      ?? image.labels.find((label) => label.name === name)?.address;
    if (address === undefined) throw new ExpressionError(`"${name}" is no register, flag, buffer or symbol`, at);
    return { value: address, bits: 64, address };
  }

  #load(address: bigint, size: MemorySize, at: number): Value {
    const bytes = this.#machine.memory.read(address, size);
    if (bytes.length < size) throw new ExpressionError(`cannot read ${String(size)} ${size === 1 ? 'byte' : 'bytes'} at ${this.#machine.describe(address)}: not mapped`, at);
    let value = 0n;
    for (let index = size - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]!);
    return { value, bits: size * 8, address };
  }

  #store(target: Expression, value: bigint, at: number): Value {
    if (!this.#assign) throw new ExpressionError('"=" assigns, which is not possible here; "==" compares', at);
    const { registers, memory } = this.#machine;
    if (target.kind === 'memory') {
      const address = this.evaluate(target.address).value;
      const before = this.#load(address, target.size, at);
      const bytes = Uint8Array.from({ length: target.size }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
      memory.write(address, bytes);
      return { ...before, value: BigInt.asUintN(before.bits, value) };
    }
    const place = target.kind === 'name' ? registerPlace(target.name) : undefined;
    if (place === undefined) throw new ExpressionError(`${target.kind === 'name' ? `"${target.name}"` : 'this'} cannot be assigned to: no register or flag`, at);
    place.set(registers, BigInt.asUintN(place.bits, value));
    return { value: place.get(registers), bits: place.bits };
  }
}
