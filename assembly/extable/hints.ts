/**
 * What a file or an image says about its tables besides their bytes: notes, kernel version, where code lies.
 */
import type { Image } from '../elf/image.ts';
import { partOf, SHF, SHT } from '../elf/object.ts';
import type { ObjectFile } from '../elf/object.ts';
import { decodeUtf8 } from '../elf/utf8.ts';
import type { TableHints } from './detect.ts';

type Hints = Omit<TableHints, 'section'>;

/**
 * `.note.mcsafe`: an ELF note of name `mcsafe`, type 1, whose descriptor is two 32-bit words: the note's version (1) and the layout's letter.
 */
const NOTE = { section: '.note.mcsafe', name: 'mcsafe', type: 1, version: 1 } as const;

export function fileHints(file: ObjectFile, generation?: string): Hints {
  const section = (name: string): Uint8Array | undefined => file.sections.find((candidate) => candidate.name === name)?.bytes;
  const note = noteLetter(section(NOTE.section));
  const version = moduleVersion(section('.modinfo')) ?? bannerVersion(file);
  const code = file.sections.filter(({ flags }) => (flags & SHF.EXECINSTR) !== 0).map(({ address, size }) => ({ start: address, end: address + BigInt(size) }));
  const codeSizes = new Map(file.sections.filter(({ flags }) => (flags & SHF.EXECINSTR) !== 0).map(({ name, size }) => [name, BigInt(size)]));
  return {
    ...(note === undefined ? {} : { note }),
    ...(version === undefined ? {} : { version }),
    ...(generation === undefined ? {} : { generation }),
    vdso: file.symbols.some(({ name, section: where }) => where !== 'undefined' && (name === '__vdso_sgx_enter_enclave' || name === '__vdso_gettimeofday')),
    isCode: file.kind === 'relocatable'
      ? (place, name) => name !== undefined && place < (codeSizes.get(name) ?? 0n)
      : (place) => code.some(({ start, end }) => place >= start && place < end),
  };
}

/** Hints for the tables of `object` in a linked image: its own note counts, not that of another object. */
export function imageHints(image: Image, object: string, generation?: string): Hints {
  const noteSection = image.sections.find((section) => section.name === NOTE.section && section.object === object);
  const note = noteSection === undefined ? undefined : noteLetter(image.read(noteSection.address, noteSection.size));
  const code = image.segments.filter(({ execute }) => execute).map(({ address, size }) => ({ start: address, end: address + BigInt(size) }));
  return {
    ...(note === undefined ? {} : { note }),
    ...(generation === undefined ? {} : { generation }),
    vdso: image.symbols.some(({ name }) => name === '__vdso_sgx_enter_enclave'),
    // A C handler of the kernel is a function nobody defines here.
    isCode: (place) => code.some(({ start, end }) => place >= start && place < end) || image.externals.has(place),
  };
}

function noteLetter(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 12 <= bytes.length;) {
    const nameSize = view.getUint32(at, true);
    const descriptorSize = view.getUint32(at + 4, true);
    const name = at + 12;
    const descriptor = name + Math.ceil(nameSize / 4) * 4;
    const next = descriptor + Math.ceil(descriptorSize / 4) * 4;
    if (next > bytes.length) return undefined;
    if (view.getUint32(at + 8, true) === NOTE.type && descriptorSize >= 8 && decodeUtf8(bytes.subarray(name, name + nameSize)).replace(/\0.*$/, '') === NOTE.name
      && view.getUint32(descriptor, true) === NOTE.version) {
      return String.fromCharCode(view.getUint32(descriptor + 4, true) & 0x7f);
    }
    at = next;
  }
  return undefined;
}

/** `vermagic=6.1.0-42-amd64 SMP …` among a module's zero-terminated strings. */
function moduleVersion(modinfo: Uint8Array | undefined): string | undefined {
  if (modinfo === undefined || modinfo.length > 1 << 20) return undefined;
  return /(?:^|\0)vermagic=(\d+\.\d+\S*)/.exec(decodeUtf8(modinfo))?.[1];
}

/** `Linux version 6.1.0-42-amd64 …`, at the symbol `linux_banner` of a kernel or, without symbols, at the start of its read-only data. */
function bannerVersion(file: ObjectFile): string | undefined {
  if (file.kind === 'relocatable') return undefined;
  const banner = file.symbols.find(({ name }) => name === 'linux_banner');
  const section = banner === undefined ? file.sections.find(({ name }) => name === '.rodata') : typeof banner.section === 'number' ? file.sections[banner.section] : undefined;
  if (section === undefined || section.type === SHT.NOBITS) return undefined;
  if (banner !== undefined) return versionIn(partOf(section, Number(banner.value - section.address), 128));
  const bytes = partOf(section, 0, BANNER_SEARCH);
  for (let at = bytes.indexOf(BANNER[0]!); at >= 0; at = bytes.indexOf(BANNER[0]!, at + 1)) {
    if (BANNER.every((byte, index) => bytes[at + index] === byte)) {
      const version = versionIn(bytes.subarray(at, at + 128));
      if (version !== undefined) return version;
    }
  }
  return undefined;
}

/** How far into read-only data a kernel's banner is looked for; an executable that is no kernel costs no more than this. */
const BANNER_SEARCH = 1 << 23;
const BANNER = [...'Linux version '].map((character) => character.charCodeAt(0));

function versionIn(bytes: Uint8Array): string | undefined {
  return /^Linux version (\d+\.\d+\S*) \(/.exec(decodeUtf8(bytes))?.[1];
}
