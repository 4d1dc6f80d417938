/**
 * Sources as the client knows them: files by path; stand-ins, stubs and the text of an exception by reference.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { errors } from './errors.ts';
import { baseName } from './format.ts';

export class SourceTexts {
  readonly #virtual: ReadonlyMap<string, string>;
  readonly #texts = new Map<number, () => string>();
  readonly #references = new Map<string, number>();

  /** `virtual`: texts that are on no disk, by path. */
  constructor(virtual: ReadonlyMap<string, string>) {
    this.#virtual = virtual;
  }

  source(path: string): DebugProtocol.Source {
    const text = this.#virtual.get(path);
    if (text === undefined) return { name: baseName(path), path };
    return { name: baseName(path), path, sourceReference: this.#reference(path, () => text), origin: 'built into mcsafe', presentationHint: 'normal' };
  }

  /** A source that is only text, made when the client asks for it. */
  generated(name: string, text: () => string): DebugProtocol.Source {
    return { name, sourceReference: this.#reference(`generated ${name}`, text), presentationHint: 'deemphasize', origin: 'exception delivery' };
  }

  text(reference: number): string {
    const text = this.#texts.get(reference);
    if (text === undefined) throw errors.unknownSource(reference);
    return text();
  }

  #reference(key: string, text: () => string): number {
    const reference = this.#references.get(key) ?? this.#references.size + 1;
    this.#references.set(key, reference);
    this.#texts.set(reference, text);
    return reference;
  }
}
