/**
 * What stands behind a `variablesReference`.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Client } from '../adapter.ts';

/** One row, before it has a reference: its children are made when somebody asks. */
export interface Row {
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  /** Address for the client's memory view. */
  readonly memory?: bigint;
  /** Expression that gives this row's value. */
  readonly evaluateName?: string;
  readonly children?: Container;
  readonly readOnly?: boolean;
}

export interface Container {
  rows(): readonly Row[];
  /** Sets one row from the text the user typed and returns the row as it then is. Absent: nothing here can be set. */
  set?(name: string, value: string): Row;
}

/** References of one stop: they end when the program runs on. */
export class References {
  readonly #containers = new Map<number, Container>();
  #next = 1;

  add(container: Container): number {
    const reference = this.#next++;
    this.#containers.set(reference, container);
    return reference;
  }

  get(reference: number): Container | undefined {
    return this.#containers.get(reference);
  }

  /** Forgets all; numbers are not used again, so that a late request gets an error and not another's rows. */
  clear(): void {
    this.#containers.clear();
  }

  /** A row as the protocol wants it, with no more than the client announced. */
  variable(row: Row, { supportsVariableType, supportsMemoryReferences }: Pick<Client, 'supportsVariableType' | 'supportsMemoryReferences'>): DebugProtocol.Variable {
    return {
      name: row.name,
      value: row.value,
      variablesReference: row.children === undefined ? 0 : this.add(row.children),
      ...(row.type === undefined || !supportsVariableType ? {} : { type: row.type }),
      ...(row.memory === undefined || !supportsMemoryReferences ? {} : { memoryReference: `0x${row.memory.toString(16)}` }),
      ...(row.evaluateName === undefined ? {} : { evaluateName: row.evaluateName }),
      ...(row.readOnly === true ? { presentationHint: { attributes: ['readOnly'] } } : {}),
    };
  }
}

/** Rows that cannot be set. */
export function fixedRows(rows: readonly Row[]): Container {
  return { rows: () => rows.map((row) => ({ readOnly: true, ...row })) };
}
