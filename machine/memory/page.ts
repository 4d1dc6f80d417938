/** One page of the guest and what can be saved of it. */
import type { Arena } from './arena.ts';
import { PAGE_SIZE } from './memory.ts';
import type { PagePermissions } from './memory.ts';
import { NO_RANGES } from './poison.ts';
import type { Ranges } from './poison.ts';

/** A page as it was at some moment. Immutable. `permissions` undefined: not mapped; `bytes` undefined: all zero. */
export interface PageState {
  readonly permissions: PagePermissions | undefined;
  readonly poison: Ranges;
  readonly absent: Ranges;
  readonly bytes: Uint8Array | undefined;
}

export const UNMAPPED: PageState = { permissions: undefined, poison: NO_RANGES, absent: NO_RANGES, bytes: undefined };

export class Page {
  /** Linear address >> 12. */
  readonly number: number;
  /** Where its bytes are in the arena. A page keeps its frame for ever, so physical addresses are stable. */
  readonly frame: number;
  permissions: PagePermissions | undefined = undefined;
  poison: Ranges = NO_RANGES;
  /** Bytes that are not there although their page is. */
  absent: Ranges = NO_RANGES;
  /** Whether the current checkpoint has its old state, so that it may be written. */
  saved = false;
  /** Whether instructions were decoded from it. */
  code = false;
  /** The state that `saved` stands for, kept after going back: as long as it is equal to the page, saving again is free. */
  shadow: PageState | undefined = undefined;

  constructor(number: number, frame: number) {
    this.number = number;
    this.frame = frame;
  }

  state(arena: Arena): PageState {
    return {
      permissions: this.permissions, poison: this.poison, absent: this.absent,
      bytes: this.permissions === undefined ? undefined : arena.u8.slice(this.frame, this.frame + PAGE_SIZE),
    };
  }

  apply(arena: Arena, state: PageState): void {
    this.permissions = state.permissions;
    this.poison = state.poison;
    this.absent = state.absent;
    if (state.bytes === undefined) arena.u8.fill(0, this.frame, this.frame + PAGE_SIZE);
    else arena.u8.set(state.bytes, this.frame);
  }
}
