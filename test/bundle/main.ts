import { readFileSync } from 'node:fs';
import { listing } from './listing.ts';

process.stdout.write(listing(readFileSync(process.argv[2] ?? '')));
