/** The type of one instruction's definition; apart from the index, so that the groups need not import it. */
import type { Access } from './access.ts';

/** Writes code that does what `access.shape` says. */
export type Lift = (access: Access) => void;
