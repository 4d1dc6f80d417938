/**
 * Signature help: the parameters of macros, the operand forms of instructions, the arguments of directives.
 */
import type { ParameterInformation, SignatureHelp, SignatureInformation } from 'vscode-languageserver';
import type { Analysis } from '../analysis/analysis.ts';
import { cursorAt } from '../editing/cursor.ts';
import type { Cursor } from '../editing/cursor.ts';
import { instructionSummary } from '../editing/documentation.ts';
import { openForms } from '../editing/slots.ts';
import { directiveFacts } from '../facts/directives.ts';
import { entryMacroText, isEntryMacro, kernelMacros } from '../facts/kernel-macros.ts';
import type { Provider } from '../provider.ts';

/** More forms than anybody reads. */
const MOST = 30;

export const signatureHelp: Provider = {
  capabilities: { signatureHelpProvider: { triggerCharacters: [' ', ',', '(', '\t'], retriggerCharacters: [','] } },
  register(connection, workspace) {
    let offsets = false;
    workspace.onInitialize(({ capabilities }) => { offsets = capabilities.textDocument?.signatureHelp?.signatureInformation?.parameterInformation?.labelOffsetSupport === true; });
    connection.onSignatureHelp(({ textDocument: { uri }, position }) => {
      const document = workspace.document(uri);
      const analysis = workspace.recentAnalysis(uri);
      if (document === undefined || analysis === undefined || analysis.foreign !== undefined) return null;
      const help = signatureAt(analysis, document.getText(), position.line, position.character);
      return help === undefined ? null : offsets ? help : spelledOut(help);
    });
  },
};

/** With parameters by their text, for clients that take no places in the label. */
function spelledOut(help: SignatureHelp): SignatureHelp {
  const parameter = (signature: string, { label, ...rest }: ParameterInformation): ParameterInformation => ({ ...rest, label: typeof label === 'string' ? label : signature.slice(...label) });
  return { ...help, signatures: help.signatures.map(({ parameters = [], ...rest }) => ({ ...rest, parameters: parameters.map((one) => parameter(rest.label, one)) })) };
}

/** For a 0-based place; undefined where nothing takes arguments. */
export function signatureAt(analysis: Analysis, text: string, line: number, character: number): SignatureHelp | undefined {
  const cursor = cursorAt(text, line, character);
  if (cursor.place !== 'operand') return undefined;
  const { call, head, operands } = cursor;
  if (call !== undefined) {
    const known = macro(call.name, analysis);
    if (known !== undefined && !known.isGas) return one(signature(call.name, known.parameters, ['(', ')'], isEntryMacro(call.name) ? entryMacroText(call.name) : undefined), call.argument, known.parameters.length);
  }
  const known = macro(head, analysis);
  if (known?.isGas === true) return one(signature(head, known.parameters, [' ', '']), operands.length - 1, known.parameters.length);
  if (head.startsWith('.')) return directive(head, operands.length - 1);
  return instruction(cursor);
}

/** The last definition of a macro, else the kernel's. */
function macro(name: string, { unit, generation }: Analysis): { readonly parameters: readonly string[]; readonly isGas: boolean } | undefined {
  const own = unit.macros.findLast((one) => one.name === name || (one.kind === 'gas' && one.name.toLowerCase() === name.toLowerCase()));
  const found = own === undefined ? kernelMacros(generation.id).get(name) : { parameters: own.parameters, isGas: own.kind === 'gas' };
  return found === undefined || found.parameters.length === 0 ? undefined : found;
}

function one(information: SignatureInformation, argument: number, parameters: number): SignatureHelp {
  // What is too much belongs to the last one, as for a variable list.
  return { signatures: [information], activeSignature: 0, activeParameter: Math.min(argument, parameters - 1) };
}

function signature(name: string, parameters: readonly string[], [open, close]: readonly [string, string], documentation?: string): SignatureInformation {
  let label = name + open;
  const places = parameters.map((parameter, index): { readonly label: [number, number] } => {
    if (index > 0) label += ', ';
    const start = label.length;
    label += parameter;
    return { label: [start, label.length] };
  });
  return { label: label + close, parameters: places, ...(documentation === undefined ? {} : { documentation }) };
}

function directive(name: string, argument: number): SignatureHelp | undefined {
  const facts = directiveFacts(name.toLowerCase());
  if (facts === undefined || facts.syntax === '') return undefined;
  const parameters = facts.syntax.replaceAll(/[[\]]/g, '').split(/,\s*/);
  return one(signature(name, parameters, [' ', ''], facts.summary), argument, parameters.length);
}

function instruction(cursor: Cursor): SignatureHelp | undefined {
  const forms = openForms(cursor).filter(({ slots }) => slots.length > 0);
  if (forms.length === 0) return undefined;
  const summary = instructionSummary(cursor.head.toLowerCase());
  const signatures = forms.slice(0, MOST).map(({ slots }) => signature(cursor.head, slots.map(({ text }) => text), [' ', ''], summary));
  return { signatures, activeSignature: 0, activeParameter: cursor.operands.length - 1 };
}
