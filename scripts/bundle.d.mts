import type { BuildOptions } from 'esbuild';

export function nodeBundle(options: { readonly production: boolean }): Promise<BuildOptions>;
export function copyIced(folder: string): void;
