/**
 * AT&T text as objdump prints it, from iced's GAS formatter and what the two do differently.
 */
import { Code, Formatter, FormatterSyntax, Mnemonic } from 'iced-x86';
import type { Instruction as IcedInstruction } from 'iced-x86';

let formatter: Formatter | undefined;

function objdumpFormatter(): Formatter {
  if (formatter !== undefined) return formatter;
  formatter = new Formatter(FormatterSyntax.Gas);
  formatter.uppercaseHex = false;
  formatter.hexPrefix = '0x';
  formatter.smallHexNumbersInDecimal = false;
  formatter.alwaysShowScale = true;
  formatter.showZeroDisplacements = true;
  formatter.ripRelativeAddresses = true;
  formatter.branchLeadingZeros = false;
  formatter.displacementLeadingZeros = false;
  formatter.preferSt0 = true;
  formatter.showUselessPrefixes = true;
  return formatter;
}

/** Operands of string instructions, which objdump writes with their segments. */
const STRING_MEMORY = new Set<Mnemonic>([
  Mnemonic.Movsb, Mnemonic.Movsw, Mnemonic.Movsd, Mnemonic.Movsq, Mnemonic.Stosb, Mnemonic.Stosw, Mnemonic.Stosd, Mnemonic.Stosq,
  Mnemonic.Lodsb, Mnemonic.Lodsw, Mnemonic.Lodsd, Mnemonic.Lodsq, Mnemonic.Scasb, Mnemonic.Scasw, Mnemonic.Scasd, Mnemonic.Scasq,
  Mnemonic.Cmpsb, Mnemonic.Cmpsw, Mnemonic.Cmpsd, Mnemonic.Cmpsq, Mnemonic.Insb, Mnemonic.Insw, Mnemonic.Insd, Mnemonic.Outsb, Mnemonic.Outsw, Mnemonic.Outsd,
]);
/** Instructions that take their port from dx. */
const PORT_REGISTER = new Set<Mnemonic>([Mnemonic.In, Mnemonic.Out, Mnemonic.Insb, Mnemonic.Insw, Mnemonic.Insd, Mnemonic.Outsb, Mnemonic.Outsw, Mnemonic.Outsd]);
/** Stack and branch instructions whose 64-bit size goes without saying. */
const UNSUFFIXED = /^(bnd |notrack )?(push|pop|call|jmp|ret|leave|enter)q\b/;

/** The forms whose count of 1 is in the opcode. */
const SHIFT_BY_ONE = /^(Sh[lr]|Sa[lr]|Ro[lr]|Rc[lr])_rm\d+_1$/;

/** Operands that iced leaves out and objdump does not. */
function spellOut(text: string): string {
  if (/^imul[wlq]? \$[^,]+,%\w+$/.test(text)) return `${text},${text.slice(text.lastIndexOf(',') + 1)}`;
  if (/^f(add|mul|subr?|divr?)p$/.test(text)) return `${text} %st,%st(1)`;
  if (text === 'fxch') return 'fxch %st(1)';
  if (text === 'rep ret') return 'repz ret';
  return text.replace(/^rep(n?)e /, 'rep$1z ').replace(/^(iret|lret|lcall)l\b/, '$1');
}

/** `data16` for every operand-size prefix but the first, as padding has them. */
function sizePrefixes(bytes: Uint8Array): string {
  let count = 0;
  while (bytes[count] === 0x66) count++;
  return 'data16 '.repeat(Math.max(0, count - 1));
}

/** The instruction's text, one space between mnemonic and operands. `bytes` begin with the instruction. */
export function attText(instruction: IcedInstruction, bytes: Uint8Array): string {
  if (instruction.isInvalid) return '(bad)';
  let text = objdumpFormatter().format(instruction);
  text = text.replace(UNSUFFIXED, '$1$2').replaceAll(',)', ')');
  // CS, DS, ES and SS name no other segment in 64-bit code; objdump shows them as prefixes that do nothing.
  const idle = /%([cdes]s):(?=-?0x|\()/.exec(text);
  if (idle !== null) text = `${idle[1]!} ${text.replace(idle[0], '')}`;
  const form = Code[instruction.code] ?? '';
  if (SHIFT_BY_ONE.test(form)) text = text.replace('$0x1,', '');
  // The top of the stack is `%st` where the opcode says so, `%st(0)` where it is the register chosen.
  if (form.endsWith('_st0_sti')) text = text.replace(/%st\(0\)$/, '%st');
  else if (form.endsWith('_sti_st0')) text = text.replace(' %st(0),', ' %st,');
  text = spellOut(text);
  if (STRING_MEMORY.has(instruction.mnemonic) && instruction.isStringInstruction) {
    text = text.replace(/(?<![:\w])\((%[er]di)\)/, '%es:($1)').replace(/(?<![:\w])\((%[er]si)\)/, '%ds:($1)');
  } else if (instruction.mnemonic === Mnemonic.Xlatb) text = text.replace(/(?<!:)\(%/, '%ds:(%');
  if (PORT_REGISTER.has(instruction.mnemonic)) text = text.replace(/(?<=[ ,])%dx/, '(%dx)');
  return `${sizePrefixes(bytes)}${text}`;
}
