/**
 * Programs that a test can use where they are installed.
 */
import { spawnSync } from 'node:child_process';

/** Whether `command` can be started; says so if not. With MCSAFE_REQUIRE=all a missing one is a failure. */
export function has(command: string): boolean {
  if (spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined) return true;
  if (process.env['MCSAFE_REQUIRE'] === 'all') throw new Error(`${command} is not installed`);
  console.log(`skipped: ${command} is not installed`);
  return false;
}
