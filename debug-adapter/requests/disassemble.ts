/**
 * disassemble: instructions around an address, with their symbols and lines.
 */
import { partitionPoint } from '../../assembly/binary-search.ts';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as z from 'zod/mini';
import type { ImageLine } from '../../assembly/elf/image.ts';
import { decodeInstruction, MAX_INSTRUCTION_LENGTH } from '../../assembly/x86/decode.ts';
import type { Adapter } from '../adapter.ts';
import type { Debuggee } from '../debuggee.ts';
import { errors } from '../errors.ts';
import { hex, nameOf } from '../format.ts';
import { defineRequest, wholeNumber } from '../request.ts';
import { addressOf } from './memory.ts';

/** Instructions of one request. */
const LIMIT = 10_000;

export const disassembleRequests = [
  defineRequest({
    command: 'disassemble',
    capabilities: { supportsDisassembleRequest: true },
    arguments: z.object({
      memoryReference: z.string(), offset: z.optional(wholeNumber),
      instructionOffset: z.optional(wholeNumber), instructionCount: wholeNumber.check(z.minimum(0)), resolveSymbols: z.optional(z.boolean()),
    }),
    handle: (adapter, { memoryReference, offset = 0, instructionOffset = 0, instructionCount, resolveSymbols = false }) => {
      const debuggee = adapter.stopped('disassemble');
      if (instructionCount > LIMIT || Math.abs(instructionOffset) > LIMIT) throw errors.tooMuchMemory(Math.max(instructionCount, Math.abs(instructionOffset)), LIMIT);
      const start = addressOf(memoryReference, offset);
      const before = instructionOffset < 0 ? instructionsBefore(debuggee, start, -instructionOffset) : [];
      const after = instructionsFrom(debuggee, start, Math.max(0, instructionOffset + instructionCount)).slice(Math.max(0, instructionOffset));
      const addresses = [...before, ...after].slice(0, instructionCount);
      return { instructions: addresses.map((address) => describe(adapter, debuggee, address, resolveSymbols)) };
    },
  }),
];

/** Bytes of the instruction at `address`; 1 where there is none, so that the listing goes on. */
function lengthAt({ machine }: Debuggee, address: bigint): number {
  const bytes = machine.memory.read(address, MAX_INSTRUCTION_LENGTH);
  return bytes.length === 0 ? 1 : Math.max(1, decodeInstruction(bytes, address).length);
}

function instructionsFrom(debuggee: Debuggee, start: bigint, count: number): readonly bigint[] {
  const addresses: bigint[] = [];
  for (let address = start; addresses.length < count; address = BigInt.asUintN(64, address + BigInt(lengthAt(debuggee, address)))) addresses.push(address);
  return addresses;
}

/** Going back over variable-length code needs a place to start from: the line rows, each of which begins an instruction. */
function instructionsBefore(debuggee: Debuggee, end: bigint, count: number): readonly bigint[] {
  const { lines } = debuggee.machine.image;
  const found: bigint[] = [];
  let upper = end;
  for (let row = lastRowBelow(lines, end); row >= 0 && found.length < count; row--) {
    const { address } = lines[row]!;
    const run = runUpTo(debuggee, address, upper);
    // Bytes between two rows that are no instructions (another section, data): the listing does not reach over them.
    if (run === undefined) break;
    found.unshift(...run);
    upper = address;
  }
  const kept = found.slice(-count);
  while (kept.length < count) kept.unshift(BigInt.asUintN(64, (kept[0] ?? end) - 1n));
  return kept;
}

/** The instructions from `start` that end exactly at `end`; undefined if they do not. */
function runUpTo(debuggee: Debuggee, start: bigint, end: bigint): readonly bigint[] | undefined {
  const addresses: bigint[] = [];
  let address = start;
  for (; address < end && addresses.length < LIMIT; address += BigInt(lengthAt(debuggee, address))) addresses.push(address);
  return address === end ? addresses : undefined;
}

function lastRowBelow(lines: readonly ImageLine[], address: bigint): number {
  return partitionPoint(lines.length, (index) => lines[index]!.address < address) - 1;
}

function describe(adapter: Adapter, debuggee: Debuggee, address: bigint, resolveSymbols: boolean): DebugProtocol.DisassembledInstruction {
  const { machine } = debuggee;
  const bytes = machine.memory.read(address, MAX_INSTRUCTION_LENGTH);
  if (bytes.length === 0) return { address: hex(address), instruction: '(not mapped)', presentationHint: 'invalid' };
  const instruction = decodeInstruction(bytes, address);
  const symbol = resolveSymbols ? machine.image.symbolAt(address) : undefined;
  const place = debuggee.place(address);
  const target = instruction.target === undefined ? undefined : nameOf(machine, instruction.target);
  return {
    address: hex(address),
    instructionBytes: [...bytes.subarray(0, instruction.length)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
    instruction: `${instruction.text}${target === undefined || instruction.text.includes('<') ? '' : ` <${target}>`}`,
    ...(symbol !== undefined && symbol.offset === 0n ? { symbol: symbol.name } : {}),
    ...(place === undefined ? {} : { location: adapter.toClient(place).source, line: adapter.toClient(place).line, column: adapter.toClient(place).column }),
  };
}
