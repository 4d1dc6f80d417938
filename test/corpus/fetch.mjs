/**
 * Fetches the kernel corpus from Debian: sources, headers and one image of each generation, into the git-ignored `.cache/corpus/`.
 * Nothing of it is installed or kept in the repository. Needs apt-get, apt-cache, dpkg-deb, tar and xz; no root.
 *
 *     node test/corpus/fetch.mjs [6.1] [6.12] [glibc] [binutils] [valgrind] [--no-image]
 *
 * Result, per generation: `source/` (arch/x86 and the few generic files the oracles compile), `common/` and `amd64/` (headers),
 * `image/` (vmlinuz and some modules), and `corpus.json` (versions, sha256 of each package) as the mark that it is complete.
 * `glibc/source/` has the assembler sources and headers of glibc's x86-64 port, `binutils/source/` the sources that GNU as is tested with,
 * `valgrind/source/` the programs and lists of instructions that valgrind is tested with.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, '.cache', 'corpus');
const GENERATIONS = ['6.1', '6.12'];

/** Members of the source tarball worth unpacking; the whole is 1.3 GB. */
const SOURCE_MEMBERS = [
  'arch/x86', 'lib/extable.c', 'lib/usercopy.c', 'lib/sort.c', 'lib/bsearch.c', 'kernel/extable.c', 'scripts/sorttable.c', 'scripts/sorttable.h',
  'include/linux', 'include/asm-generic', 'include/uapi', 'include/generated', 'include/vdso', 'include/ras', 'include/trace/events/mce.h',
  'tools/testing/selftests/powerpc/copyloops', 'COPYING',
];
/** Modules that make a varied sample for readers of `.ko` files. */
const MODULES = ['arch/x86/kvm/kvm.ko', 'arch/x86/kvm/kvm-intel.ko', 'drivers/nvdimm/nd_pmem.ko', 'drivers/nvdimm/libnvdimm.ko', 'fs/fuse/fuse.ko', 'net/sctp/sctp.ko'];

class CorpusError extends Error {}

function run(command, args, options = {}) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28, ...options });
  } catch (error) {
    const detail = error.code === 'ENOENT' ? `${command} is not installed` : String(error.stderr ?? error.message).trim();
    throw new CorpusError(`${command} ${args.join(' ')}: ${detail}`, { cause: error });
  }
}

/** Versions apt would install, by package name; packages apt does not know are left out. */
function candidates(packages) {
  const versions = new Map();
  let current = '';
  for (const line of run('apt-cache', ['policy', ...packages], { env: { ...process.env, LC_ALL: 'C' } }).split('\n')) {
    const name = /^(\S+):$/.exec(line)?.[1];
    if (name !== undefined) current = name;
    const version = /^ {2}Candidate: (\S+)$/.exec(line)?.[1];
    if (version !== undefined && version !== '(none)') versions.set(current, version);
  }
  return versions;
}

/** The packages of one generation, all of the same kernel version; undefined if apt has no source package for it. */
function resolvePackages(generation) {
  const sourcePackage = `linux-source-${generation}`;
  const version = candidates([sourcePackage]).get(sourcePackage);
  if (version === undefined) return undefined;
  const pattern = new RegExp(`^linux-headers-${generation.replaceAll('.', '\\.')}\\.[0-9][^ ]*-amd64$`);
  const names = run('apt-cache', ['pkgnames', `linux-headers-${generation}.`]).split('\n').filter((name) => pattern.test(name) && !/-(rt|cloud)-amd64$/.test(name));
  if (names.length === 0) throw new CorpusError(`apt has ${sourcePackage} but no linux-headers-${generation}.*-amd64; try apt-get update`);
  const versions = candidates(names);
  const headers = names.find((name) => versions.get(name) === version)
    ?? names.filter((name) => versions.has(name)).sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  const common = headers.replace(/-amd64$/, '-common');
  return {
    source: `${sourcePackage}=${version}`,
    amd64: `${headers}=${versions.get(headers)}`,
    common: `${common}=${candidates([common]).get(common)}`,
    image: `${headers.replace('headers', 'image')}=${versions.get(headers)}`,
  };
}

function download(work, specification) {
  const folder = mkdtempSync(join(work, 'deb-'));
  run('apt-get', ['download', '-q', specification], { cwd: folder });
  const file = readdirSync(folder).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new CorpusError(`apt-get download ${specification} left no .deb`);
  const path = join(folder, file);
  return { path, sha256: createHash('sha256').update(readFileSync(path)).digest('hex') };
}

/** Unpacks `members` (all, if none are named) of a .deb and returns the folder. */
function unpack(work, deb, members = []) {
  const folder = mkdtempSync(join(work, 'tree-'));
  if (members.length === 0) run('dpkg-deb', ['-x', deb, folder]);
  // A member this version does not have is no failure here: callers look for what they need.
  else run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$0" | tar -x --wildcards -C "$@" 2>/dev/null || true', deb, folder, ...members]);
  return folder;
}

function onlyChild(folder, pattern) {
  const name = readdirSync(folder).find((entry) => pattern.test(entry));
  if (name === undefined) throw new CorpusError(`${folder} has nothing like ${String(pattern)}: ${readdirSync(folder).join(', ')}`);
  return join(folder, name);
}

function unpackSource(work, deb, target, generation) {
  const tarball = onlyChild(join(unpack(work, deb), 'usr', 'src'), /\.tar\.xz$/);
  mkdirSync(target);
  const prefix = `linux-source-${generation}`;
  // tar complains about members this version does not have; what matters is checked below.
  run('sh', ['-c', 'xz -dc -T0 "$0" | tar -x --strip-components=1 -C "$@" 2>/dev/null || true', tarball, target, ...SOURCE_MEMBERS.map((member) => `${prefix}/${member}`)]);
  for (const needed of ['arch/x86/lib/copy_mc_64.S', 'arch/x86/mm/extable.c', 'arch/x86/kernel/cpu/mce/severity.c', 'lib/extable.c']) {
    if (!existsSync(join(target, needed))) throw new CorpusError(`${tarball} did not give ${needed}`);
  }
}

function fetchGeneration(generation, withImage) {
  const target = join(CACHE, generation);
  const packages = resolvePackages(generation);
  if (packages === undefined) {
    console.log(`corpus ${generation}: skipped: apt has no linux-source-${generation}`);
    return;
  }
  if (!withImage) delete packages.image;
  const mark = join(target, 'corpus.json');
  if (existsSync(mark)) {
    const have = JSON.parse(readFileSync(mark, 'utf8')).packages;
    if (Object.entries(packages).every(([part, specification]) => have[part]?.package === specification)) {
      console.log(`corpus ${generation}: up to date (${packages.source})`);
      return;
    }
  }
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'work-'));
  try {
    const fresh = join(work, 'fresh');
    mkdirSync(fresh);
    const facts = {};
    for (const [part, specification] of Object.entries(packages)) {
      const started = performance.now();
      const { path, sha256 } = download(work, specification);
      facts[part] = { package: specification, sha256 };
      if (part === 'source') unpackSource(work, path, join(fresh, 'source'), generation);
      else if (part === 'image') {
        const tree = unpack(work, path, ['./boot/vmlinuz-*', ...MODULES.map((module) => `./lib/modules/*/kernel/${module}*`)]);
        mkdirSync(join(fresh, 'image'));
        renameSync(onlyChild(join(tree, 'boot'), /^vmlinuz-/), join(fresh, 'image', 'vmlinuz'));
        const modules = onlyChild(join(tree, 'lib', 'modules'), /./);
        for (const module of MODULES) {
          const folder = join(modules, 'kernel', module, '..');
          const name = module.split('/').at(-1);
          const found = existsSync(folder) && readdirSync(folder).find((entry) => entry.startsWith(name));
          if (found) renameSync(join(folder, found), join(fresh, 'image', found));
        }
      } else renameSync(onlyChild(join(unpack(work, path), 'usr', 'src'), /^linux-headers-/), join(fresh, part));
      console.log(`corpus ${generation}: ${specification} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    }
    writeFileSync(join(fresh, 'corpus.json'), `${JSON.stringify({ generation, packages: facts }, undefined, 2)}\n`);
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Parts of upstream tarballs that Debian has packages of: what is unpacked to `source/`, and a file that must be among it. */
const TARBALLS = {
  // glibc's sources for x86-64.
  glibc: { package: 'glibc-source', members: ['*/sysdeps/*x86*/*.S', '*/sysdeps/*x86*/*.h'], strip: 1, needed: 'sysdeps/x86_64/strlen.S' },
  // What GNU as is tested with.
  binutils: { package: 'binutils-source', members: ['all', 'cfi', 'elf', 'i386', 'macros'].map((folder) => `*/gas/testsuite/gas/${folder}/*`), strip: 4, needed: 'i386/x86_64.s' },
  // Valgrind's programs and lists of instructions with their results; in no binary package.
  valgrind: { package: 'valgrind', members: ['*/none/tests/amd64/*', '*/none/tests/x86/*', '*/tests/*.h'], strip: 1, needed: 'none/tests/amd64/insn_basic.def', isSource: true },
};

/** The tarball in a binary package that carries upstream's sources. */
function downloadTarball(work, name, specification) {
  const { path, sha256 } = download(work, specification);
  return { tarball: onlyChild(join(unpack(work, path), 'usr', 'src', name), new RegExp(`^${name}-.*\\.tar\\.xz$`)), sha256 };
}

/**
 * The upstream tarball of a source package, with lists of source packages of our own: a machine's apt need not know any. They are looked up
 * where its binary packages come from.
 */
function downloadSource(work, specification) {
  const folder = mkdtempSync(join(work, 'source-'));
  const lists = join(folder, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  const targets = run('apt-get', ['indextargets', '--format', '$(ORIGIN) $(COMPONENT) $(SITE) $(RELEASE)', 'Created-By: Packages']).split('\n');
  const places = [...new Set(targets.map((line) => /^Debian main (\S+ \S+)$/.exec(line)?.[1]).filter((place) => place !== undefined))];
  if (places.length === 0) throw new CorpusError(`apt has no packages of Debian, so ${specification} cannot be looked up`);
  const sources = join(folder, 'sources.list');
  const signed = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
  writeFileSync(sources, places.map((place) => `deb-src ${signed}${place} main\n`).join(''));
  const options = ['-q', '-o', `Dir::Etc::SourceList=${sources}`, '-o', 'Dir::Etc::SourceParts=-', '-o', `Dir::State::Lists=${lists}`];
  run('apt-get', ['update', ...options], { cwd: folder });
  run('apt-get', ['source', '--download-only', ...options, specification], { cwd: folder });
  const tarball = onlyChild(folder, /\.orig\.tar\.(xz|bz2|gz)$/);
  return { tarball, sha256: createHash('sha256').update(readFileSync(tarball)).digest('hex') };
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

function fetchTarball(name) {
  const { package: source, members, strip, needed, isSource } = TARBALLS[name];
  const target = join(CACHE, name);
  const version = candidates([source]).get(source);
  if (version === undefined) {
    console.log(`corpus ${name}: skipped: apt has no ${source}`);
    return;
  }
  const specification = `${source}=${version}`;
  const mark = join(target, 'corpus.json');
  if (existsSync(mark) && JSON.parse(readFileSync(mark, 'utf8')).packages.source.package === specification) {
    console.log(`corpus ${name}: up to date (${specification})`);
    return;
  }
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'work-'));
  try {
    const started = performance.now();
    const { tarball, sha256 } = isSource ? downloadSource(work, specification) : downloadTarball(work, name, specification);
    const fresh = join(work, 'fresh');
    mkdirSync(join(fresh, 'source'), { recursive: true });
    run('tar', ['-x', '-f', tarball, '--wildcards', `--strip-components=${String(strip)}`, '-C', join(fresh, 'source'), ...members]);
    if (!existsSync(join(fresh, 'source', needed))) throw new CorpusError(`${tarball} did not give ${needed}`);
    writeFileSync(join(fresh, 'corpus.json'), `${JSON.stringify({ packages: { source: { package: specification, sha256 } } }, undefined, 2)}\n`);
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
    console.log(`corpus ${name}: ${specification} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const args = process.argv.slice(2);
const KNOWN = [...GENERATIONS, ...Object.keys(TARBALLS)];
const asked = args.filter((argument) => !argument.startsWith('--'));
try {
  for (const generation of asked) {
    if (!KNOWN.includes(generation)) throw new CorpusError(`unknown corpus "${generation}"; known are ${KNOWN.join(', ')}`);
  }
  for (const generation of asked.length > 0 ? asked : KNOWN) {
    if (Object.hasOwn(TARBALLS, generation)) fetchTarball(generation);
    else fetchGeneration(generation, !args.includes('--no-image'));
  }
} catch (error) {
  if (!(error instanceof CorpusError)) throw error;
  console.error(`corpus: ${error.message}`);
  process.exitCode = 1;
}
