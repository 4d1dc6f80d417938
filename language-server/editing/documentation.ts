/**
 * Words in Markdown, for completion, signature help and hover: mnemonics, directives, macros.
 */
import { operandForms } from '../../assembly/assembler/encoding/operand-forms.ts';
import type { MacroDefinition } from '../../assembly/gas/statement.ts';
import { directiveFacts } from '../facts/directives.ts';
import { mnemonicSummary } from '../facts/mnemonics.ts';

/** `mov` for `Mov_rm64_r64`, `vaddps` for `VEX_Vaddps_xmm_xmm_xmmm128`. */
export function icedName(encoding: string): string {
  return encoding.replace(/^(VEX|EVEX|XOP|D3NOW)_/, '').split('_')[0]!.toLowerCase();
}

/** What an AT&T mnemonic does; undefined if there are no words for it. */
export function instructionSummary(mnemonic: string): string | undefined {
  const [form] = operandForms(mnemonic);
  return form === undefined ? undefined : mnemonicSummary(icedName(form.encoding));
}

const MOST_FORMS = 24;

export function instructionText(mnemonic: string): string | undefined {
  const forms = operandForms(mnemonic);
  if (forms.length === 0) return undefined;
  const summary = instructionSummary(mnemonic);
  const lines = forms.slice(0, MOST_FORMS).map(({ text }) => `${mnemonic} ${text}`.trimEnd());
  if (forms.length > MOST_FORMS) lines.push(`# and ${String(forms.length - MOST_FORMS)} more`);
  return `${summary === undefined ? '' : `\`${mnemonic}\` ${summary}.\n\n`}\`\`\`gas\n${lines.join('\n')}\n\`\`\``;
}

export function directiveText(name: string): string | undefined {
  const facts = directiveFacts(name);
  return facts === undefined ? undefined : `\`\`\`gas\n${`${name} ${facts.syntax}`.trimEnd()}\n\`\`\`\n\n${facts.summary}`;
}

const MOST_LINES = 12;

/** A macro's definition as code, and where it stands. */
export function macroText(definition: MacroDefinition): readonly string[] {
  const { kind, name, parameters, body, range } = definition;
  const lines = body.trim().split('\n');
  const shown = [...lines.slice(0, MOST_LINES), ...(lines.length > MOST_LINES ? ['…'] : [])].join('\n');
  const head = kind === 'cpp' ? `#define ${name}${parameters.length === 0 ? '' : `(${parameters.join(', ')})`} ${shown}`.trimEnd() : `.macro ${[name, parameters.join(', ')].join(' ').trimEnd()}\n${shown}\n.endm`;
  const place = /^<linux-compat>\//.test(range.start.file) ? `mcsafe's stand-in for <${range.start.file.slice('<linux-compat>/'.length)}>` : `${range.start.file}:${String(range.start.line)}`;
  return [`\`\`\`gas\n${head}\n\`\`\``, `Defined at ${place}.`];
}
