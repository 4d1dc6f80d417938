/**
 * The schema of SARIF 2.1.0, as OASIS publishes it.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';

let validate: ValidateFunction | undefined;

/** What is wrong with a log by the schema; empty if nothing is. */
export function sarifErrors(log: unknown): readonly string[] {
  if (validate === undefined) {
    const path = createRequire(import.meta.url).resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
    // Draft 4 differs from what Ajv reads in the name of the schema's own address only, for what this schema uses.
    const schema = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    delete schema['$schema'];
    delete schema['id'];
    validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false, allErrors: true }).compile(schema);
  }
  return validate(log) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message ?? ''}`);
}
