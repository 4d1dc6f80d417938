/**
 * From a launch configuration to a linked program: settings, sources, encoder, stubs, linker. All problems are gathered; nothing is thrown.
 */
import { ElfError, readElf } from '../assembly/elf/read.ts';
import { linkObjects } from '../assembly/elf/link/link.ts';
import type { Image } from '../assembly/elf/image.ts';
import type { ObjectFile } from '../assembly/elf/object.ts';
import { readGas } from '../assembly/gas/read.ts';
import type { CommentDirective, GasUnit } from '../assembly/gas/statement.ts';
import { linuxCompat } from '../assembly/linux-compat/linux-compat.ts';
import type { Problem } from '../assembly/source.ts';
import { DEFAULT_KERNEL_GENERATION } from '../fault-model/kernel-generation.ts';
import type { ConfigProblem, LaunchConfig } from '../machine/scenario/schema.ts';
import { compileC } from './encoders/c-compiler.ts';
import { encode } from './encoders/encoder.ts';
import type { EncoderName } from './encoders/encoder.ts';
import type { EncodeRequest } from './encoders/encoding.ts';
import type { Host } from './host.ts';
import { errorsOf, fileProblem } from './problems.ts';
import { kernelTree, searchedWith } from './kernel-tree.ts';
import { readSettings } from './settings.ts';
import type { Settings } from './settings.ts';
import { Sources } from './sources.ts';
import { stubUnit, undefinedFunctions } from './stubs.ts';

export interface Program {
  /** The configuration with `.mcsafe.json` merged in and the programs' paths made absolute. */
  readonly config: LaunchConfig;
  /** Absolute path of the first program. */
  readonly main: string;
  readonly image: Image;
  readonly objects: readonly ObjectFile[];
  /** The sources as read; none for objects that came ready-made. */
  readonly units: readonly GasUnit[];
  readonly directives: readonly CommentDirective[];
  /** Warnings; errors make the loading fail. */
  readonly problems: readonly Problem[];
  /** Texts that exist on no disk (stand-ins for headers, stubs), by path. */
  readonly virtualSources: ReadonlyMap<string, string>;
  /** Functions the program calls without defining them, for which a stub was linked. */
  readonly stubs: readonly string[];
  /** A C source that nobody named, linked because it lies beside the program and defines what that lacks. */
  readonly companion?: Companion;
}

export interface Companion {
  readonly path: string;
  /** What it defines of what was missing. */
  readonly names: readonly string[];
}

export interface ProgramFailure {
  readonly ok: false;
  readonly configProblems: readonly ConfigProblem[];
  readonly problems: readonly Problem[];
  /** What could be done about it, one sentence. */
  readonly advice?: string;
}

export type ProgramResult = { readonly ok: true; readonly program: Program } | ProgramFailure;

/** What `config` names, read and encoded but not linked: one object for each program that could be had. */
export interface LoadedObjects {
  readonly objects: readonly ObjectFile[];
  readonly units: readonly GasUnit[];
  readonly configProblems: readonly ConfigProblem[];
  readonly problems: readonly Problem[];
  readonly advice?: string;
}

/** Reads, encodes and links what `config` names. Relative paths start at `baseFolder` (default: the host's working folder). */
export function loadProgram(config: LaunchConfig, host: Host, baseFolder = host.workingFolder): Promise<ProgramResult> {
  return settled(host, () => new Loader(config, host, baseFolder).load());
}

/** As {@link loadProgram}, up to the objects. */
export function loadObjects(config: LaunchConfig, host: Host, baseFolder = host.workingFolder): Promise<LoadedObjects> {
  return settled(host, () => new Loader(config, host, baseFolder).objects());
}

/** Hosts whose files arrive asynchronously need several goes: each reads with what the one before has asked for. */
async function settled<T>(host: Host, load: () => Promise<T>): Promise<T> {
  for (;;) {
    const result = await load();
    if (await host.files.settle?.() !== true) return result;
  }
}

interface Part {
  readonly object?: ObjectFile;
  readonly unit?: GasUnit;
}

class Loader {
  readonly #config: LaunchConfig;
  readonly #host: Host;
  readonly #paths: readonly string[];
  readonly #problems: Problem[] = [];
  readonly #configProblems: ConfigProblem[] = [];
  readonly #sources: Sources;
  readonly #configuredIncludePaths: readonly string[];
  /** The configured ones, then the stand-ins. */
  readonly #includePaths: readonly string[];
  /** Read before each source: those of a configured kernel tree. */
  readonly #preincludes: readonly string[];
  readonly #defines: Readonly<Record<string, string>>;
  readonly #settings: Settings;
  readonly #generation: string;
  readonly #stubTexts = new Map<string, string>();

  constructor(config: LaunchConfig, host: Host, baseFolder: string) {
    this.#config = config;
    this.#host = host;
    this.#paths = (typeof config.program === 'string' ? [config.program] : config.program).map((path) => host.resolve(baseFolder, path));
    const { settings, problems } = readSettings(this.#paths[0]!, host);
    this.#settings = settings;
    this.#problems.push(...problems);
    const tree = kernelTree(this.#paths[0]!, host);
    this.#generation = config.kernelGeneration ?? settings.kernelGeneration ?? tree?.generation ?? DEFAULT_KERNEL_GENERATION.id;
    const compat = linuxCompat(this.#generation);
    this.#sources = new Sources(host, compat.provider);
    this.#configuredIncludePaths = [...(config.includePaths ?? []).map((path) => host.resolve(baseFolder, path)), ...settings.includePaths];
    this.#includePaths = [...this.#configuredIncludePaths, ...searchedWith(tree, compat.includePaths)];
    this.#preincludes = [...(tree?.configured === true ? tree.preincludes : []), ...settings.preincludes];
    this.#defines = { ...compat.defines, ...tree?.defines, ...settings.defines, ...config.defines };
  }

  async objects(): Promise<LoadedObjects> {
    const parts: Part[] = [];
    for (const [index, path] of this.#paths.entries()) parts.push(await this.#loadOne(path, index));
    const advice = this.#failed() ? await this.#advice(parts) : undefined;
    return {
      objects: parts.flatMap(({ object }) => (object === undefined ? [] : [object])),
      units: parts.flatMap(({ unit }) => (unit === undefined ? [] : [unit])),
      configProblems: this.#configProblems,
      problems: this.#problems,
      ...(advice === undefined ? {} : { advice }),
    };
  }

  async load(): Promise<ProgramResult> {
    const { objects: named, units, advice } = await this.objects();
    if (this.#failed()) return this.#failure(advice);
    const beside = await this.#beside(named);
    if (this.#failed()) return this.#failure();
    const objects = beside === undefined ? named : [...named, beside.object];
    const stubs = await this.#stubs(objects);
    const linked = linkObjects([...objects, ...stubs.objects]);
    this.#problems.push(...linked.problems);
    if (this.#failed()) return this.#failure();
    return {
      ok: true,
      program: {
        config: {
          ...this.#config,
          program: this.#paths.length === 1 ? this.#paths[0]! : [...this.#paths],
          kernelGeneration: this.#generation as NonNullable<LaunchConfig['kernelGeneration']>,
        },
        main: this.#paths[0]!,
        image: linked.image,
        objects, units,
        directives: units.flatMap((unit) => unit.directives),
        problems: this.#problems,
        virtualSources: new Map([...this.#sources.virtual, ...this.#stubTexts]),
        stubs: stubs.names,
        ...(beside === undefined ? {} : { companion: beside.companion }),
      },
    };
  }

  #failed(): boolean {
    return this.#configProblems.length > 0 || errorsOf(this.#problems).length > 0;
  }

  #failure(advice?: string): ProgramFailure {
    return { ok: false, configProblems: this.#configProblems, problems: this.#problems, ...(advice === undefined ? {} : { advice }) };
  }

  async #loadOne(path: string, index: number): Promise<Part> {
    const bytes = this.#host.files.read(path);
    if (bytes === undefined) {
      const where = typeof this.#config.program === 'string' ? 'program' : `program.${String(index)}`;
      this.#configProblems.push({ path: where, message: `cannot read ${path}: no such file` });
      return {};
    }
    return isElf(bytes) ? this.#loadElf(path, bytes) : this.#loadSource(path, bytes);
  }

  #loadElf(path: string, bytes: Uint8Array): Part {
    try {
      return { object: readElf(path, bytes) };
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      this.#problems.push(fileProblem(path, 'bad-elf', error.message));
      return {};
    }
  }

  async #loadSource(path: string, bytes: Uint8Array): Promise<Part> {
    if (bytes.includes(0)) {
      this.#problems.push(fileProblem(path, 'not-a-source', 'this is neither an ELF file nor text; programs are .S, .s or .c sources or ELF objects'));
      return {};
    }
    if (path.endsWith('.c')) {
      const { object, problems } = await compileC({ file: path, host: this.#host, includePaths: this.#configuredIncludePaths, defines: { ...this.#settings.defines, ...this.#config.defines } });
      this.#problems.push(...problems);
      return object === undefined ? {} : { object };
    }
    const unit = readGas(path, new TextDecoder().decode(bytes), { provider: this.#sources, includePaths: this.#includePaths, preincludes: this.#preincludes, defines: this.#defines });
    this.#problems.push(...unit.problems);
    if (errorsOf(unit.problems).length > 0) return { unit };
    const encoded = await encode(this.#encoder(), this.#request(unit));
    this.#problems.push(...encoded.problems);
    return { unit, ...(encoded.object === undefined ? {} : { object: encoded.object }) };
  }

  #encoder(): EncoderName {
    return this.#config.encoder ?? 'embedded';
  }

  #request(unit: GasUnit): EncodeRequest {
    return { unit, host: this.#host, includePaths: this.#includePaths, preincludes: this.#preincludes, defines: this.#defines, virtual: this.#sources.virtual };
  }

  /** If only the embedded encoder refuses, says so: GNU as is asked whether it would take the same statements. */
  async #advice(parts: readonly Part[]): Promise<string | undefined> {
    if (this.#encoder() !== 'embedded') return undefined;
    const refused = parts.filter(({ unit }) => unit !== undefined && errorsOf(unit.problems).length === 0);
    if (refused.length === 0 || this.#configProblems.length > 0) return undefined;
    if (this.#host.processes === undefined) return undefined;
    for (const { unit } of refused) {
      const other = await encode('as', this.#request(unit!));
      if (other.object === undefined || errorsOf(other.problems).length > 0) return undefined;
    }
    return 'only the embedded assembler refuses this; GNU as takes it: set "encoder": "as"';
  }

  /** `copy.c`, where `copy.S` alone was named, lacks a name, and that name stands in `copy.c`: handlers are written so. */
  async #beside(objects: readonly ObjectFile[]): Promise<{ readonly object: ObjectFile; readonly companion: Companion } | undefined> {
    const [main, ...others] = this.#paths;
    const stem = /^(.*)\.[sS]x?$/.exec(main!)?.[1];
    if (stem === undefined || others.length > 0) return undefined;
    const lacking = undefinedFunctions(objects).filter((name) => stubUnit(name, this.#stubText(name), this.#generation) === undefined);
    if (lacking.length === 0) return undefined;
    const path = `${stem}.c`;
    const bytes = this.#host.files.read(path);
    const text = bytes === undefined ? '' : new TextDecoder().decode(bytes);
    const names = lacking.filter((name) => new RegExp(`\\b${name.replaceAll(/\W/g, '\\$&')}\\b`).test(text));
    if (names.length === 0) return undefined;
    if (this.#host.processes === undefined) {
      const message = `${names.join(', ')} may be defined in ${path} beside it, but no compiler is started here: ${this.#host.noProcesses ?? 'this system has none'}`;
      this.#problems.push({ ...fileProblem(main!, 'companion-not-compiled', message), severity: 'warning' });
      return undefined;
    }
    const { object } = await this.#loadSource(path, bytes!);
    return object === undefined ? undefined : { object, companion: { path, names } };
  }

  /** The user's stub for `name`: the launch configuration's, else the project's. */
  #stubText(name: string): string | undefined {
    const texts = { ...this.#settings.stubs, ...this.#config.stubs };
    return Object.hasOwn(texts, name) ? texts[name] : undefined;
  }

  /** Stubs for what the program calls and does not define: the user's, then the built-in ones. A stub may call for further ones. */
  async #stubs(objects: readonly ObjectFile[]): Promise<{ readonly objects: readonly ObjectFile[]; readonly names: readonly string[] }> {
    const stubs = new Map<string, ObjectFile>();
    for (let missing = undefinedFunctions(objects); missing.length > 0;) {
      const before = stubs.size;
      for (const name of missing) {
        const stub = stubUnit(name, this.#stubText(name), this.#generation);
        if (stub === undefined) continue;
        const unit = readGas(stub.file, stub.text, { provider: this.#sources, includePaths: this.#includePaths, defines: this.#defines });
        const encoded = await encode('embedded', this.#request(unit));
        this.#problems.push(...unit.problems, ...encoded.problems);
        this.#stubTexts.set(stub.file, stub.text);
        if (encoded.object !== undefined) stubs.set(name, encoded.object);
      }
      if (stubs.size === before) break;
      missing = undefinedFunctions([...objects, ...stubs.values()]);
    }
    return { objects: [...stubs.values()], names: [...stubs.keys()] };
  }
}

function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}
