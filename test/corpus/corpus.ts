/**
 * The kernel corpus as tests see it: where `fetch.mjs` put it, or why it is not there.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type CorpusGeneration = '6.1' | '6.12';

/** One fetched generation; all paths absolute. */
export interface Corpus {
  readonly generation: CorpusGeneration;
  /** Root of the unpacked source (arch/x86 and a few generic files). */
  readonly source: string;
  /** linux-headers-*-common and linux-headers-*-amd64. */
  readonly common: string;
  readonly amd64: string;
  /** vmlinuz and some modules; undefined if fetched with --no-image. */
  readonly image: string | undefined;
  /** `linux-source-6.1=6.1.192-2`, by part. */
  readonly packages: Readonly<Record<string, { readonly package: string; readonly sha256: string }>>;
}

const CACHE = fileURLToPath(new URL('../../.cache/corpus/', import.meta.url));

/** The fetched corpus of `generation`; undefined if it has not been fetched (`npm run corpus`). */
export function corpus(generation: CorpusGeneration): Corpus | undefined {
  const folder = join(CACHE, generation);
  const mark = join(folder, 'corpus.json');
  if (!existsSync(mark)) return undefined;
  const { packages } = JSON.parse(readFileSync(mark, 'utf8')) as { packages: Corpus['packages'] };
  const part = (name: string): string => join(folder, name);
  return {
    generation, packages, source: part('source'), common: part('common'), amd64: part('amd64'),
    image: 'image' in packages ? part('image') : undefined,
  };
}

/** True if every one of `commands` can be run. */
export function haveCommands(...commands: readonly string[]): boolean {
  return commands.every((command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined);
}

/** The folder of what GNU as is tested with, and the package it is from; undefined if it has not been fetched. */
export function gasSuite(): { readonly folder: string; readonly package: string } | undefined {
  const folder = join(CACHE, 'binutils');
  const mark = join(folder, 'corpus.json');
  if (!existsSync(mark)) return undefined;
  const { packages } = JSON.parse(readFileSync(mark, 'utf8')) as { packages: { source: { package: string } } };
  return { folder: join(folder, 'source'), package: packages.source.package };
}

/** Root of the fetched part of valgrind's sources, `none/tests` and common headers; undefined if it has not been fetched. */
export function valgrindSuite(): string | undefined {
  return existsSync(join(CACHE, 'valgrind', 'corpus.json')) ? join(CACHE, 'valgrind', 'source') : undefined;
}

/** Root of the fetched part of glibc's sources; undefined if it has not been fetched. */
export function glibcSource(): string | undefined {
  return existsSync(join(CACHE, 'glibc', 'corpus.json')) ? join(CACHE, 'glibc', 'source') : undefined;
}

/**
 * Why a test that needs packages or the corpus must be skipped; undefined if nothing is missing.
 * With MCSAFE_REQUIRE=all a missing package or corpus is a failure, not a skip. The reason is printed.
 */
export function missing(test: string, needs: { readonly commands?: readonly string[]; readonly corpora?: readonly CorpusGeneration[]; readonly glibc?: boolean; readonly gasSuite?: boolean; readonly valgrindSuite?: boolean }): string | undefined {
  const lacking = [
    ...(needs.commands ?? []).filter((command) => !haveCommands(command)),
    ...(needs.glibc === true && glibcSource() === undefined ? ['glibc\'s sources (node test/corpus/fetch.mjs glibc)'] : []),
    ...(needs.gasSuite === true && gasSuite() === undefined ? ['the tests of GNU as (node test/corpus/fetch.mjs binutils)'] : []),
    ...(needs.valgrindSuite === true && valgrindSuite() === undefined ? ['the tests of valgrind (node test/corpus/fetch.mjs valgrind)'] : []),
    ...(needs.corpora ?? []).filter((generation) => corpus(generation) === undefined).map((generation) => `kernel corpus ${generation} (npm run corpus)`),
  ];
  if (lacking.length === 0) return undefined;
  const reason = `${test} needs ${lacking.join(', ')}`;
  if (process.env['MCSAFE_REQUIRE'] === 'all') throw new Error(`MCSAFE_REQUIRE=all: ${reason}`);
  console.log(`skipped: ${reason}`);
  return reason;
}

function kernelIncludes({ common, amd64 }: Corpus): readonly string[] {
  const include = (path: string): string => `-I${path}`;
  return [
    '-nostdinc', '-isystem', gccIncludes(),
    include(`${common}/arch/x86/include`), include(`${amd64}/arch/x86/include/generated`), include(`${common}/include`), include(`${amd64}/include`),
    include(`${common}/arch/x86/include/uapi`), include(`${amd64}/arch/x86/include/generated/uapi`), include(`${common}/include/uapi`), include(`${amd64}/include/generated/uapi`),
    '-include', `${common}/include/linux/compiler-version.h`, '-include', `${common}/include/linux/kconfig.h`,
    '-D__KERNEL__', '-m64', '-DCC_USING_FENTRY', '-DKBUILD_MODFILE="x"', '-DKBUILD_BASENAME="x"', '-DKBUILD_MODNAME="x"',
  ];
}

/** For compiling one of the kernel's C files so that it can be linked into a user program (no PIE, small code model). */
export function kernelCFlags(from: Corpus): readonly string[] {
  return [
    ...kernelIncludes(from), '-include', `${from.common}/include/linux/compiler_types.h`, '-std=gnu11', '-O2', '-mno-sse', '-mno-mmx', '-mno-red-zone',
    '-fno-strict-aliasing', '-fno-pie', '-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-mcmodel=small', '-w',
  ];
}

/** `-I…` and `-D…` of the kernel's own build, for assembling `arch/x86/**.S` outside a kernel tree with the packaged headers. */
export function kernelAssemblyFlags(from: Corpus): readonly string[] {
  return [...kernelIncludes(from), '-D__ASSEMBLY__', '-fno-PIE'];
}

let gccIncludeFolder: string | undefined;

function gccIncludes(): string {
  return gccIncludeFolder ??= execFileSync('gcc', ['-print-file-name=include'], { encoding: 'utf8' }).trim();
}

/** sha256 of a file, the key under which facts about it are kept. */
export function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
