/** Finds the instructions of a region: what direct jumps, calls and returns connect, starting at given addresses. */
import type { Decoded } from '../decode.ts';

/** V8's optimising compiler needs time that grows faster than the code. */
const INSTRUCTION_LIMIT = 700;
const BLOCK_LIMIT = 64;

/** A straight line of instructions, entered only at its first. */
export interface Block {
  readonly ip: bigint;
  readonly instructions: readonly Decoded[];
  /** Where it goes on if its last instruction does not end it; undefined if it always does. */
  readonly next: bigint | undefined;
  /** The instruction at `next` is not part of the region (and never will be). */
  readonly leaves: boolean;
}

export interface Discovery {
  readonly blocks: ReadonlyMap<bigint, Block>;
  /** Addresses behind calls, where returns go. */
  readonly returnSites: ReadonlySet<bigint>;
  /** Addresses where execution may come in from outside: the starts, called functions, behind calls and behind what was left out. */
  readonly entries: ReadonlySet<bigint>;
}

/** Ways out. */
const INTERPRETED = new Set(['ud2', 'gp', 'nm', 'mf', 'hlt']);

/** Instructions the interpreter keeps: it counts repetitions, and traps end its run. */
function compiles(decoded: Decoded): boolean {
  if (decoded.meaning !== 'lift' || decoded.traps) return false;
  const { shape } = decoded;
  return shape.repeat === 'none' && !INTERPRETED.has(shape.mnemonic);
}

/** `fetch` decodes one instruction, or says undefined if it cannot be run from a region (a fault, a breakpoint). */
export function discover(starts: readonly bigint[], fetch: (ip: bigint) => Decoded | undefined): Discovery {
  const decoded = new Map<bigint, Decoded | undefined>();
  const leaders = new Set<bigint>(starts);
  const returnSites = new Set<bigint>();
  const entries = new Set<bigint>(starts);
  const queue = [...starts];
  let count = 0;
  for (let ip = queue.shift(); ip !== undefined; ip = queue.shift()) {
    while (!decoded.has(ip) && count < INSTRUCTION_LIMIT) {
      const instruction = fetch(ip);
      const usable = instruction !== undefined && compiles(instruction) ? instruction : undefined;
      decoded.set(ip, usable);
      const next: bigint = instruction === undefined ? ip : BigInt.asUintN(64, ip + BigInt(instruction.length));
      if (usable === undefined) {
        // What comes behind an instruction left out is entered from the interpreter.
        if (instruction !== undefined && !instruction.ends) {
          leaders.add(next);
          entries.add(next);
          queue.push(next);
        }
        break;
      }
      count++;
      const { target, shape } = usable;
      if (target !== undefined) {
        leaders.add(target);
        queue.push(target);
      }
      if (shape.mnemonic === 'call') {
        returnSites.add(next);
        leaders.add(next);
        entries.add(next);
        if (target !== undefined) entries.add(target);
        queue.push(next);
        break;
      }
      if (usable.ends) break;
      if (target !== undefined) leaders.add(next);
      ip = next;
    }
  }
  const blocks = new Map<bigint, Block>();
  for (const leader of leaders) {
    const block = blockAt(leader, decoded, leaders);
    if (block !== undefined) blocks.set(leader, block);
  }
  return { blocks, returnSites, entries: new Set([...entries].filter((ip) => blocks.has(ip))) };
}

function blockAt(leader: bigint, decoded: ReadonlyMap<bigint, Decoded | undefined>, leaders: Set<bigint>): Block | undefined {
  const instructions: Decoded[] = [];
  for (let ip = leader; ;) {
    const instruction = decoded.get(ip);
    if (instruction === undefined || instructions.length >= BLOCK_LIMIT) {
      if (instruction !== undefined) leaders.add(ip);
      return instructions.length === 0 ? undefined : { ip: leader, instructions, next: ip, leaves: instruction === undefined };
    }
    instructions.push(instruction);
    const next = BigInt.asUintN(64, ip + BigInt(instruction.length));
    if (instruction.ends || instruction.shape.mnemonic === 'call') return { ip: leader, instructions, next: undefined, leaves: false };
    if (instruction.target !== undefined || leaders.has(next)) return { ip: leader, instructions, next, leaves: !decoded.has(next) || decoded.get(next) === undefined };
    ip = next;
  }
}
