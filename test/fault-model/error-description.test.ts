/**
 * Machine checks in the words of mce-inject.
 */
import { describe, expect, test } from 'vitest';
import { describedBank, parseErrorDescription } from '../../fault-model/error-description.ts';
import { mcgStatusText, poisonConsumed, statusText } from '../../fault-model/machine-check.ts';

/** STATUS and MCGSTATUS in words, after `text` has had its say about poison read at 0x1040. */
function told(text: string): readonly string[] {
  const result = parseErrorDescription(text);
  if (!result.ok) return [result.message];
  const bank = describedBank(poisonConsumed('data', 0x1040n), result.description);
  return [statusText(bank.status), mcgStatusText(bank.mcgStatus), `BANK ${String(bank.bank)} ADDR ${bank.address.toString(16)} MISC ${bank.misc.toString(16)}`];
}

describe('a description', () => {
  test('replaces what it names and leaves the rest as the CPU reports it', () => {
    expect(told('STATUS uc,ar,s,pcc,over MCGSTATUS ripv')).toEqual([
      'val,over,uc,en,miscv,addrv,pcc,s,ar, data load (0x134)', 'ripv,mcip', 'BANK 1 ADDR 1040 MISC 86',
    ]);
    expect(told('bank 4 addr 0x123000 misc 0x8c')).toEqual(['val,uc,en,miscv,addrv,s,ar, data load (0x134)', 'ripv,eipv,mcip', 'BANK 4 ADDR 123000 MISC 8c']);
  });

  test('knows the kinds of errors by name', () => {
    expect(['corrected', 'ucna', 'srao', 'srar', 'fatal'].map((kind) => told(`STATUS ${kind}`)[0])).toEqual([
      'val,en,miscv,addrv, data load (0x134)', 'val,uc,en,miscv,addrv, data load (0x134)', 'val,uc,en,miscv,addrv,s, data load (0x134)',
      'val,uc,en,miscv,addrv,s,ar, data load (0x134)', 'val,uc,en,miscv,addrv,pcc, data load (0x134)',
    ]);
  });

  test('takes error codes as numbers beside words, and a number alone as the whole register', () => {
    expect(told('STATUS uc|s|0xc0')[0]).toBe('val,uc,en,miscv,addrv,s, memory scrubbing (0xc0)');
    expect(told('STATUS 0xbd80000000000150')[0]).toBe('val,uc,en,miscv,addrv,s,ar, instruction fetch (0x150)');
    expect(told('STATUS 0x8000000000000000')[0]).toBe('val, MCA error 0x0');
  });

  test('takes bits away with a minus', () => {
    expect(told('STATUS srar,-addrv,-en')[0]).toBe('val,uc,miscv,s,ar, data load (0x134)');
  });

  test.for([
    ['STATUS', 'STATUS wants a value'],
    ['STATUS uc,bogus', '"bogus" is no bit of MCi_STATUS; known are'],
    ['MCGSTATUS x', '"x" is no bit of MCG_STATUS; known are'],
    ['BANK 64', 'BANK is 0 to 63'],
    ['ADDR here', 'ADDR wants a number, not "here"'],
    ['uc,ar', '"uc,ar" is none of STATUS, MCGSTATUS, ADDR, MISC, BANK'],
    ['', '"" is none of'],
  ] as const)('that says "%s" is refused: %s', ([text, message]) => {
    expect(told(text)[0]).toContain(message);
  });
});
