/**
 * A launch configuration made from flags, checked; what is wrong is said in the flags' terms by property path.
 */
import { parseLaunchConfig } from '../machine/scenario/schema.ts';
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import { CommandError } from './exit-codes.ts';

export function checkedConfig(attributes: Record<string, unknown>): LaunchConfig {
  const parsed = parseLaunchConfig(attributes);
  if (parsed.ok) return parsed.config;
  throw new CommandError(parsed.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
}
