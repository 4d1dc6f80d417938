/**
 * The settings of the index: `mcsafe.index` of the editor, or `index` of the initialization options.
 */
import type { IndexOptions } from './workspace-index.ts';

export const INDEX_SECTION = 'mcsafe.index';
const LARGEST_MAX_FILES = 100_000;

export const DEFAULT_INDEX_OPTIONS: IndexOptions = { enabled: true, maxFiles: 5000 };

/** Reads what a client sent; whatever is missing or of a wrong type has its default. */
export function indexOptions(value: unknown): IndexOptions {
  const { enabled, maxFiles } = (typeof value === 'object' && value !== null ? value : {}) as { readonly enabled?: unknown; readonly maxFiles?: unknown };
  return {
    enabled: enabled !== false,
    maxFiles: typeof maxFiles === 'number' && Number.isInteger(maxFiles) && maxFiles >= 0 ? Math.min(maxFiles, LARGEST_MAX_FILES) : DEFAULT_INDEX_OPTIONS.maxFiles,
  };
}
