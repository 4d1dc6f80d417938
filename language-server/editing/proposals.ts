/**
 * What completion proposes, before it is put into the protocol's form.
 */

export type ProposalKind = 'instruction' | 'directive' | 'register' | 'label' | 'function' | 'symbol' | 'macro' | 'type' | 'file' | 'folder' | 'keyword';

export interface Proposal {
  readonly label: string;
  readonly kind: ProposalKind;
  /** One short line. */
  readonly detail?: string;
  /** Lower comes first. */
  readonly rank: number;
  /** What is inserted, if it is not the label. */
  readonly insert?: string;
  /** The same with placeholders, for clients that know snippets. */
  readonly snippet?: string;
  /** A header that has to be included as well. */
  readonly header?: string;
}
