/**
 * Who handles a fault: from entries and ranges of any layout to what this kernel does for each.
 */
import type { Image } from '../../assembly/elf/image.ts';
import type { EntryClass, ExtableEntry } from '../../assembly/extable/entry.ts';
import type { FaultTaker, ImageTable } from '../../assembly/extable/search.ts';
import { EX_TYPE, namedHandler } from '../../fault-model/ex-type.ts';
import { entryTypeText } from '../../fault-model/entry-type.ts';
import { OUTSIDE_THE_MODEL, handlerType } from '../../fault-model/handler-types.ts';
import type { HandlerType } from '../../fault-model/handler-types.ts';
import { entryType } from '../../fault-model/kernel-generation.ts';
import type { KernelGeneration } from '../../fault-model/kernel-generation.ts';
import { VECTOR } from '../cpu/cpu.ts';
import type { EntryMatch, GuestHandler } from './delivery.ts';

/** What is done for one taker. */
export type TakerAction =
  /** One of the kernel's own handlers, by type. */
  | { readonly kind: 'type'; readonly handler: HandlerType }
  /** A C function of the program. */
  | { readonly kind: 'guest'; readonly handler: GuestHandler }
  /** Nothing that this kernel knows (it would BUG()), or nothing that the model does. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface Taker {
  readonly match: EntryMatch;
  /** EX_TYPE_* that stands for it; HANDLER for descriptors, undefined if this kernel has no such type. */
  readonly type: number | undefined;
  readonly action: TakerAction;
  /** The landing-pad word as it stands in the table, for types to which it is none. */
  readonly fixupWord?: number;
}

/** The types that do what the classes of 8-byte entries ask for. */
export const CLASS_TYPE: Readonly<Record<EntryClass, number>> = {
  plain: EX_TYPE.DEFAULT, 'trap-number': EX_TYPE.FAULT_MCE_SAFE, 'user-access': EX_TYPE.EXT, handler: EX_TYPE.HANDLER,
};

export class TakerResolver {
  readonly #table: ImageTable;
  readonly #image: Image;
  readonly #generation: KernelGeneration;
  readonly #hasMachineCheckTable: boolean;

  constructor(table: ImageTable, image: Image, generation: KernelGeneration) {
    this.#table = table;
    this.#image = image;
    this.#generation = generation;
    this.#hasMachineCheckTable = table.tables.some(({ layout }) => layout === 'mcex');
  }

  /** Who may handle `vector` at `ip`, in the order they are asked. */
  takers(ip: bigint, vector: number, fetch: boolean): readonly Taker[] {
    return this.#table.takers(ip, vector, fetch).map((taker) => this.#resolve(taker, ip, vector));
  }

  #resolve(taker: FaultTaker, ip: bigint, vector: number): Taker {
    if (taker.kind === 'range') {
      const { range, descriptor } = taker;
      const handler: GuestHandler = { name: this.#nameOf(descriptor.handler), address: descriptor.handler, self: descriptor.address, convention: 'descriptor' };
      const entry: ExtableEntry = { index: range.index, offset: range.offset, insn: ip, fixup: descriptor.handler, type: EX_TYPE.HANDLER, register: 0, flags: 0, immediate: 0, data: 0, handler: descriptor.address };
      return { match: { entry, range, handler, typeName: `range handler ${handler.name}`, insn: ip, fixup: descriptor.handler }, type: EX_TYPE.HANDLER, action: { kind: 'guest', handler } };
    }
    const { entry, descriptor } = taker;
    const { insn, fixup } = entry;
    if (descriptor !== undefined) {
      const handler: GuestHandler = { name: this.#nameOf(descriptor.handler), address: descriptor.handler, self: descriptor.address, convention: 'descriptor' };
      return { match: { entry, handler, typeName: `handler ${handler.name}`, insn, fixup: descriptor.handler }, type: EX_TYPE.HANDLER, action: { kind: 'guest', handler } };
    }
    const named = this.#typeOf(entry, vector);
    // A descriptor that cannot be read is no handler, and promises nothing.
    const type = named === EX_TYPE.HANDLER ? undefined : named;
    const builtin = type === undefined ? undefined : handlerType(type);
    if (builtin !== undefined) return { match: { entry, typeName: entryTypeText({ ...entry, type: builtin.type }), insn, fixup }, type, action: { kind: 'type', handler: builtin }, fixupWord: this.#fixupWord(entry) };
    const ownFunction = entry.handler;
    if (ownFunction !== undefined && this.#inCode(ownFunction)) {
      const handler: GuestHandler = { name: entry.handlerName ?? this.#nameOf(ownFunction), address: ownFunction, self: this.#addressOf(entry), convention: 'entry' };
      return { match: { entry, handler, typeName: `handler ${handler.name}`, insn, fixup }, type: undefined, action: { kind: 'guest', handler } };
    }
    const typeName = entry.handlerName ?? entryTypeText(type === undefined ? entry : { ...entry, type });
    const outside = OUTSIDE_THE_MODEL.get(type ?? EX_TYPE.NONE);
    if (outside !== undefined) return { match: { entry, typeName, insn, fixup }, type, action: { kind: 'unknown', reason: `${typeName} ${outside}` } };
    return { match: { entry, typeName, insn, fixup }, type, action: { kind: 'unknown', reason: `${typeName} is not a handler of this kernel (${this.#generation.covers}): BUG()` } };
  }

  /** The model's type for an entry of any layout. */
  #typeOf(entry: ExtableEntry, vector: number): number | undefined {
    // Entries of a second table are there for machine checks alone; their landing pads do the rest.
    if (vector === VECTOR.MC && this.#hasMachineCheckTable) return EX_TYPE.DEFAULT_MCE_SAFE;
    if (entry.class !== undefined) return CLASS_TYPE[entry.class];
    if (entry.handler !== undefined && entry.type !== EX_TYPE.HANDLER) return namedHandler(entry.handlerName ?? '');
    return entryType(entry.type, this.#generation);
  }

  /** Of the layouts whose landing pad is the second word, relative to itself. */
  #fixupWord(entry: ExtableEntry): number {
    return Number(BigInt.asUintN(32, entry.fixup - (this.#addressOf(entry) + 4n)));
  }

  #addressOf(entry: ExtableEntry): bigint {
    const table = this.#table.tables.find(({ entries }) => entries.includes(entry));
    return (table?.address ?? 0n) + BigInt(entry.offset);
  }

  #inCode(address: bigint): boolean {
    return this.#image.segments.some((segment) => segment.execute && address >= segment.address && address < segment.address + BigInt(segment.size));
  }

  #nameOf(address: bigint): string {
    return this.#image.symbolAt(address)?.name ?? `0x${address.toString(16)}`;
  }
}
