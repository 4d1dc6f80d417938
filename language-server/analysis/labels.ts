/**
 * Every label of a unit: where it was written and where it ended up.
 */
import type { ObjectFile } from '../../assembly/elf/object.ts';
import type { GasUnit, LabelStatement } from '../../assembly/gas/statement.ts';
import type { SourceRange } from '../../assembly/source.ts';
import type { ObjectPlace } from './analysis.ts';
import { pushTo } from './multimap.ts';

export interface Label extends ObjectPlace {
  /** Unique name; numeric labels have an internal one. */
  readonly name: string;
  /** As written. */
  readonly written: string;
  readonly range: SourceRange;
}

export class LabelTable {
  readonly #byName = new Map<string, Label>();
  readonly #byPlace = new Map<string, Label[]>();
  #byWritten: Map<string, Label[]> | undefined;

  constructor(unit: GasUnit, object: ObjectFile) {
    const places = new Map<string, ObjectPlace>();
    for (const label of object.localLabels) places.set(label.name, label);
    for (const symbol of object.symbols) {
      if (typeof symbol.section === 'number' && symbol.name !== '') places.set(symbol.name, { section: symbol.section, offset: Number(symbol.value) });
    }
    for (const statement of unit.statements) {
      if (statement.kind === 'label') this.#add(statement, places);
    }
  }

  get all(): readonly Label[] {
    return [...this.#byName.values()];
  }

  /** Labels that were written so, in order: of numeric ones there are many. */
  written(name: string): readonly Label[] {
    if (this.#byWritten === undefined) {
      this.#byWritten = new Map();
      for (const label of this.#byName.values()) pushTo(this.#byWritten, label.written, label);
    }
    return this.#byWritten.get(name) ?? [];
  }

  byName(name: string): Label | undefined {
    return this.#byName.get(name);
  }

  /** Labels at a place, in the order they were written. */
  at({ section, offset }: ObjectPlace): readonly Label[] {
    return this.#byPlace.get(`${String(section)}:${String(offset)}`) ?? [];
  }

  #add(statement: LabelStatement, places: ReadonlyMap<string, ObjectPlace>): void {
    const place = places.get(statement.name) ?? places.get(statement.written);
    if (place === undefined) return;
    const label: Label = { section: place.section, offset: place.offset, name: statement.name, written: statement.written, range: statement.range };
    this.#byName.set(label.name, label);
    const key = `${String(label.section)}:${String(label.offset)}`;
    pushTo(this.#byPlace, key, label);
  }
}
