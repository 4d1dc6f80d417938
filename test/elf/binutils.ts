/**
 * What binutils says about a file, and objects made for a test.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readElf } from '../../assembly/elf/read.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';

export function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30, env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A folder for one test file. */
export function scratchFolder(): string {
  return mkdtempSync(join(tmpdir(), 'mcsafe-'));
}

/** Compiles or assembles `text` (by the extension of `name`) and returns the object's path. */
export function compile(folder: string, name: string, text: string, ...flags: readonly string[]): string {
  const source = join(folder, name);
  const object = source.replace(/\.[^.]+$/, '.o');
  writeFileSync(source, text);
  run('gcc', '-c', ...flags, '-o', object, source);
  return object;
}

export function readObject(path: string): ObjectFile {
  return readElf(path, readFileSync(path));
}

/** One line for each section, in words both `readelf -SW` and the reader can give. */
export function readelfSections(path: string): string[] {
  return run('readelf', '-SW', path).split('\n').flatMap((line) => {
    const match = /^\s*\[\s*(\d+)\] (.*?)\s+(NULL|[A-Z_]+[A-Z0-9_]*|[0-9a-f]{8}|<\w+>.*?|LOOS\S*|VERNEED|VERSYM|RELR?)\s+([0-9a-f]{16}) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)\s+([A-Za-z]*)\s+(\d+)\s+(\d+)\s+(\d+)$/.exec(line);
    if (match === null || match[1] === '0') return [];
    return [`${match[1]!} ${match[2]!} address=${BigInt(`0x${match[4]!}`).toString(16)} size=${String(Number.parseInt(match[6]!, 16))} entry=${String(Number.parseInt(match[7]!, 16))} align=${match[11]!}`];
  });
}

export interface ReadelfSymbol { readonly value: bigint; readonly size: number; readonly type: string; readonly binding: string; readonly section: string; readonly name: string }

/** The symbols of one table (`.symtab`, `.dynsym`). */
export function readelfSymbols(path: string, table: string): ReadelfSymbol[] {
  const symbols: ReadelfSymbol[] = [];
  let inTable = false;
  for (const line of run('readelf', '-sW', path).split('\n')) {
    const heading = /^Symbol table '(.+)' contains/.exec(line);
    if (heading !== null) inTable = heading[1] === table;
    const match = /^\s*\d+: ([0-9a-f]{16})\s+(\S+) (\S+)\s+(\S+)\s+(\S+)\s+(?:\[.*?\]\s+)?(\S+)(?: (.*))?$/.exec(line);
    if (!inTable || match === null) continue;
    symbols.push({ value: BigInt(`0x${match[1]!}`), size: Number(match[2]!), type: match[3]!, binding: match[4]!, section: match[6]!, name: (match[7] ?? '').replace(/@.*$/, '') });
  }
  return symbols;
}
