/**
 * The JSON that `mcsafe table --json` prints. Addresses and offsets are hex strings: they do not fit a double.
 */
import * as z from 'zod/mini';

// No `new Function`: the schema also runs under a content-security policy.
z.config({ ...z.locales.en(), jitless: true });

/** A field's meaning, shown by editors that know the schema. */
function describe<T extends z.core.$ZodType>(schema: T, description: string): T {
  z.globalRegistry.add(schema, { description });
  return schema;
}

const hex = z.string().check(z.regex(/^0x[0-9a-f]+$/, 'a hexadecimal number'));
const layout = z.enum(['absolute', 'relative', 'class', 'mcex', 'index', 'handler', 'type', 'data', 'vdso']);

const place = z.strictObject({
  address: describe(hex, 'Address in a linked file, offset in the section in a relocatable one.'),
  section: z.optional(z.string()),
  symbol: describe(z.string(), 'Symbol and offset: "copy_mc_fragile+0x1f"; the section or the number where no symbol helps.'),
  source: z.optional(describe(z.strictObject({ file: z.string(), line: z.int() }), 'Where the debug information says it was written.')),
});

const instruction = z.strictObject({
  text: describe(z.string(), 'AT&T text.'),
  bytes: describe(z.string(), 'Hexadecimal.'),
  reads: describe(z.boolean(), 'It reads memory, so a machine check can hit it.'),
  faults: describe(z.array(z.strictObject({ vector: z.int(), reason: z.string() })), 'Exceptions it can raise.'),
});

const descriptorSchema = z.strictObject({
  address: hex,
  handler: describe(z.string(), 'The C function.'),
  vectors: describe(z.array(z.int()), 'Vectors it takes.'),
  flags: z.int(),
});

const entrySchema = z.strictObject({
  table: describe(z.string(), 'Section.'),
  index: describe(z.int(), 'Position in the section, from 0.'),
  site: describe(place, 'The instruction that may fault.'),
  instruction: z.optional(instruction),
  target: describe(place, 'The landing pad, or the descriptor of a handler.'),
  type: describe(z.int(), 'EX_TYPE_* number; older layouts are given the type that does what they do.'),
  typeName: describe(z.string(), 'The type in words.'),
  class: z.optional(z.enum(['plain', 'trap-number', 'user-access', 'handler'])),
  register: z.int(), flags: z.int(), immediate: z.int(),
  data: describe(hex, 'The raw third word; 0 in layouts without one.'),
  handler: z.optional(describe(z.string(), 'The C handler.')),
  descriptor: z.optional(descriptorSchema),
  writes: describe(z.array(z.string()), 'Registers the handler may write, besides rip.'),
  recoverable: z.optional(describe(z.strictObject({ answer: z.enum(['yes', 'no', 'if the address is a user address']), because: z.string() }), 'Whether a machine check here is recoverable.')),
});

const rangeSchema = z.strictObject({
  index: z.int(),
  start: place,
  length: describe(z.int(), 'Bytes; 0 until the post-link step fills it in.'),
  flags: z.int(),
  descriptor: z.optional(descriptorSchema),
});

const findingSchema = z.strictObject({
  severity: z.enum(['error', 'warning', 'information', 'hint']),
  code: describe(z.string(), 'Stable name of the check.'),
  message: z.string(),
  table: z.string(),
  index: z.optional(describe(z.int(), 'Entry or range.')),
});

export const tableReportSchema = z.strictObject({
  file: z.string(),
  kind: z.enum(['relocatable', 'executable', 'shared']),
  layout: z.nullable(describe(layout, 'Of the first table; null without one.')),
  evidence: describe(z.array(z.string()), 'What the layout was concluded from.'),
  tables: z.array(z.strictObject({
    section: z.string(), layout, kernels: describe(z.string(), 'Kernels with this layout.'), stride: z.int(), entries: z.int(), evidence: z.array(z.string()),
  })),
  entries: z.array(entrySchema),
  ranges: z.array(rangeSchema),
  findings: z.array(findingSchema),
});

export type TableReport = z.infer<typeof tableReportSchema>;
export type ReportedEntry = z.infer<typeof entrySchema>;
export type ReportedRange = z.infer<typeof rangeSchema>;

/** The published JSON schema (draft-07) of a report. */
export function tableReportJsonSchema(): unknown {
  return z.toJSONSchema(tableReportSchema, { target: 'draft-7', io: 'output' });
}
