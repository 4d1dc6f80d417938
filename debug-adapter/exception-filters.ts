/**
 * The exception filters: what they are called, what they stop at, which are on from the start.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { VECTOR } from '../machine/cpu/cpu.ts';
import type { Delivery } from '../machine/kernel/delivery.ts';

export type ExceptionFilter = 'machineCheck' | 'unhandled' | 'fixup' | 'pageFault';

export const EXCEPTION_FILTERS: readonly (DebugProtocol.ExceptionBreakpointsFilter & { readonly filter: ExceptionFilter; readonly default: boolean })[] = [
  { filter: 'machineCheck', label: 'Machine check delivered', description: 'Stops when a machine check is delivered, before anything handles it.', default: true },
  { filter: 'unhandled', label: 'Unhandled exception', description: 'Stops when nobody takes an exception: the kernel oopses or panics.', default: true },
  { filter: 'fixup', label: 'Fixup executed', description: 'Stops at the landing pad after every fixup.', default: true },
  { filter: 'pageFault', label: 'Page fault delivered', description: 'Stops when a page fault is delivered, before anything handles it.', default: false },
];

export const DEFAULT_FILTERS: readonly ExceptionFilter[] = EXCEPTION_FILTERS.filter((one) => one.default).map((one) => one.filter);

export function isExceptionFilter(name: string): name is ExceptionFilter {
  return EXCEPTION_FILTERS.some(({ filter }) => filter === name);
}

/** Whether a delivery is to be shown before it is handled. */
export function stopsOnDelivery(filters: ReadonlySet<ExceptionFilter>, delivery: Delivery): boolean {
  const { vector } = delivery.exception;
  return (vector === VECTOR.MC && filters.has('machineCheck')) || (vector === VECTOR.PF && filters.has('pageFault'));
}
