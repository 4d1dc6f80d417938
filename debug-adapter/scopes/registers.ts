/**
 * Scopes that are registers: general, flags, system, vector. All but the vectors can be set.
 */
import { FLAG } from '../../machine/cpu/cpu.ts';
import type { Machine } from '../../machine/machine.ts';
import type { UndefinedFlag } from '../../machine/timeline/flag-origins.ts';
import { errors } from '../errors.ts';
import { assign } from '../expressions/evaluate.ts';
import { FLAGS, GENERAL_PLACES, SYSTEM_PLACES } from '../expressions/registers.ts';
import type { Place } from '../expressions/registers.ts';
import { flagsText, hex, pointerText } from '../format.ts';
import type { Container, Row } from './container.ts';
import { fixedRows } from './container.ts';

const MARK = ' undefined after ';

export function generalRegisters(machine: Machine): Container {
  return places(machine, GENERAL_PLACES);
}

/** A flag that holds no defined value is marked with the instruction that left it so. */
export function flags(machine: Machine, undefinedFlags: () => readonly UndefinedFlag[]): Container {
  const { rows, set } = places(machine, FLAGS);
  return {
    rows: () => {
      const marks = new Map(undefinedFlags().map(({ flag, instruction }) => [flag, instruction.text]));
      return rows().map((row) => {
        const text = marks.get(FLAG[row.name as keyof typeof FLAG]);
        return text === undefined ? row : { ...row, value: `${row.value}${MARK}${text}` };
      });
    },
    // Who edits a marked value may leave the mark.
    set: (name, value) => set!(name, value.split(MARK, 1)[0]!),
  };
}

export function systemRegisters(machine: Machine): Container {
  return places(machine, SYSTEM_PLACES);
}

function places(machine: Machine, list: readonly Place[]): Container {
  const row = (place: Place): Row => {
    const value = place.get(machine.registers);
    const shown = place.bits === 1 ? value.toString() : place.name === 'rflags' ? `${hex(value)} (${flagsText(value)})` : place.bits === 64 ? pointerText(machine, value) : hex(value);
    return { name: place.name, value: shown, evaluateName: place.name, ...(place.bits === 64 && place.name !== 'rflags' ? { memory: value } : {}) };
  };
  return {
    rows: () => list.map(row),
    set: (name, value) => {
      const place = list.find((one) => one.name === name);
      if (place === undefined) throw errors.unknownVariable(name);
      assign(name, value, machine);
      return row(place);
    },
  };
}

/** xmm0 to xmm15, most significant byte first as people write them, with their quadwords below. */
export function vectorRegisters(machine: Machine): Container {
  const text = (bytes: Uint8Array): string => `0x${[...bytes].reverse().map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  return {
    rows: () => Array.from({ length: 16 }, (_, number) => {
      const bytes = machine.registers.getXmm(number);
      const quad = (index: number): Row => ({ name: `[${String(index)}]`, value: text(bytes.slice(index * 8, index * 8 + 8)) });
      return { name: `xmm${String(number)}`, value: text(bytes), readOnly: true, children: fixedRows([quad(0), quad(1)]) };
    }),
  };
}
