import { readFileSync } from 'node:fs';
import { listing, meanings } from './listing.ts';

const [, , file = '', only] = process.argv;
const bytes = readFileSync(file);
process.stdout.write(only === 'meanings' ? meanings(bytes).join('\n') : listing(bytes));
