/** What the parts of the driver of short runs share while it is written: the code so far, its locals, and how it leaves for TypeScript. */
import { ACCESS, WINDOWS } from '../../memory/layout.ts';
import { Code } from '../wasm/code.ts';
import type { Label, Local } from '../wasm/code.ts';
import { CONTROL } from './layout.ts';
import type { DriverLayout } from './layout.ts';

export class DriverCode {
  readonly layout: DriverLayout;
  readonly c = new Code(1);
  /** Address of the case in hand. */
  readonly one: Local;
  /** Instructions that are left of its budget. */
  readonly left: Local;
  /** Where its poison is; from 0 to 0 without any. */
  readonly poisonFrom: Local;
  readonly poisonTo: Local;
  /** The access that was not possible: where it begins, and ends. */
  readonly ea: Local;
  readonly end: Local;
  /** Of the last fault. */
  readonly vector: Local;
  readonly outcome: Local;
  /** An entry of a table of windows, or of the exception table. */
  readonly entry: Local;

  constructor(layout: DriverLayout) {
    this.layout = layout;
    const { c } = this;
    this.one = c.local('i32');
    this.left = c.local('i32');
    this.poisonFrom = c.local('i64');
    this.poisonTo = c.local('i64');
    this.ea = c.local('i64');
    this.end = c.local('i64');
    this.vector = c.local('i32');
    this.outcome = c.local('i32');
    this.entry = c.local('i32');
  }

  say(status: number): void {
    this.c.i32(0).i32(status).store('i32', this.layout.control + CONTROL.STATUS);
  }

  /** Leaves for TypeScript. */
  ask(status: number, leave: Label): void {
    this.say(status);
    this.c.i32(0).get(this.left).store('i32', this.layout.control + CONTROL.LEFT);
    this.c.br(leave);
  }

  /** Closes the windows of the pages that hold the case's poison. */
  closePoisoned(): void {
    const c = this.c;
    const entry = this.entry;
    const at = c.local('i64');
    c.get(this.poisonFrom).i64(-4096).op('i64_and').set(at);
    const done = c.block();
    const again = c.loop();
    c.get(at).get(this.poisonTo).op('i64_ge_u').brIf(done);
    c.get(at).op('i32_wrap_i64').i32(8).op('i32_shr_u').i32(0xff0).op('i32_and').set(entry);
    // Half the table away from every address that selects the entry.
    const close = (table: number): void => { c.get(entry).get(entry).i32(0x800).op('i32_xor').op('i64_extend_i32_u').i64(8).op('i64_shl').store('i64', table); };
    if (this.layout.piece.access === ACCESS.READ) close(WINDOWS.READ);
    else {
      close(WINDOWS.WRITE);
      // The read window may be another page's, which stays as it is.
      c.get(entry).load('i64', WINDOWS.READ).get(at).op('i64_eq').if();
      close(WINDOWS.READ);
      c.end();
    }
    c.get(at).i64(4096).op('i64_add').set(at).br(again).end().end();
  }
}
