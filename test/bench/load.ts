/**
 * One cold start, in a process of its own and bundled as the product is: an object file is read, linked, put into a machine, and its first
 * instruction retired. Prints the milliseconds from this program's first line to there, its modules' evaluation included.
 *   node load.cjs OBJECT ENTRY
 */
import { readFileSync } from 'node:fs';
import { linkObjects } from '../../assembly/elf/link/link.ts';
import { readElf } from '../../assembly/elf/read.ts';
import { createMachine } from '../../machine/create.ts';

const [, , file = '', entry = ''] = process.argv;
const { image, problems } = linkObjects([readElf(file, readFileSync(file))]);
if (problems.some(({ severity }) => severity === 'error')) throw new Error(problems.map(({ message }) => message).join('\n'));
const result = createMachine({ config: { program: file, entry, contract: 'copy' }, image, directives: [], program: file });
if (!result.ok) throw new Error(JSON.stringify(result));
result.machine.run({ limit: 1 });
// The bundle's banner sets it before anything is loaded.
const { benchStart } = globalThis as unknown as { readonly benchStart: number };
const took = performance.now() - benchStart;
if (result.machine.counted !== 1n) throw new Error('the first instruction did not retire');
console.log(took.toFixed(3));
