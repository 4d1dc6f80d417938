// Writes the parts of the manifest that follow from the code: launch attributes (there and in
// the manual) from the launch schema, and the schemas of .mcsafe.json, contracts, `mcsafe table --json` and `mcsafe sweep --json`.
//
//   node scripts/manifest.mjs [--check]      --check: writes nothing, exits 1 if anything is out of date
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { importTs, root } from './import-ts.mjs';

const check = process.argv.includes('--check');
const { launchJsonSchema, contractJsonSchema } = await importTs('machine/scenario/schema.ts');
const { settingsSchema, editorSettingsSchema, LEVELS } = await importTs('host/settings.ts');
const { CODES } = await importTs('language-server/checks/report.ts');
const { tableReportJsonSchema } = await importTs('assembly/extable/report-schema.ts');
const { sweepReportJsonSchema } = await importTs('sweep/report-schema.ts');

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { properties, required } = simplified(launchJsonSchema());
for (const debuggerEntry of manifest.contributes.debuggers) debuggerEntry.configurationAttributes = { launch: { required, properties } };

/** A level for each code there is, in place of "any key". */
const severity = { type: 'object', propertyNames: { enum: [...CODES.keys()].sort() }, additionalProperties: { type: 'string', enum: LEVELS }, default: {} };
/** Of settings that are on unless switched off. */
const ON = ['mcsafe.inlayHints.landingPads', 'mcsafe.inlayHints.uncovered', 'mcsafe.codeLens'];
const ownSettings = Object.entries(manifest.contributes.configuration.properties).filter(([name]) => !/^mcsafe\.(diagnostics|inlayHints|codeLens)\b/.test(name));
manifest.contributes.configuration.properties = Object.fromEntries([...ownSettings, ...settingsOf(simplified(z.toJSONSchema(editorSettingsSchema, { target: 'draft-7', io: 'input' })), 'mcsafe')]);

const settings = simplified(z.toJSONSchema(settingsSchema, { target: 'draft-7', io: 'input' }));
const { description } = settings.properties.diagnostics.properties.severity;
settings.properties.diagnostics.properties.severity = { ...severity, description };

const manual = readFileSync(join(root, 'docs/manual.md'), 'utf8');
const attributes = Object.entries(properties).map(([name, { description }]) => `| \`${name}\` | ${description.replaceAll('|', '\\|')} |`);

const stale = [
  write('package.json', json(manifest)),
  write('schemas/settings.schema.json', json({ title: 'mcsafe project settings', ...settings })),
  write('schemas/table-report.schema.json', json({ title: 'What mcsafe table --json prints', ...simplified(tableReportJsonSchema()) })),
  write('schemas/contract.schema.json', json({ title: 'What a routine promises, for mcsafe sweep --contract FILE', ...simplified(contractJsonSchema()) })),
  write('schemas/sweep-report.schema.json', json({ title: 'What mcsafe sweep --json prints', ...simplified(sweepReportJsonSchema()) })),
  write('docs/manual.md', manual.replace(/(<!-- attributes -->\n)[^]*(<!-- \/attributes -->)/, (_, open, close) => `${open}${['| attribute | |', '|---|---|', ...attributes].join('\n')}\n${close}`)),
].filter((path) => path !== undefined);
if (stale.length > 0 && check) {
  console.error(`out of date: ${stale.join(', ')}; run node scripts/manifest.mjs`);
  process.exit(1);
}

function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The leaves of an object's schema, by their full names. */
function settingsOf(schema, name) {
  if (name === 'mcsafe.diagnostics.severity') return [[name, { ...severity, description: schema.description }]];
  if (schema.properties !== undefined) return Object.entries(schema.properties).flatMap(([key, part]) => settingsOf(part, `${name}.${key}`));
  return [[name, { ...schema, default: ON.includes(name) }]];
}

/** Writes `text` if the file says something else; the path if it did. */
function write(path, text) {
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return undefined;
  if (!check) writeFileSync(file, text);
  return path;
}

/** Without what an editor's JSON service does not need: the safe-integer bounds zod gives every whole number, and the dialect. */
function simplified(schema) {
  return JSON.parse(JSON.stringify(schema, (key, value) => {
    if (key === '$schema' && typeof value === 'string') return undefined;
    if ((key === 'maximum' || key === 'minimum') && Math.abs(value) === Number.MAX_SAFE_INTEGER) return undefined;
    return value;
  }));
}
