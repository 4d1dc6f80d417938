import type { FixupReport } from '../webview/messages.ts';
export function fixupReport(_body: unknown): FixupReport | undefined { return undefined; }
