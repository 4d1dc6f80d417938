/**
 * Commands of the debug console that are no expressions.
 */
import { LINE_SIZE } from '../machine/memory/memory.ts';
import type { Machine } from '../machine/machine.ts';
import { severityRowText, severityRowsOf } from './end-text.ts';
import { evaluate } from './expressions/evaluate.ts';
import { ExpressionError } from './expressions/expression.ts';
import { hex } from './format.ts';

export interface CommandAnswer {
  readonly text: string;
  /** Whether the program's state was changed. */
  readonly changed: boolean;
}

interface Command {
  readonly usage: string;
  readonly help: string;
  run(words: readonly string[], machine: Machine): CommandAnswer;
}

const MOST_POISON = 1 << 20;

const COMMANDS: Readonly<Record<string, Command>> = {
  poison: {
    usage: 'poison OFF [LEN]',
    help: 'poisons LEN bytes (default 64, a cache line) at OFF: an offset in the source buffer, or an address such as dst+8 or rsi',
    run: ([place, length, ...rest], machine) => {
      if (place === undefined || rest.length > 0) throw new ExpressionError(`usage: ${COMMANDS['poison']!.usage}; expressions are written without spaces`, 0);
      const { address, size } = stretch(place, length, machine);
      if (machine.memory.permissions(address) === undefined) throw new ExpressionError(`nothing is mapped at ${machine.describe(address)}`, 0);
      machine.memory.poison(address, size);
      return { text: `poisoned ${machine.describe(address)}, ${String(size)} bytes (by the ${machine.memory.granule})`, changed: true };
    },
  },
  unpoison: {
    usage: 'unpoison [OFF [LEN]]',
    help: 'takes poison away; all of it without OFF',
    run: ([place, length], machine) => {
      if (place === undefined) {
        machine.memory.unpoison();
        return { text: 'no memory is poisoned now', changed: true };
      }
      const { address, size } = stretch(place, length, machine);
      machine.memory.unpoison(address, size);
      return { text: `took the poison from ${machine.describe(address)}, ${String(size)} bytes`, changed: true };
    },
  },
  severity: {
    usage: 'severity',
    help: 'how often each row of the severity table has graded a machine check of this run, or was passed over',
    run: (_, machine) => ({ text: severityRowsOf(machine)?.map(severityRowText).join('\n') ?? 'no machine check has been graded in this run', changed: false }),
  },
  help: {
    usage: 'help',
    help: 'this text',
    run: () => ({
      text: [
        ...Object.values(COMMANDS).map(({ usage, help }) => `${usage}: ${help}`),
        'anything else is an expression over registers (rax, eax, al, %rsi), flags (CF, ZF), buffers (src, dst), symbols and labels:',
        '  [rsi+8] or byte [rsi] or 8(%rsi) reads memory; + - * / % & | ^ ~ << >> == != < <= > >= && || ! ?: are unsigned 64-bit; rax = 5 assigns',
      ].join('\n'),
      changed: false,
    }),
  },
};

/** Runs `text` if it is a command; undefined if it is not. Throws ExpressionError for a command used wrongly. */
export function runCommand(text: string, machine: Machine): CommandAnswer | undefined {
  const [name, ...words] = text.trim().split(/\s+/);
  const command = Object.hasOwn(COMMANDS, name!) ? COMMANDS[name!]! : undefined;
  return command?.run(words, machine);
}

/** A place and a length as typed. A number that lies inside the source buffer is an offset in it. */
function stretch(place: string, length: string | undefined, machine: Machine): { readonly address: bigint; readonly size: number } {
  const { value } = evaluate(place, machine);
  const { buffers } = machine.scenario;
  const source = buffers.find(({ name }) => name === 'src') ?? buffers.find(({ name }) => name === 'ptr') ?? buffers[0];
  const address = source !== undefined && value < BigInt(source.size) ? source.address + value : value;
  const size = length === undefined ? BigInt(LINE_SIZE) : evaluate(length, machine).value;
  if (size < 1n || size > BigInt(MOST_POISON)) throw new ExpressionError(`a length from 1 to ${hex(BigInt(MOST_POISON))}, not ${length ?? ''}`, 0);
  return { address, size: Number(size) };
}
