/**
 * What the fixup view and the extension say to each other. Everything is text, ready to be shown.
 */

/** A place in the program, and in its source if it has one. */
export interface Place {
  /** `copy_mc+0x10` */
  readonly label: string;
  /** `copy_mc.S:24`; absent without a source. */
  readonly position?: string;
  /** What to open for it. */
  readonly source?: { readonly path: string; readonly line: number };
}

export interface RegisterRow {
  readonly register: string;
  readonly old: string;
  readonly new: string;
  readonly changedBy: string;
}

/** One fixup that was executed. */
export interface FixupReport {
  /** 1 for the first exception of the run. */
  readonly sequence: number;
  /** `#MC` */
  readonly exception: string;
  /** What happened, in a sentence. */
  readonly summary: string;
  /** How a machine check was graded; absent for other exceptions. */
  readonly severity?: { readonly level: string; readonly reason: string };
  /** `EX_TYPE_DEFAULT_MCE_SAFE` */
  readonly handlerType: string;
  /** What that handler did: `ax = trapnr (18); ip = fixup`. */
  readonly effect: string;
  /** Which entry of the table matched. */
  readonly entry: string;
  readonly from: Place;
  readonly to: Place;
  /** In the fixed order of {@link REGISTER_ORDER}. */
  readonly changes: readonly RegisterRow[];
  readonly unchanged: readonly string[];
}

/** Rows stand in this order whatever changed first: the general registers by their encoding, then ip and flags. */
export const REGISTER_ORDER: readonly string[] = [
  'rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip', 'rflags',
];

/** To the view: all fixups of the session so far, oldest first. */
export interface ShowMessage {
  readonly kind: 'show';
  readonly fixups: readonly FixupReport[];
}

/** From the view. */
export type ViewMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'reveal'; readonly path: string; readonly line: number };
