/**
 * The launch configuration: the one schema behind launch.json, `mcsafe run`'s flags and the manifest's attribute list.
 * Numbers that may not fit a double are hex strings.
 */
import * as z from 'zod/mini';
import { parseErrorDescription } from '../../fault-model/error-description.ts';
import { KERNEL_GENERATIONS } from '../../fault-model/kernel-generation.ts';
import { GENERAL_REGISTERS } from '../cpu/cpu.ts';
import { CPU_QUIRKS } from '../cpu/profiles.ts';
import { CONTRACT_ANSWERS } from './scenario.ts';

// No `new Function`: the schema also runs under a content-security policy.
z.config({ ...z.locales.en(), jitless: true });

/** An attribute's help text, shown in launch.json's hover. */
function describe<T extends z.core.$ZodType>(schema: T, description: string): T {
  z.globalRegistry.add(schema, { description });
  return schema;
}

const integer = z.union([z.int(), z.string().check(z.regex(/^-?(0x[0-9a-fA-F]+|[0-9]+)$/, 'a whole number, decimal or 0x…'))]);
const place = z.union([integer, z.string().check(z.regex(/^[A-Za-z_.$][\w.$]*([+-](0x[0-9a-fA-F]+|[0-9]+))?$/, 'a buffer, symbol or register role, optionally + or - a number: "src+64"'))]);
const register = z.enum(GENERAL_REGISTERS);

export const bufferSchema = z.strictObject({
  size: z.optional(describe(z.int().check(z.minimum(1), z.maximum(1 << 28)), 'Bytes. Default: n.')),
  offset: z.optional(describe(z.int().check(z.minimum(0), z.maximum(4095)), 'Offset of the first byte in its page, 0 to 4095. Default 0.')),
  user: z.optional(describe(z.boolean(), 'A user page in the user half of the address space. Default: as the contract says.')),
  access: z.optional(describe(z.enum(['rw', 'r', 'none']), 'What the page tables allow. Default "rw".')),
  fill: z.optional(describe(z.union([z.literal('pattern'), z.int().check(z.minimum(0), z.maximum(255))]), 'Initial contents: one byte value, or "pattern" (each byte differs from its neighbours). Default: pattern for src, 0xcc else.')),
});

export const poisonSchema = z.strictObject({
  at: describe(place, 'Where the poison starts: "src+64", a symbol, or an address.'),
  size: z.optional(describe(z.int().check(z.minimum(1), z.maximum(1 << 28)), 'Bytes. Default 64, one cache line.')),
});

export const absentSchema = z.strictObject({
  at: describe(place, 'The first byte that is not there: "src+5".'),
  size: z.optional(describe(z.int().check(z.minimum(1), z.maximum(1 << 28)), 'Bytes. Default 4096.')),
});

export const injectionSchema = z.strictObject({
  at: describe(place, 'The instruction: a symbol, symbol+offset, or an address.'),
  execution: z.optional(describe(z.int().check(z.minimum(1), z.maximum(1e9)), 'Which of its executions faults, from 1. Default 1.')),
  fault: describe(z.enum(['mc', 'pf']), 'A machine check or a page fault.'),
});

export const stopAtSchema = z.strictObject({
  exception: z.optional(describe(z.int().check(z.minimum(1)), 'Which exception of the run, from 1: stops when it is delivered.')),
  at: z.optional(describe(place, 'Or an instruction: a symbol, symbol+offset, or an address.')),
  execution: z.optional(describe(z.int().check(z.minimum(1)), 'Which of its executions, from 1. Default 1.')),
  why: z.optional(describe(z.string(), 'Printed at the stop.')),
}).check(z.refine(({ exception, at }) => (exception === undefined) !== (at === undefined), 'say "exception" or "at", one of the two'));

function errorDescriptionMessage(input: unknown): string {
  const result = parseErrorDescription(String(input));
  return result.ok ? 'not a machine-check description' : result.message;
}

const argumentValue = place;

export const contractSchema = z.strictObject({
  kind: z.enum(['copy', 'copy-partial', 'clear', 'get', 'put', 'csum', 'probe', 'custom', 'none']),
  arguments: z.optional(describe(z.record(z.string(), register), 'Role to register: {"dst": "rdi", "src": "rsi", "n": "rdx"}.')),
  returns: z.optional(describe(register, 'Register with the bytes left, the error or the value.')),
  answer: z.optional(describe(z.enum(CONTRACT_ANSWERS), 'What "returns" says of a copy or clear: "left" bytes not done (the default), "done" bytes done or an error from -4095 to -1, "end" the address behind the last byte done, "error" 0 if everything is done and anything else if not.')),
  trap: z.optional(describe(register, 'Register with the number of the last exception, 0 if there was none.')),
  machineCheckBit: z.optional(describe(z.int().check(z.minimum(0), z.maximum(63)), 'Bit of "returns" that says whether the last exception was a machine check; it is no part of the number.')),
  clobbers: z.optional(describe(z.array(register), 'Registers that the routine may change although the C calling convention keeps them.')),
  user: z.optional(describe(z.array(z.string()), 'Roles that are user pointers.')),
  promises: z.optional(describe(z.record(z.string().check(z.regex(/^[A-Za-z][\w-]*$/, 'a name')), z.string()), 'What else is promised, each by a name: {"in-range": "rax <= n", "prefix": "copied(dst, src, n - rax)"}.')),
});

export type ContractConfig = z.infer<typeof contractSchema>;

/** A contract in a file of its own, for `mcsafe sweep --contract FILE`. */
export const contractFileSchema = z.extend(contractSchema, {
  $schema: z.optional(z.string()),
  progress: z.optional(describe(z.int().check(z.minimum(0)), 'Bytes before the fault that may be given up. Default: any number.')),
  exceptions: z.optional(describe(z.int().check(z.minimum(0)), 'Exceptions that a call may take. Default 4.')),
  helpers: z.optional(describe(z.array(z.string()), 'Functions beside the routine that fixups may resume in.')),
});

export const cpuProfileSchema = z.strictObject({
  name: z.optional(z.string()),
  vendor: z.optional(z.enum(['intel', 'amd'])),
  features: z.optional(describe(z.array(z.string()), 'Kernel feature names in lower case: erms, fsrm, rep_good, smap, smep, la57 …')),
  quirks: z.optional(describe(z.array(z.enum(CPU_QUIRKS)), 'Ways of a CPU that are not in the manual: "rep-movs-overread" (rep movs may consume poison in the line behind the copy), "rep-movs-no-ripv" (a machine check in the middle of rep movs cannot be restarted), "broadcast" (machine checks go to all CPUs).')),
});

export const launchSchema = z.strictObject({
  program: describe(z.union([z.string(), z.array(z.string()).check(z.minLength(1))]), 'The .S/.s source, object file, or list of them, to load.'),
  entry: z.optional(describe(z.string(), 'Symbol to start at. Default: the routine at "line", else the first function of the first program that has exception-table entries.')),
  line: z.optional(describe(z.int().check(z.minimum(1)), 'Line (from 1) in the first program; the routine that holds it is run if no entry is named.')),
  n: z.optional(describe(z.int().check(z.minimum(0), z.maximum(1 << 28)), 'Length passed to the routine. Default 256.')),
  contract: z.optional(describe(z.union([contractSchema.shape.kind, contractSchema]), 'What the routine promises and how it takes its arguments. Default: from a comment directive, else from its name.')),
  arguments: z.optional(describe(z.partialRecord(register, argumentValue), 'Initial registers: a number, a buffer name, or name+offset. Overrides what the contract sets.')),
  buffers: z.optional(describe(z.record(z.string().check(z.regex(/^[A-Za-z_]\w*$/, 'a name')), bufferSchema), 'Guest memory for the run, each with unmapped guard pages around it.')),
  poison: z.optional(describe(z.union([z.literal(false), place, z.array(z.union([place, poisonSchema]))]), 'Poisoned memory. Default: the second line of the source buffer; false for none.')),
  machineCheck: z.optional(describe(z.string().check(z.refine((text) => parseErrorDescription(text).ok, { error: (issue) => errorDescriptionMessage(issue.input) })), 'What machine checks report, in the words of mce-inject; what is not named stays as the CPU reports it: "STATUS uc,ar,s,pcc MCGSTATUS ripv BANK 4".')),
  poisonGranule: z.optional(describe(z.enum(['line', 'byte']), 'line: as hardware, a read of any byte of the line faults. byte: only the poisoned byte itself (test mode). Default "line".')),
  absent: z.optional(describe(z.array(absentSchema), 'Memory that is not there although its page is: an access to any of these bytes is a page fault (test mode; hardware knows whole pages).')),
  inject: z.optional(describe(injectionSchema, 'A fault of one execution of one instruction that nothing in memory explains; the next execution is not disturbed.')),
  kernelGeneration: z.optional(describe(z.enum(KERNEL_GENERATIONS.map((generation) => generation.id)), 'Kernel whose headers and fault rules apply. Default "6.12".')),
  cpuProfile: z.optional(describe(z.union([z.string(), cpuProfileSchema]), 'CPU features and vendor: "default", "intel-server", "intel-old", "amd-server", "skylake-server", features added or taken away ("intel-server-erms+la57"), or an object.')),
  msrs: z.optional(describe(z.record(z.string().check(z.regex(/^(0x[0-9a-fA-F]{1,8}|[0-9]{1,9})$/, 'the number of a model-specific register, decimal or 0x…')), integer), 'Model-specific registers that exist, with their values: {"0xc0000082": "0xffffffff81000000"}. rdmsr and wrmsr of any other raise #GP; the bases of fs and gs always exist.')),
  includePaths: z.optional(describe(z.array(z.string()), 'Searched for #include before the built-in stand-ins; a configured kernel tree wins.')),
  defines: z.optional(describe(z.record(z.string(), z.string()), 'Macros defined as with -D.')),
  stubs: z.optional(describe(z.record(z.string(), z.string()), 'Assembly text for functions the program calls and does not define: {"printk": "xor %eax, %eax; ret"}.')),
  encoder: z.optional(describe(z.enum(['embedded', 'as', 'gcc']), 'Who encodes: the built-in assembler, GNU as on the expanded text, or gcc -c on the original file.')),
  budget: z.optional(describe(z.int().check(z.minimum(1), z.maximum(1e12)), 'Instructions after which the run is given up. Default 10000000.')),
  historySize: z.optional(describe(z.int().check(z.minimum(1), z.maximum(1 << 14)), 'MiB of memory that the history for stepping back may hold. What is given up is speed: older steps back run farther. Default 256.')),
  stopOnEntry: z.optional(describe(z.boolean(), 'Stop before the first instruction.')),
  stopAt: z.optional(describe(stopAtSchema, 'Run through to one place, past exceptions and fixups, and stop there first; what mcsafe sweep prints has it. Breakpoints still stop.')),
  trace: z.optional(describe(z.boolean(), 'Print each phase of each exception to the console.')),
});

/** A launch configuration as the user wrote it; defaults not yet applied. */
export type LaunchConfig = z.infer<typeof launchSchema>;

/** Something wrong with a configuration, by property path: `buffers.dst.size`. */
export interface ConfigProblem {
  readonly path: string;
  readonly message: string;
}

/**
 * Checks everything at once. Properties VS Code adds to every configuration (`type`, `name`, `request`, `__sessionId`, presentation …) are ignored.
 */
export function parseLaunchConfig(value: unknown): { readonly ok: true; readonly config: LaunchConfig } | { readonly ok: false; readonly problems: readonly ConfigProblem[] } {
  if (typeof value !== 'object' || value === null) return { ok: false, problems: [{ path: '', message: 'the launch configuration is not an object' }] };
  const own = Object.fromEntries(Object.entries(value).filter(([key]) => !CLIENT_PROPERTIES.has(key) && !key.startsWith('__')));
  const result = launchSchema.safeParse(own);
  if (result.success) return { ok: true, config: result.data };
  return {
    ok: false,
    problems: result.error.issues.map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message })),
  };
}

const CLIENT_PROPERTIES = new Set([
  'type', 'name', 'request', 'presentation', 'preLaunchTask', 'postDebugTask', 'internalConsoleOptions', 'debugServer', 'serverReadyAction',
  'noDebug', 'restart', 'suppressMultipleSessionWarning', 'consoleName', 'linux', 'osx', 'windows', '$schema',
]);

/** JSON Schema (draft 7) of the launch attributes, for the manifest. */
export function launchJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(launchSchema, { target: 'draft-7', io: 'input' });
}

/** JSON Schema (draft 7) of contract files. */
export function contractJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(contractFileSchema, { target: 'draft-7', io: 'input' });
}
